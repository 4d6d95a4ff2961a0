import fc from 'fast-check';
import type { Failure } from '../../src/core/failure.ts';
import type { Lease } from '../../src/core/lease/lease.ts';
import type { NotReady } from '../../src/core/waves/readiness.ts';
import type { Evidence, VerifyResult } from '../../src/core/run/evidence.ts';
import type {
  FailCause,
  RunEvent,
  RunStop,
  SkipReason,
  TaskOutcome,
  WaitReason,
} from '../../src/core/run/run-events.ts';
import { BUDGET_LIMITS } from '../../src/core/run/run-budget.ts';
import type { TaskChanges } from '../../src/core/run/isolation.ts';
import type { WorkDecision } from '../../src/core/run/work-decision.ts';
import type { Usage } from '../../src/core/run/usage.ts';
import type { AgentAssignment, RunOptions } from '../../src/core/run/run-options.ts';
import { taskId, type Lock, type Status } from '../../src/core/task.ts';

/**
 * Everything that an event of a run can be, with texts of every kind, for tests that have to hold
 * for all of them.
 */

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '\n', '\u2028', '"', '{}', '\ud800', '__proto__'),
);
const someText = text.filter((each) => each !== '');
const id = someText.map(taskId);
const at = fc.integer({ min: 0, max: 4_000_000_000_000 });
const integer = fc.integer();
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined, freq: 3 });
const some = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<readonly T[]> =>
  fc.array(arbitrary, { maxLength: 3 });
