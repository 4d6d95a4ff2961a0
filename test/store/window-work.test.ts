import assert from 'node:assert/strict';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Job, WorkEnd } from '../../src/core/ports.ts';
import { fail } from '../../src/core/result.ts';
import { adoptLostLocks } from '../../src/core/lease/lease-adoption.ts';
import type { VerifyRule } from '../../src/core/run/agent-rules.ts';
import { ClaimReconciler } from '../../src/core/lease/claim-reconciler.ts';
import { LeaseKeeper } from '../../src/core/lease/lease-keeper.ts';
import { SubagentHostRegistry } from '../../src/core/run/attempt/subagent-host-registry.ts';
import { WindowWorker } from '../../src/core/run/attempt/window-worker.ts';
import { taskId, type TaskId } from '../../src/core/task.ts';
import { prepareWindowWork } from '../../src/wire/window-work-order.ts';
import { openBacklog } from '../../src/store/read/backlog-source.ts';
import { OPTIONS } from '../support/run-rig.ts';
import { WASM_FILE } from '../support/stores.ts';
import { HUMAN, SUBAGENT } from '../support/window-rig.ts';
import { createRig, systemClock as clock, type WriterRig } from '../support/writer-rig.ts';
import { until } from '../support/until.ts';

const A = taskId('T-1');
const LEASE_MS = 60_000;
const IN_ROOT = '.todo2/waves/runs/r1';

const passes = (exitCode: number): VerifyRule => ({
  match: { tags: undefined, priority: undefined, id: undefined },
  verify: {
    command: process.execPath,
    args: ['-e', `console.log('checked'); process.exit(${exitCode})`],
    limitMs: 60_000,
  },
});

/**
 * A window on a real store: reader, writer process, keeper and watch, wired as the editor's are.
 */
function openWindow(
  rig: WriterRig,
  holder: string,
  verify: readonly VerifyRule[],
  follows = false,
) {
  const source = openBacklog(rig.dir, { wasmFile: WASM_FILE });
  const locks = rig.open({ holder });
  const bugs: unknown[] = [];
  const reportBug = (error: unknown): void => void bugs.push(error);
  const leaseMs = (): number => LEASE_MS;
  const keeper: LeaseKeeper = new LeaseKeeper({
    ...{ locks, clock, leaseMs, reportBug },
    reclaim: (id) => watch.reclaim(id),
  });
  const watch: ClaimReconciler = new ClaimReconciler({
    source,
    locks,
    keeper,
    clock,
    leaseMs,
    reportBug,
  });
  const subagentHosts = new SubagentHostRegistry();
  const folder = join(rig.dir, IN_ROOT);
  mkdirSync(folder, { recursive: true });
  const worker = new WindowWorker({
    ...{
      locks,
      keeper,
      source,
      clock,
      subagentHosts,
      reportBug,
      followsSubagents: () => follows,
      openTask: () => undefined,
    },
    prepare: (job) =>
      prepareWindowWork(job, {
        ...{
          paths: { database: rig.file, json: '' },
          log: () => undefined,
          worktreeSetup: () => [],
          verifyRules: () => verify,
        },
        ...{ findAgent: async () => fail({ kind: 'noAgent', tried: [] }), earlier: () => [] },
        filesOf: (_, attemptNo) => ({
          prompt: join(folder, `${attemptNo}.prompt.md`),
          followUp: join(folder, `${attemptNo}.follow-up.md`),
          resolve: join(folder, `${attemptNo}.resolve.md`),
          resolveAnew: join(folder, `${attemptNo}.resolve-anew.md`),
          answer: join(folder, `${attemptNo}.answer`),
          log: join(folder, `${attemptNo}.log`),
          state: join(folder, `${attemptNo}.state.json`),
          stop: join(folder, `${attemptNo}.stop`),
        }),
        results: (ids) => locks.results(ids),
      }),
    resultOf: async (id) => {
      const read = await locks.results([id]);
      return read.ok ? read.value.get(id) : undefined;
    },
    releaseFor: async () => undefined,
  });
  const close = async (how: 'linger' | 'release'): Promise<void> => {
    worker.detach();
    if (how === 'linger') locks.linger(keeper.heldByHand);
    watch.dispose();
    keeper.dispose();
    await locks.close(how);
    source.dispose();
  };
  return { source, locks, keeper, subagentHosts, worker, bugs, close };
}

type Window = ReturnType<typeof openWindow>;

async function begin(rig: WriterRig, window: Window, agent = HUMAN, id: TaskId = A) {
  await window.source.refresh();
  const { state } = window.source;
  const task = state.kind === 'ready' ? state.snapshot.byId.get(id) : undefined;
  assert.ok(task);
  const stop = new AbortController();
  const job: Job = {
    ...{
      runId: 'r1',
      attemptNo: 1,
      tryNo: 1,
      root: rig.dir,
      task,
      dependencies: [],
      agent,
      sessionId: undefined,
    },
    options: { ...OPTIONS, statusOnSuccess: 'Done' },
  };
  let isStarted = false;
  const listener = { onClaimed: () => undefined, onStarted: () => void (isStarted = true) };
  const ended: Promise<WorkEnd> = window.worker.work(job, stop.signal, listener);
  await until(
    'a person is to complete it',
    () => isStarted || window.worker.awaitsManualCompletion(id),
  );
  return { stop, ended, job };
}

