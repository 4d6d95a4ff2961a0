import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../editor/browser.ts';
import { boardState, HOSTILE, type BoardFixture } from '../support/board-fixture.ts';
import { BoardPage, type BoardPageOptions } from '../support/board-page.ts';
import { BOARD_THEMES, type BoardTheme } from '../support/board-themes.ts';

let browser: Browser;
before(async () => (browser = await launchBrowser()));
after(() => browser.close());

/** Opens a board, and fails where the page reported an error or its policy refused something. */
async function withBoard(
  fixture: Omit<BoardFixture, 'now'>,
  use: (board: BoardPage) => Promise<void>,
  options: BoardPageOptions = {},
): Promise<void> {
  await using board = await BoardPage.open(
    browser,
    boardState({ now: Date.now(), ...fixture }),
    options,
  );
  await use(board);
  assert.deepEqual(board.troubles, []);
}

const cards = (board: BoardPage) => board.page.locator('.card[data-id]');
const card = (board: BoardPage, id: string) => board.page.locator(`[role=option][data-id="${id}"]`);
const press = async (board: BoardPage, ...keys: readonly string[]) => {
  for (const key of keys) await board.page.keyboard.press(key);
};
/** Waits until the keyboard is on this task. */
const focusOn = (board: BoardPage, id: string) =>
  board.page.locator(`[data-id="${id}"]:focus`).waitFor();

for (const tasks of [4, 40, 400, 10_000])
  test(`${tasks} tasks are drawn, with at most 200 cards in the page`, () =>
    withBoard({ tasks, phase: 'running' }, async (board) => {
      const most = async () => {
        const n = await cards(board).count();
        assert.ok(n > 0 && n <= 200, `${n} cards`);
      };
      await most();
      for (const size of ['full', 'lines', 'stacks']) {
        await board.page.getByLabel('Size of the cards').selectOption(size);
        await most();
      }
      await board.page.setViewportSize({ width: 3840, height: 2160 });
      await most();
    }));

test('a hostile title is text and nothing else, on cards and in details', () =>
  withBoard({ tasks: 12, phase: 'running', hostile: true }, async (board) => {
    for (const title of HOSTILE.slice(0, 5))
      await board.page.locator('.card .title', { hasText: title }).first().waitFor();
    await cards(board).first().click();
    await board.page.locator('.drawer h2', { hasText: HOSTILE[0] }).waitFor();
    for (const view of ['2', '3', '1']) await board.page.keyboard.press(view);
    assert.equal(await board.page.evaluate('globalThis.hacked'), undefined);
    assert.equal(await board.page.locator('main img, main script, main b').count(), 0);
  }));

for (const theme of Object.keys(BOARD_THEMES) as BoardTheme[])
  test(`axe finds nothing in the theme ${theme}`, () =>
    withBoard(
      { tasks: 40, phase: 'running' },
      async (board) => {
        await cards(board).first().click();
        await board.page.keyboard.press('?');
        for (const view of ['1', '2', '3']) {
          await board.page.keyboard.press(view);
          await board.page.evaluate(axe.source);
          const found = await board.page.evaluate<readonly string[]>(
            `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
               nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 200) + failureSummary)))`,
          );
          assert.deepEqual(found, [], `view ${view}`);
        }
      },
      { theme, context: { bypassCSP: true } },
    ));

test('the board is used by keyboard alone', () =>
  withBoard({ tasks: 40, phase: 'running' }, async (board) => {
    const [now, next] = board.state.columns;
    assert.ok(now && next);
    await press(board, 'ArrowDown');
    await focusOn(board, now.ids[0]!);
    await press(board, 'ArrowDown', 'ArrowDown');
    await focusOn(board, now.ids[2]!);
    await press(board, 'ArrowUp', 'ArrowUp', 'ArrowRight');
    await focusOn(board, next.ids[0]!);
    await press(board, 'End');
    await focusOn(board, next.ids.at(-1)!);
    await press(board, 'ArrowLeft', 'Home');
    await focusOn(board, now.ids[0]!);

    await press(board, 'Enter');
    await board.page.locator('.drawer').waitFor();
    await focusOn(board, now.ids[0]!); // the details take no focus
    await press(board, 'l');
    await board.page.locator('.log', { hasText: '40 ' }).waitFor();
    await press(board, 'Escape');
    assert.equal(await board.page.locator('.drawer').count(), 0);
    await focusOn(board, now.ids[0]!);

    await press(board, '?');
    await board.page.getByRole('dialog').waitFor();
    await press(board, 'Escape');
    assert.equal(await board.page.getByRole('dialog').count(), 0);
    for (const [key, view] of [
      ['2', 'timeline'],
      ['3', 'graph'],
      ['1', 'board'],
    ] as const) {
      await press(board, key);
      await card(board, now.ids[0]!).waitFor();
      assert.equal(await board.page.locator(`.${view}.view`).count(), 1);
    }
  }));

