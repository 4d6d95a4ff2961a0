import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import type { TaskWorker, WorkEnd, WorkListener } from '../../../../../src/core/ports.ts';
import { fail, ok } from '../../../../../src/core/result.ts';
import { isolatedWorker } from '../../../../../src/core/run/attempt/isolated-worker.ts';
import type { MergeOutcome } from '../../../../../src/core/run/isolation.ts';
import type { TaskId } from '../../../../../src/core/task.ts';
import { aJob, NO_OPTIONS } from '../../../../support/agent-jobs.ts';

interface AtWork {
  readonly listener: WorkListener;
  readonly end: (end: WorkEnd) => void;
}

const UNKNOWN: WorkEnd = { kind: 'unknown', detail: 'killed' };

/** Attempts that a test ends, in one run, and what was asked of Git for them. */
function makeRig(outcomeOf: (id: string) => MergeOutcome) {
  const asked: string[] = [];
  const atWork = new Map<TaskId, AtWork>();
  const inner: TaskWorker = {
    work: ({ task }, _signal, listener) =>
      new Promise((end) => atWork.set(task.id, { listener, end })),
    attach: () => Promise.resolve(UNKNOWN),
  };
  const worker = isolatedWorker(inner, {
    decide: () => Promise.resolve(fail({ kind: 'nothingToRun' })),
    begin: () => Promise.resolve(ok({ path: '/tmp/tree', isNew: true })),
    started: () => undefined,
    merge: ({ id }) => {
      asked.push(`merge ${id}`);
      return Promise.resolve(outcomeOf(id));
    },
    end: ({ id }, end) => {
      asked.push(`end ${id} ${end.kind}`);
      return Promise.resolve(end);
    },
  });
  const isolation = { target: 'main', base: 'b'.repeat(40), start: 'commit' } as const;
  const begin = async (id: string): Promise<AtWork & { readonly ended: Promise<WorkEnd> }> => {
    const job = { ...aJob({ id }), options: { ...NO_OPTIONS, isolation } };
    const listener = { onClaimed: () => undefined, onStarted: () => undefined };
    const ended = worker.work(job, new AbortController().signal, listener);
    await turn();
    const found = atWork.get(job.task.id) ?? assert.fail(`${id} is not at work`);
    return { ...found, ended };
  };
  return { asked, begin };
}

test('nothing is merged on top of work whose attempt has not ended: that may have to be taken back', async () => {
  const { asked, begin } = makeRig(() => ({ kind: 'merged' }));
  const [one, two] = [await begin('T-1'), await begin('T-2')];
  assert.deepEqual(await one.listener.onMerging?.(false), { kind: 'merged' });
  const second = two.listener.onMerging?.(false);
  await turn();
  assert.deepEqual(asked, ['merge T-1']);
  one.end(UNKNOWN);
  await one.ended;
  assert.deepEqual(await second, { kind: 'merged' });
  assert.deepEqual(asked, ['merge T-1', 'end T-1 unknown', 'merge T-2']);
});

test('work that was not merged lets the next one in at once, and is asked again in its turn', async () => {
  const outcomes: MergeOutcome[] = [
    { kind: 'resolve', files: ['a.txt'] },
    { kind: 'merged' },
    { kind: 'merged' },
  ];
  const { asked, begin } = makeRig(() => outcomes.shift() ?? assert.fail('once more'));
  const [one, two] = [await begin('T-1'), await begin('T-2')];
  assert.equal((await one.listener.onMerging?.(false))?.kind, 'resolve');
  assert.equal((await two.listener.onMerging?.(false))?.kind, 'merged');
  const again = one.listener.onMerging?.(true);
  await turn();
  assert.deepEqual(asked, ['merge T-1', 'merge T-2']);
  two.end(UNKNOWN);
  assert.equal((await again)?.kind, 'merged');
  one.end(UNKNOWN);
  await Promise.all([one.ended, two.ended]);
  assert.deepEqual(asked.slice(2), ['end T-2 unknown', 'merge T-1', 'end T-1 unknown']);
});

test('attempts that end together, merged or not, do not wait for each other forever', async () => {
  const { asked, begin } = makeRig((id) => ({ kind: id === 'T-2' ? 'merged' : 'conflict' }));
  const all = [await begin('T-1'), await begin('T-2'), await begin('T-3')];
  const merges = all.map(({ listener }) => listener.onMerging?.(false));
  for (const { end } of all) end(UNKNOWN);
  await Promise.all([...merges, ...all.map(({ ended }) => ended)]);
  assert.equal(asked.filter((line) => line.startsWith('end')).length, 3);
});
