import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { FromBoard } from '../../../src/core/board/board-messages.ts';
import { densityFor, lanesOf, nextLanes, offsetsOf, rowAt } from '../../../media/board/lanes.ts';
import { Model } from '../../../media/board/model.ts';
import { ticksOf, timelineRows } from '../../../media/board/timeline-rows.ts';
import { readUi } from '../../../media/board/ui-state.ts';
import { boardState } from '../../support/board-fixture.ts';

const NOW = 1_800_000_000_000;

function modelOf(tasks: number, saved?: unknown): { model: Model; posted: FromBoard[] } {
  const posted: FromBoard[] = [];
  const model = new Model({
    post: (message) => posted.push(message),
    saved: () => saved,
    save: () => undefined,
  });
  model.take({ kind: 'state', state: boardState({ tasks, phase: 'running', now: NOW }) });
  return { model, posted };
}

test('a patch replaces what it names and leaves every other card the same object', () => {
  const { model } = modelOf(40);
  const [first, second, third] = [...model.cards.values()];
  assert.ok(first && second && third);
  model.take({ kind: 'patch', cards: [{ ...first, title: 'New' }], gone: [second.id] });
  assert.equal(model.cards.get(first.id)?.title, 'New');
  assert.equal(model.cards.has(second.id), false);
  assert.equal(model.cards.get(third.id), third);
});

test('a patch before the whole state is left alone', () => {
  const model = new Model({
    post: () => undefined,
    saved: () => undefined,
    save: () => undefined,
  });
  model.take({ kind: 'patch', cards: [], gone: [] });
  assert.equal(model.frame, undefined);
});

test('details and log of a task that is no longer chosen are dropped', () => {
  const { model } = modelOf(40);
  const [first, second] = [...model.cards.keys()];
  assert.ok(first !== undefined && second !== undefined);
  model.set({ selected: first, drawer: 'log' });
  model.take({ kind: 'log', id: first, text: 'mine' });
  assert.equal(model.log, 'mine');
  model.set({ selected: second });
  assert.equal(model.log, undefined);
  model.take({ kind: 'log', id: first, text: 'late' });
  assert.equal(model.log, undefined);
});

test('the drawer is asked for once for each task and tab, and again with each whole state', () => {
  const { model, posted } = modelOf(40);
  const [id] = [...model.cards.keys()];
  model.set({ selected: id, drawer: 'overview' });
  model.set({ drawer: 'changes' });
  model.set({ drawer: 'log' });
  model.take({ kind: 'state', state: boardState({ tasks: 40, phase: 'running', now: NOW }) });
  model.set({ drawer: undefined });
  assert.deepEqual(posted, [
    { kind: 'drawer', id, withLog: false },
    { kind: 'drawer', id, withLog: true },
    { kind: 'drawer', id, withLog: true },
    { kind: 'drawer', id: undefined, withLog: false },
  ]);
});

test('words of a search are found in any order in title, id, tag and status', () => {
  const { model } = modelOf(40);
  const [card] = [...model.cards.values()];
  assert.ok(card);
  const tagged = { ...card, title: 'Parse Arguments', tags: ['api'], words: 'looks stuck' };
  for (const text of ['parse', 'ARG pars', 'api', 'stuck api', card.id.toLowerCase(), ' ']) {
    model.set({ text });
    assert.equal(model.passes(tagged), true, text);
  }
  model.set({ text: 'parse nothing' });
  assert.equal(model.passes(tagged), false);
});

test('what was kept by another version is read field by field', () => {
  assert.deepEqual(readUi(undefined), readUi({ view: 'cube', scroll: 7, place: { x: 1 } }));
  const ui = readUi({ view: 'graph', states: ['failed', 'lost'], place: { x: 1, y: 2, zoom: 3 } });
  assert.equal(ui.view, 'graph');
  assert.deepEqual(ui.states, ['failed']);
  assert.deepEqual(ui.place, { x: 1, y: 2, zoom: 3 });
});

test('twelve tasks get full cards, eighty lines, more counts on top; the choice of the user counts', () => {
  assert.deepEqual(
    [12, 13, 80, 81].map((n) => densityFor('auto', n)),
    ['full', 'lines', 'lines', 'stacks'],
  );
  assert.equal(densityFor('full', 10_000), 'full');
});

test('each card that passes is in one lane, and is found at its place', () => {
  const { model } = modelOf(400);
  model.set({ text: 'rate' });
  const { lanes, places, shown } = lanesOf(model);
  assert.ok(shown > 0);
  for (const [id, [lane, row]] of places) assert.equal(lanes[lane]?.cards[row]?.id, id);
});

test('lanes that follow a change are those that would be made anew', () => {
  const states = ['working', 'queued', 'waiting', 'done'] as const;
  fc.assert(
    fc.property(
      fc.array(fc.record({ n: fc.nat(39), state: fc.constantFrom(undefined, ...states) }), {
        maxLength: 6,
      }),
      fc.constantFrom('', 'rate', 'changed'),
      (changes, text) => {
        const { model } = modelOf(40);
        model.set({ text });
        let lanes = lanesOf(model);
        for (const { n, state } of changes) {
          const card = [...model.cards.values()][n];
          assert.ok(card);
          const changed = { ...card, title: `${card.title} changed`, state: state ?? card.state };
          model.take({ kind: 'patch', cards: [changed], gone: [] });
          lanes = nextLanes(model, lanes);
        }
        assert.deepEqual(lanes, lanesOf(model));
      },
    ),
  );
});

test('the row at a height is the one whose span holds it', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 50 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (heights, part) => {
        const offsets = offsetsOf(heights);
        const y = Math.min((offsets.at(-1) ?? 0) - 0.5, part * (offsets.at(-1) ?? 0));
        const row = rowAt(offsets, y);
        assert.ok((offsets[row] ?? 0) <= y && y < (offsets[row + 1] ?? 0));
      },
    ),
  );
});

test('the timeline has the tasks of the shown run by wave, begun ones first', () => {
  const { model } = modelOf(40);
  const { rows, places, from, to } = timelineRows(model);
  assert.equal(places.size, 40);
  assert.ok(from < NOW && to > NOW);
  let begun = true;
  for (const row of rows) {
    if (row.kind === 'wave') begun = true;
    else if (row.card.work?.bars.length === 0) begun = false;
    else assert.ok(begun, row.key);
  }
});

test('ticks are round moments, in order and never too many', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 3e9 }), fc.integer({ min: 2, max: 30 }), (span, most) => {
      const ticks = ticksOf(NOW, NOW + span, most);
      assert.ok(ticks.length <= most + 1);
      for (const at of ticks) assert.ok(at >= NOW && at <= NOW + span);
    }),
  );
});