test('each letter asks for what the chosen task can have, and for nothing else', () =>
  withBoard({ tasks: 40, phase: 'running' }, async (board) => {
    const of = (state: string) => board.state.cards.find((each) => each.state === state)!.id;
    const cases: readonly [state: string, key: string, action: string | undefined][] = [
      ['failed', 'r', 'requeue'],
      ['review', 'a', 'accept'],
      ['review', 'x', 'sendBack'],
      ['working', 's', 'stop'],
      ['working', 'a', undefined],
      ['waiting', 'r', undefined],
    ];
    for (const [state, key, action] of cases) {
      await board.tell({ kind: 'show', id: of(state) });
      await focusOn(board, of(state));
      board.take();
      await press(board, key);
      await board.tell({ kind: 'patch', cards: [], gone: [] });
      assert.deepEqual(
        board.take(),
        action === undefined ? [] : [{ kind: 'card', action, ids: [of(state)] }],
        `${key} on ${state}`,
      );
    }
  }));

test('every button of strip, needs, columns and details posts what it says', () =>
  withBoard({ tasks: 40, phase: 'running' }, async (board) => {
    const { page } = board;
    const run = 'run-7';
    const click = async (name: string | RegExp, exact = true) => {
      board.take();
      await page.getByRole('button', { name, exact }).first().click();
      await board.tell({ kind: 'patch', cards: [], gone: [] });
      return board.take();
    };
    assert.deepEqual(await click('More agents at a time'), [{ kind: 'cap', cap: 9 }]);
    assert.deepEqual(await click('Fewer agents at a time'), [{ kind: 'cap', cap: 7 }]);
    assert.deepEqual(await click('Pause'), [{ kind: 'run', action: 'pause', runId: run }]);
    assert.deepEqual(await click('Report'), [{ kind: 'run', action: 'report', runId: run }]);
    assert.deepEqual(await click('Stop'), [{ kind: 'run', action: 'stopRun', runId: run }]);

    await click('Show All');
    const failed = board.state.needs.find(({ kind }) => kind === 'failed')!;
    assert.deepEqual(await click(`Run Again · ${failed.title}`), [
      { kind: 'card', action: 'requeue', ids: [failed.id] },
    ]);
    assert.deepEqual((await click(new RegExp(`^${failed.title}`), false)).slice(0, 1), [
      { kind: 'drawer', id: failed.id, withLog: false },
    ]);
    assert.deepEqual(await click('Open Task'), [
      { kind: 'card', action: 'open', ids: [failed.id] },
    ]);
    await page.getByRole('tab', { name: 'Changes' }).click();
    await page.locator('.files', { hasText: 'src/cli/arguments.ts' }).waitFor();
    await page.getByRole('tab', { name: 'History' }).click();
    assert.equal(await page.locator('.attempts li').count(), 2);
    board.take();
    await page.getByLabel('Shown run').selectOption('run-6');
    assert.deepEqual(board.take(), [{ kind: 'showRun', runId: 'run-6' }]);
  }));

test('without a run the board offers to start one, and a wave', () =>
  withBoard({ tasks: 12, phase: 'idle' }, async (board) => {
    for (const name of ['Run All…', 'Run Now wave 0…', 'New Task…'])
      await board.page.getByRole('button', { name }).click();
    assert.deepEqual(
      board.take().filter(({ kind }) => kind !== 'ready'),
      [
        { kind: 'run', action: 'runAll', runId: undefined },
        { kind: 'wave', wave: 0 },
        { kind: 'run', action: 'newTask', runId: undefined },
      ],
    );
  }));

test('Stop is where nothing was that starts or accepts work', async () => {
  const boxes: Record<string, { left: number; right: number }> = {};
  for (const phase of ['running', 'idle', 'ended', 'reviewing'] as const)
    await withBoard({ tasks: 40, phase }, async (board) => {
      for (const name of ['Stop', 'Run All…', 'Resume…', 'Accept All…']) {
        const button = board.page.locator('.strip').getByRole('button', { name, exact: true });
        const box = (await button.count()) > 0 ? await button.boundingBox() : null;
        if (box) boxes[`${phase} ${name}`] = { left: box.x, right: box.x + box.width };
      }
    });
  const stop = boxes['running Stop'] ?? assert.fail('no Stop');
  assert.ok(Object.keys(boxes).length >= 5, JSON.stringify(boxes));
  for (const [name, box] of Object.entries(boxes))
    if (!name.endsWith('Stop'))
      assert.ok(box.right <= stop.left || box.left >= stop.right, `${name} under Stop`);
});

