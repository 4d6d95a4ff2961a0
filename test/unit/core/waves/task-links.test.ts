import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { taskId } from '../../../../src/core/task.ts';
import type { Task } from '../../../../src/core/task.ts';
import { linkTasks, relinkTasks } from '../../../../src/core/waves/task-links.ts';
import type { TaskLinks } from '../../../../src/core/waves/task-links.ts';
import { TasksById } from '../../../../src/core/waves/tasks-by-id.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../../../src/core/waves/waves.ts';
import { task, tasks } from '../../../support/backlog.ts';

function link(backlog: readonly Task[]): TaskLinks {
  return linkTasks(
    backlog,
    backlog.map(({ id }) => id),
  );
}

function numbers({ offsets, targets, parentOf }: TaskLinks): unknown {
  return { offsets: [...offsets], targets: [...targets], parentOf: [...parentOf] };
}

const NAMES = [
  'T-1',
  'T-2',
  'T-3',
  'T-04',
  'x',
  'y',
  'T-100',
  'T-101',
  'T-102',
  'T-103',
  'T-104',
  'z',
];
const someNames = fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 3 });
const someParent = fc.option(fc.constantFrom(...NAMES), { nil: undefined });
const aStatus = fc.constantFrom('Todo' as const, 'Done' as const, 'Review' as const);

test('links that followed any number of changes are those of the list as it is, and give its plan', () => {
  const change = fc.record({
    at: fc.nat(),
    dependencies: someNames,
    parentId: someParent,
    status: aStatus,
  });
  const step = fc.record({ changes: fc.array(change, { maxLength: 2 }), added: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let backlog: readonly Task[] = tasks('T-1', 'T-2 < T-1 gone', 'T-3 ^T-2 < T-100');
      let links = link(backlog);
      for (const { changes, added } of steps) {
        const next = [...backlog];
        const changed = new Set<number>();
        for (const { at, ...fields } of changes) {
          const position = at % next.length;
          next[position] = task(next[position]!.id, fields);
          changed.add(position);
        }
        const name = NAMES.find((each) => next.every(({ id }) => id !== each));
        if (added && name !== undefined) next.push(task(name, { dependencies: ['T-1', 'z'] }));
        const [before, linksBefore] = [backlog, links];
        [backlog, links] = [next, relinkTasks(links, next, changed)];
        assert.deepEqual(numbers(links), numbers(link(next)));
        const plan = planWaves(next, DEFAULT_WAVE_OPTIONS, links);
        const anew = planWaves(next, DEFAULT_WAVE_OPTIONS);
        assert.deepEqual(
          { ...plan, waveOf: [...plan.waveOf], exarpLevelOf: [...plan.exarpLevelOf] },
          { ...anew, waveOf: [...anew.waveOf], exarpLevelOf: [...anew.exarpLevelOf] },
        );
        // Whoever still has the list before is not disturbed by what came after it.
        assert.deepEqual(numbers(linksBefore), numbers(link(before)));
        const byId = new TasksById(before, linksBefore.index);
        for (const each of NAMES) {
          assert.equal(
            byId.get(taskId(each)),
            before.find(({ id }) => id === each),
          );
        }
      }
    }),
  );
});

test('a list that is continued in two ways has an index for each', () => {
  const backlog = tasks('T-1 < T-9');
  const links = link(backlog);
  const one = [...backlog, task('T-8')];
  const two = [...backlog, task('T-9')];
  const linksOfOne = relinkTasks(links, one, new Set());
  const linksOfTwo = relinkTasks(links, two, new Set());
  assert.deepEqual([[...linksOfOne.targets], [...linksOfTwo.targets]], [[-2], [1]]);
  assert.equal(new TasksById(two, linksOfTwo.index).get(taskId('T-8')), undefined);
});

test('tasks by their ids are a map like any other', () => {
  const backlog = tasks('T-1', 'b');
  const map = new TasksById(backlog, link(backlog).index);
  assert.deepEqual([...map], [...new Map(backlog.map((each) => [each.id, each]))]);
  assert.deepEqual([...map.keys(), map.size, map.has(taskId('c'))], ['T-1', 'b', 2, false]);
  assert.deepEqual([...map.values()], backlog);
  const seen: unknown[] = [];
  map.forEach((each, id) => seen.push([id, each]));
  assert.deepEqual(seen, [...map]);
});