const record = <T>(fields: { readonly [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> =>
  fc.record(fields, { noNullPrototype: true });
const kind = <const K extends string>(name: K): fc.Arbitrary<K> => fc.constant(name);

const status = fc.constantFrom<Status>(
  'Todo',
  'In Progress',
  'Review',
  'Done',
  'Blocked',
  'Cancelled',
  'Unknown',
);
const lock: fc.Arbitrary<Lock> = record({ holder: text, since: maybe(at), until: maybe(at) });
const theirs = record({ kind: kind('theirs'), lock, remainingMs: integer });
const unleased = record({ kind: kind('unleased'), lock, ours: fc.boolean() });
const lease: fc.Arbitrary<Lease> = fc.oneof(
  record({ kind: kind('free') }),
  record({ kind: kind('ours'), lock, remainingMs: integer }),
  theirs,
  record({
    kind: fc.constantFrom('expired', 'stale'),
    lock,
    ours: fc.boolean(),
    expiredMs: integer,
  }),
  unleased,
);
const notReady: fc.Arbitrary<NotReady> = fc.oneof(
  record({ kind: kind('waitsFor'), id, status, lease }),
  record({ kind: kind('missing'), id }),
  record({ kind: fc.constantFrom('cycle', 'behindCycle'), members: some(id) }),
  record({ kind: kind('held'), lease: theirs }),
  record({ kind: kind('unleased'), lease: unleased }),
  record({ kind: kind('status'), status, rawStatus: text }),
);

export const failures: fc.Arbitrary<Failure> = fc.oneof(
  record({ kind: kind('held'), id, holder: text, until: at }),
  record({ kind: kind('unleased'), id, holder: text }),
  record({ kind: kind('notClaimable'), id, status, rawStatus: text }),
  record({ kind: fc.constantFrom('noSuchTask', 'agentAtWork'), id }),
  record({ kind: kind('lockLost'), id, holder: maybe(text) }),
  record({ kind: kind('changedMeanwhile'), id, rawStatus: text }),
  record({ kind: kind('wouldCycle'), id, on: id, path: some(id) }),
  record({ kind: kind('handoffChanged'), id: text }),
  record({
    kind: kind('readOnly'),
    cause: fc.oneof(
      record({ kind: kind('noSqlite'), tried: some(text) }),
      record({ kind: fc.constantFrom('jsonOnly', 'untrusted') }),
    ),
  }),
  record({ kind: kind('busy'), file: text, waitedMs: at }),
  record({ kind: fc.constantFrom('writerDied', 'internal'), detail: text }),
  record({ kind: kind('writeFailed'), file: text, detail: text }),
  record({ kind: kind('noAgent'), tried: some(text) }),
  record({ kind: kind('agentNotStarted'), command: text, detail: text }),
  record({ kind: fc.constantFrom('alreadyRunning', 'nothingToRun', 'nothingReady') }),
  record({
    kind: kind('unreadable'),
    file: text,
    cause: fc.constantFrom('empty', 'io'),
    detail: text,
  }),
);

const verify: fc.Arbitrary<VerifyResult> = record({
  command: text,
  passed: fc.boolean(),
  exitCode: maybe(integer),
  durationMs: at,
  tail: text,
});
const usage: fc.Arbitrary<Usage> = record({
  inputTokens: maybe(fc.nat()),
  outputTokens: maybe(fc.nat()),
  costUsd: maybe(fc.double({ min: 0, max: 1e6, noNaN: true }).map((n) => n + 0)),
});
const commit = fc.constantFrom('a'.repeat(40), '0123456789abcdef'.repeat(4));
const changes: fc.Arbitrary<TaskChanges> = record({
  branch: fc.constantFrom('waves/t-1-a', 'main'),
  base: commit,
  commit,
  files: fc.nat(),
  added: fc.nat(),
  removed: fc.nat(),
});
const evidence: fc.Arbitrary<Evidence> = record({
  startedAt: at,
  endedAt: at,
  verify: maybe(verify),
  files: some(text),
  summary: maybe(text),
  logFile: maybe(fc.constantFrom('.todo2/waves/runs/r/1.log', 'a..b/c')),
  sessionId: maybe(fc.constantFrom('0b5f-1', 'abc_DEF')),
  remarks: maybe(some(text)),
  usage: maybe(usage),
  changes: maybe(changes),
});
const cause: fc.Arbitrary<FailCause> = fc.oneof(
  record({ kind: kind('exit') }),
  record({ kind: kind('said'), detail: text }),
  record({ kind: kind('timeLimit'), limitMs: at }),
  record({ kind: kind('verify'), result: verify }),
);

const { outcome, stop } = fc.letrec<{ outcome: TaskOutcome; stop: RunStop; skip: SkipReason }>(
  (tie) => ({
    outcome: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      record({ kind: kind('stopped'), usage: maybe(usage) }),
      record({ kind: kind('succeeded'), status, evidence: maybe(evidence) }),
      record({
        kind: kind('conflict'),
        files: some(text),
        reason: maybe(text),
        status,
        evidence: maybe(evidence),
      }),
      record({
        kind: kind('failed'),
        cause,
        exitCode: maybe(integer),
        signal: maybe(text),
        evidence: maybe(evidence),
      }),
      record({
        kind: kind('rateLimited'),
        retryAfterMs: maybe(at),
        detail: text,
        usage: maybe(usage),
      }),
      record({ kind: kind('notStarted'), failure: failures }),
      record({ kind: kind('lockLost'), holder: maybe(text), usage: maybe(usage) }),
      record({
        kind: kind('notRecorded'),
        exitCode: maybe(integer),
        failure: failures,
        usage: maybe(usage),
      }),
      record({ kind: kind('unknown'), detail: text }),
      record({ kind: kind('skipped'), reason: tie('skip') }),
    ),
    skip: fc.oneof(
      record({ kind: fc.constantFrom('gone', 'stopped') }),
      record({ kind: kind('notReady'), reasons: some(notReady) }),
      record({ kind: kind('dependencyFailed'), id }),
      record({ kind: kind('claimFailed'), failure: failures }),
      record({ kind: kind('runStopped'), stop: tie('stop') }),
    ),
    stop: fc.oneof(
      record({ kind: fc.constantFrom('person', 'interrupted') }),
      record({ kind: kind('failure'), id }),
      record({ kind: kind('breaker'), count: fc.nat(), outcome: tie('outcome') }),
      record({ kind: kind('waveVerify'), wave: fc.nat(), result: verify }),
    ),
  }),
);
export const outcomes = outcome;

const wait: fc.Arbitrary<WaitReason> = fc.oneof(
  record({ kind: kind('sharesFiles'), with: id, files: some(text) }),
  record({ kind: kind('held'), holder: text }),
  record({ kind: kind('coolingDown'), agent: someText, until: at }),
  record({ kind: kind('agentCap'), agent: someText, cap: fc.nat() }),
  record({ kind: kind('retry'), at }),
);

const limit = fc.double({ min: 0, minExcluded: true, max: 1e12, noNaN: true });
const options: fc.Arbitrary<RunOptions> = record({
  runMode: fc.constantFrom('strict', 'flow'),
  onFailure: fc.constantFrom('continue', 'stopAfterWave', 'stopAtOnce'),
  pauseBetweenWaves: fc.boolean(),
  heldTasks: fc.constantFrom('skip', 'wait'),
  reviewGate: fc.constantFrom('inRun', 'always', 'never'),
  retries: fc.nat(),
  retryAfterMs: fc.nat(),
  maxEqualFailures: fc.nat(),
  leaseMs: fc.integer({ min: 1 }),
  statusOnSuccess: fc.constantFrom('Review', 'Done'),
  timeLimitMs: fc.nat(),
  stuckAfterMs: fc.nat(),
  agentCaps: some(fc.tuple(someText, fc.nat())),
  budget: maybe(record({ usd: maybe(limit), tokens: maybe(limit), minutes: maybe(limit) })),
  isolation: maybe(
    record({
      target: maybe(fc.constantFrom('main', 'feature/a')),
      base: commit,
      start: fc.constantFrom('commit', 'snapshot'),
    }),
  ),
  resolveConflicts: maybe(fc.boolean()),
  sameFiles: maybe(fc.constantFrom('advise', 'wait')),
});
const assignment: fc.Arbitrary<AgentAssignment> = record({
  agent: someText,
  model: maybe(fc.constantFrom('opus', 'gpt-5.1 codex', 'a/b:c')),
  agentMode: fc.constantFrom('unattended', 'interactive'),
});

const runId = fc.constantFrom('20261125T023000-a1b2c3', 'run-1');
const positive = fc.integer({ min: 1 });

const started = record({
  waves: fc.uniqueArray(id, { maxLength: 6 }).map((ids) => [ids.slice(0, 2), ids.slice(2)]),
  runId,
  title: text,
  options,
  resumes: maybe(runId),
  followUps: maybe(
    fc.array(fc.tuple(id, record({ text, after: maybe(record({ runId, attemptNo: positive })) })), {
      maxLength: 2,
    }),
  ),
  at,
  whoWorks: fc.array(assignment, { minLength: 6, maxLength: 6 }),
}).map(({ whoWorks, ...rest }) => ({
  kind: 'runStarted' as const,
  ...rest,
  agents: rest.waves.flat().map((each, index) => [each, whoWorks[index]!] as const),
}));

const target = fc.constantFrom('main', 'feature/a');
const decision: fc.Arbitrary<WorkDecision> = fc.oneof(
  record({ kind: kind('merged'), changes, verify: maybe(verify) }),
  record({ kind: kind('accepted'), target, commit: maybe(commit) }),
  record({ kind: kind('undone'), target, commit }),
  record({ kind: kind('discarded'), ref: fc.constantFrom('refs/waves/discarded/t-1') }),
);

/** Any event, by itself. */
export const runEvents: fc.Arbitrary<RunEvent> = fc.oneof(
  started,
  record({ kind: kind('waveStarted'), runId, wave: fc.nat(), at }),
  record({ kind: kind('taskStarting'), runId, id, attemptNo: positive, tryNo: positive, at }),
  record({ kind: kind('taskClaimed'), runId, id, holder: someText, at }),
  record({ kind: kind('taskStarted'), runId, id, at }),
  record({ kind: kind('taskWaits'), runId, id, reason: maybe(wait), at }),
  record({ kind: kind('taskRequeued'), runId, id, outcome, notBefore: at, at }),
  record({ kind: kind('taskEnded'), runId, id, outcome, at }),
  record({ kind: kind('waveEnded'), runId, wave: fc.nat(), verify: maybe(verify), at }),
  record({ kind: kind('capChanged'), runId, cap: positive, at }),
  record({
    kind: kind('runPaused'),
    runId,
    by: fc.constantFrom('person', 'wave', ...BUDGET_LIMITS),
    at,
  }),
  record({ kind: fc.constantFrom('runWentOn', 'runTakenOver', 'runEnded'), runId, at }),
  record({ kind: kind('runStopping'), runId, stop, at }),
  record({ kind: kind('workDecided'), runId, ids: some(id), decision, at }),
);