test('a board that may change nothing has no button that does', () =>
  withBoard({ tasks: 12, phase: 'running' }, async (board) => {
    await cards(board).first().click();
    const { cards: _, columns: __, ...frame } = board.state;
    await board.tell({ kind: 'patch', frame: { ...frame, isReadOnly: true }, cards: [], gone: [] });
    for (const name of ['Pause', 'Stop', 'Accept', 'Review Changes'])
      assert.equal(await board.page.getByRole('button', { name, exact: true }).count(), 0, name);
  }));

test('search and counts filter, and Escape shows everything again', () =>
  withBoard({ tasks: 40, phase: 'running' }, async (board) => {
    const all = await cards(board).count();
    await board.page.getByRole('button', { name: '2 failed' }).click();
    assert.deepEqual(await cards(board).count(), 2);
    await press(board, 'Escape');
    assert.equal(await cards(board).count(), all);
    const { id } = board.state.cards.find(({ state }) => state === 'waiting')!;
    await press(board, '/');
    await board.page.keyboard.type(id);
    assert.equal(await cards(board).count(), 1);
    await press(board, 'Enter');
    await focusOn(board, id);
    await press(board, '/', 'Escape');
    assert.equal(await cards(board).count(), all);
    await board.page.getByRole('button', { name: '4/40 done' }).click();
    assert.equal(await cards(board).count(), 4); // in none of the columns otherwise
  }));

test('a reload in mid-run brings the board back where it was', () =>
  withBoard({ tasks: 400, phase: 'running' }, async (board) => {
    const { page } = board;
    const kept = (part: string) =>
      page.waitForFunction((text) => {
        const { sessionStorage } = globalThis as unknown as {
          sessionStorage: { getItem(name: string): string | null };
        };
        return sessionStorage.getItem('state')?.includes(text);
      }, part);
    const chosen = board.state.columns[1]!.ids[30]!;
    await page.evaluate(`document.querySelector('[data-lane="1"]').scrollTo({ top: 900 })`);
    await card(board, chosen).click();
    await press(board, 'l', '3');
    await page.locator('.graph canvas').first().waitFor();
    await press(board, '+', '+');
    await kept('"zoom"');
    const before = await page.evaluate(`sessionStorage.getItem('state')`);
    board.take();
    await page.reload();
    await page.locator('.graph canvas').first().waitFor();
    assert.deepEqual(board.posted[0], { kind: 'ready', runId: undefined });
    assert.ok(
      board.posted.some((each) => each.kind === 'drawer' && each.id === chosen && each.withLog),
    );
    assert.equal(await page.evaluate(`sessionStorage.getItem('state')`), before);
    await page.locator('.log').waitFor();
    await press(board, '1');
    await card(board, chosen).waitFor();
    assert.equal(await page.evaluate(`document.querySelector('[data-lane="1"]').scrollTop`), 900);
  }));

test('a change of one card redraws that card alone', () =>
  withBoard({ tasks: 40, phase: 'running' }, async (board) => {
    const waiting = board.state.cards.find(({ state }) => state === 'waiting')!;
    await board.page.evaluate(`{
      globalThis.changed = new Set();
      new MutationObserver((all) => {
        for (const { target } of all)
          changed.add((target.closest ? target : target.parentElement).closest('[data-id]')?.dataset.id);
      }).observe(document.querySelector('.lanes'), {
        attributes: true, characterData: true, childList: true, subtree: true,
      });
    }`);
    const ticking = new Set(
      board.state.cards
        .filter(({ state }) => /working|stuck|starting/.test(state))
        .map(({ id }) => id),
    );
    await board.tell({
      kind: 'patch',
      cards: [{ ...waiting, title: 'Another title' }],
      gone: [],
    });
    await card(board, waiting.id).getByText('Another title').waitFor();
    const changed = await board.page.evaluate<readonly string[]>('[...changed]');
    assert.deepEqual(
      changed.filter((id) => !ticking.has(id)), // those count their seconds
      [waiting.id],
    );
  }));

test('what newly needs the user is said once, and nothing else is', () =>
  withBoard({ tasks: 12, phase: 'idle' }, async (board) => {
    const said = board.page.getByRole('status');
    assert.equal(await said.textContent(), '');
    const { cards: all, columns: _, ...frame } = board.state;
    const needs = [
      { kind: 'failed', id: all[0]!.id, title: all[0]!.title, why: 'It ended with 1', actions: [] },
    ] as const;
    await board.tell({ kind: 'patch', frame: { ...frame, needs }, cards: [], gone: [] });
    const first = `Needs you: ${all[0]!.title}. Failed: It ended with 1`;
    await board.page.waitForFunction((text) => {
      const { document } = globalThis as unknown as {
        document: { querySelector(name: string): { textContent: string } };
      };
      return document.querySelector('[role=status]').textContent === text;
    }, first);
    await board.tell({
      kind: 'patch',
      frame: { ...frame, needs: [...needs] },
      cards: [{ ...all[1]!, state: 'working' }],
      gone: [],
    });
    assert.equal(await said.textContent(), first);
    assert.equal(await board.page.locator('[aria-live]').count(), 0);
  }));