const row = async (rig: WriterRig): Promise<string> => {
  const { status, assignee } = await rig.row('T-1');
  return `${status as string} ${(assignee as string | null) ?? 'free'}`;
};

const comments = async (rig: WriterRig): Promise<string> => {
  const rows = await rig.other.all(
    "SELECT content FROM task_comments WHERE comment_type = 'result'",
  );
  return rows.map((each) => each['content'] as string).join('\n');
};

test('a person’s word ends their task in the store: with evidence Done, and a result that says so', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
  const window = openWindow(rig, 'vscode-here-1', [passes(0)]);
  const { ended } = await begin(rig, window);
  await until('a person is to complete it', () => window.worker.awaitsManualCompletion(A));
  assert.equal(await row(rig), 'In Progress vscode-here-1');
  assert.ok((await window.worker.complete(A)).ok);
  const end = await ended;
  assert.ok(end.kind === 'succeeded');
  assert.equal(end.evidence?.verify?.passed, true);
  assert.equal(end.evidence.logFile, `${IN_ROOT}/1.log`);
  assert.match(
    readFileSync(join(rig.dir, IN_ROOT, '1.log'), 'utf8'),
    /The user works on it[\s\S]*checked/,
  );
  assert.equal(await row(rig), 'Done free');
  assert.match(await comments(rig), /Succeeded\*\*, now Done[\s\S]*passed/);
  await window.close('release');
  assert.deepEqual(window.bugs, []);
});

test('work that its command does not pass is back at Todo, wherever a person or a program had moved it', async () => {
  for (const moved of ['by word', 'in the store'] as const) {
    await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
    const window = openWindow(rig, 'vscode-here-1', [passes(3)]);
    const { ended } = await begin(rig, window);
    await until('a person is to complete it', () => window.worker.awaitsManualCompletion(A));
    if (moved === 'by word') await window.worker.complete(A, 'Done');
    else await rig.other.run("UPDATE tasks SET status = 'Done', assignee = NULL, lock_until = NULL, version = version + 1 WHERE id = ?", 'T-1'); // prettier-ignore
    const end = await ended;
    assert.ok(end.kind === 'failed' && end.cause.kind === 'verify', moved);
    assert.equal(await row(rig), 'Todo free', moved);
    await window.close('release');
    assert.deepEqual(window.bugs, []);
  }
});

test('a person’s task outlives a reload: the next window has its lock, and their word ends it there', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
  const first = openWindow(rig, 'vscode-here-1', []);
  const { job } = await begin(rig, first);
  await until('a person is to complete it', () => first.worker.awaitsManualCompletion(A));
  await first.close('linger');
  assert.equal(await row(rig), 'In Progress vscode-here-1');
  const next = openWindow(rig, 'vscode-here-2', []);
  await next.source.refresh();
  const { runId, attemptNo, root, agent, options } = job;
  const listener = { onClaimed: () => undefined, onStarted: () => undefined };
  const attached = { runId, attemptNo, root, agent, options, id: A, holder: 'vscode-here-1' };
  const ended = next.worker.attach(attached, new AbortController().signal, listener);
  const lost = { holder: 'vscode-here-1', ids: [A], discard: async () => undefined };
  let isAdopted = false;
  const adoption = adoptLostLocks({
    ...{ locks: next.locks, keeper: next.keeper, clock, leaseMs: () => LEASE_MS },
    records: { lost: async () => ({ windows: isAdopted ? [] : [lost], othersLive: false }) },
    ...{
      onAdopted: () => (isAdopted = true),
      onFailed: ({ kind }) => next.bugs.push(kind),
      reportBug: (bug) => next.bugs.push(bug),
    },
  });
  await until('a person is to complete it', () => next.worker.awaitsManualCompletion(A));
  assert.equal(await row(rig), 'In Progress vscode-here-2');
  await next.worker.complete(A);
  assert.equal((await ended).kind, 'succeeded');
  assert.equal(await row(rig), 'Review free', 'without evidence nothing is Done by itself');
  adoption.dispose();
  await next.close('release');
  assert.deepEqual([first.bugs, next.bugs], [[], []]);
});

test('a subagent’s answer is the result of its task, and its prompt is a file', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
  const window = openWindow(rig, 'vscode-here-1', [passes(0)]);
  let asked = '';
  window.subagentHosts.open({
    available: () => undefined,
    run: async ({ prompt }) => {
      asked = prompt;
      return { text: 'I changed the quay.' };
    },
  });
  const { ended } = await begin(rig, window, SUBAGENT);
  assert.equal((await ended).kind, 'succeeded');
  assert.equal(readFileSync(join(rig.dir, IN_ROOT, '1.prompt.md'), 'utf8'), asked);
  assert.equal(await row(rig), 'Done free');
  assert.match(await comments(rig), /I changed the quay/);
  await window.close('release');
});

test('a person finishes what an agent that claims for itself forgot', async () => {
  await using rig = await createRig({ tasks: [{ id: 'T-1' }] });
  const window = openWindow(rig, 'vscode-here-1', [], true);
  const { ended } = await begin(rig, window, SUBAGENT);
  const them = rig.open({ holder: 'cursor-there-9' });
  assert.ok((await them.claim(A, LEASE_MS)).ok);
  assert.deepEqual(await window.worker.complete(A), { ok: true, value: undefined });
  assert.equal((await ended).kind, 'succeeded');
  assert.equal(await row(rig), 'Review free');
  await window.close('release');
});