test('the log follows its end until the user scrolls up', () =>
  withBoard({ tasks: 12, phase: 'running' }, async (board) => {
    board.logLines = 400;
    await cards(board).first().click();
    await press(board, 'l');
    await board.page.locator('.log', { hasText: '400 ' }).waitFor();
    const panel = `document.querySelector('.tab-panel')`;
    const below = () =>
      board.page.evaluate<number>(
        `${panel}.scrollHeight - ${panel}.scrollTop - ${panel}.clientHeight`,
      );
    assert.ok((await below()) < 2);
    const id = board.state.columns[0]!.ids[0]!;
    const text = (n: number) => Array.from({ length: n }, (_, i) => `line ${i}`).join('\n');
    await board.tell({ kind: 'log', id, text: text(500) });
    assert.ok((await below()) < 2);
    await board.page.evaluate(`${panel}.scrollTo({ top: 100 })`);
    await board.tell({ kind: 'log', id, text: text(600) });
    assert.equal(await board.page.evaluate(`${panel}.scrollTop`), 100);
  }));

test('the window can show a task wherever it is', () =>
  withBoard({ tasks: 10_000, phase: 'running' }, async (board) => {
    const id = board.state.columns.at(-1)!.ids.at(-1)!;
    await board.page.locator('.strip .count', { hasText: 'failed' }).click(); // which hides it
    await board.tell({ kind: 'show', id });
    await focusOn(board, id);
    await board.page.locator('.drawer h2').waitFor();
  }));

test('graph and timeline are saved as SVG documents in which titles are text', () =>
  withBoard({ tasks: 12, phase: 'running', hostile: true }, async (board) => {
    for (const [key, name] of [
      ['2', 'timeline'],
      ['3', 'graph'],
    ] as const) {
      await press(board, key);
      await board.page.locator(`.${name}.view [data-id]`).first().waitFor();
      board.take();
      await board.page.getByRole('button', { name: 'Save as SVG…' }).click();
      await board.tell({ kind: 'patch', cards: [], gone: [] });
      const [saved] = board.take();
      assert.ok(saved?.kind === 'saveSvg');
      assert.equal(saved.name, name);
      const tags = await board.page.evaluate<readonly string[]>(
        `[...new Set([...new DOMParser().parseFromString(${JSON.stringify(saved.svg)}, 'image/svg+xml')
          .querySelectorAll('*')].map(({ localName }) => localName))].sort()`,
      );
      assert.deepEqual(
        tags.filter((tag) => !/^(circle|line|path|rect|svg|text|title)$/.test(tag)),
        [],
      );
      assert.ok(tags.includes('text') && saved.svg.includes('&lt;img'));
    }
  }));

test('the graph shows the part around a task, pans, zooms and fits', () =>
  withBoard(
    { tasks: 40, phase: 'running' },
    async (board) => {
      const { page } = board;
      await press(board, '3');
      const first = board.state.columns[1]!.ids[0]!;
      await card(board, first).click();
      assert.equal(await page.locator('.node').count(), 40);
      const spot = async () => (await card(board, first).boundingBox())!;
      const before = await spot();
      await press(board, '+');
      assert.ok((await spot()).width > before.width);
      await press(board, '0');
      assert.equal(Math.round((await spot()).width), Math.round(before.width));
      const box = (await page.locator('.graph').boundingBox())!;
      await page.mouse.move(box.x + 20, box.y + box.height - 20);
      await page.mouse.down();
      await page.mouse.move(box.x + 80, box.y + box.height - 50, { steps: 4 });
      await page.mouse.up();
      assert.equal(Math.round((await spot()).x - before.x), 60);
      await page.getByLabel('Part of the graph').selectOption('before');
      const shown = board.state.cards.find(({ id }) => id === first)!.after.length + 1;
      await page
        .locator(`.nodes:not(:has(.node:nth-child(${shown + 1})))`)
        .waitFor({ state: 'attached' });
      for (const id of board.state.cards.find(({ id }) => id === first)!.after)
        await card(board, id).waitFor();
    },
    { width: 2200 },
  ));

test('the graph is laid out in the page where the editor allows no worker', async () => {
  await using board = await BoardPage.open(
    browser,
    boardState({ tasks: 12, phase: 'running', now: Date.now() }),
    { workers: false },
  );
  await press(board, '3');
  await board.page.locator('.node').first().waitFor();
  assert.ok(
    board.troubles.every((each) => /worker-src|Worker/i.test(each)),
    board.troubles.join(),
  );
});
