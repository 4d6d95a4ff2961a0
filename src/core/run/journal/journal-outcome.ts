import { type Failure, type ReadOnlyCause, UNREADABLE_CAUSES } from '../../failure.ts';
import type { Lease } from '../../lease/lease.ts';
import type { NotReady } from '../../waves/readiness.ts';
import { taskIdShape as idShape } from '../../task-id-shape.ts';
import { STATUSES, type Lock } from '../../task.ts';
import type { Evidence, VerifyResult } from '../evidence.ts';
import {
  finite,
  flag,
  listOf,
  maybe,
  natural,
  objectOf,
  oneOf,
  orNothing,
  type Shape,
  someText,
  text,
  unionOf,
  where,
  wholeNumber,
} from '../../shape.ts';
import type { FailCause, RunStop, SkipReason, TaskOutcome, WaitReason } from '../run-events.ts';
import type { TaskChanges } from '../isolation.ts';
import type { Usage } from '../usage.ts';
import { isSessionId } from './session-id.ts';

const status = oneOf(...STATUSES);

const lock = objectOf<Lock>({ holder: text, since: maybe(finite), until: maybe(finite) });

const lease = unionOf<Lease>({
  free: {},
  ours: { lock, remainingMs: finite },
  theirs: { lock, remainingMs: finite },
  expired: { lock, ours: flag, expiredMs: finite },
  stale: { lock, ours: flag, expiredMs: finite },
  unleased: { lock, ours: flag },
});

const notReady = unionOf<NotReady>({
  waitsFor: { id: idShape, status, lease },
  missing: { id: idShape },
  cycle: { members: listOf(idShape) },
  behindCycle: { members: listOf(idShape) },
  held: { lease: where(lease, (read) => read.kind === 'theirs') },
  unleased: { lease: where(lease, (read) => read.kind === 'unleased') },
  status: { status, rawStatus: text },
});

export const failureShape: Shape<Failure> = unionOf<Failure>({
  held: { id: idShape, holder: text, until: finite },
  unleased: { id: idShape, holder: text },
  notClaimable: { id: idShape, status, rawStatus: text },
  noSuchTask: { id: idShape },
  lockLost: { id: idShape, holder: maybe(text) },
  agentAtWork: { id: idShape },
  changedMeanwhile: { id: idShape, rawStatus: text },
  wouldCycle: { id: idShape, on: idShape, path: listOf(idShape) },
  handoffChanged: { id: text },
  readOnly: {
    cause: unionOf<ReadOnlyCause>({
      noSqlite: { tried: listOf(text) },
      jsonOnly: {},
      untrusted: {},
    }),
  },
  busy: { file: text, waitedMs: finite },
  writerDied: { detail: text },
  writeFailed: { file: text, detail: text },
  notAPlan: { file: text, instead: maybe(text) },
  noAgent: { tried: listOf(text) },
  agentNotStarted: { command: text, detail: text },
  noSubagents: {},
  alreadyRunning: {},
  nothingToRun: {},
  nothingReady: {},
  isolation: { detail: text },
  uncommitted: {},
  internal: { detail: text },
  unreadable: { file: text, cause: oneOf(...UNREADABLE_CAUSES), detail: text },
});

export const verifyShape: Shape<VerifyResult> = objectOf<VerifyResult>({
  command: text,
  passed: flag,
  exitCode: maybe(wholeNumber),
  durationMs: finite,
  tail: text,
});

/** A path that stays below the root, whichever system reads it. */
function staysInside(path: string): boolean {
  return !/[\\:\0]|^\//.test(path) && path.split('/').every((part) => part !== '..');
}

/** What an agent used; of another form it is dropped. */
export const usageShape = orNothing(
  objectOf<Usage>({
    inputTokens: maybe(natural),
    outputTokens: maybe(natural),
    costUsd: maybe(where(finite, (usd) => usd >= 0)),
  }),
);

/** The full name of an object in Git, with either of its hashes. */
export const commitShape = where(text, (name) => /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(name));

/** The name of a branch as an argument: nothing that a program reads as an option. */
export const branchShape = where(text, (name) => /^[^-\s\p{Cc}][^\s\p{Cc}]{0,499}$/u.test(name));

export const changesShape = objectOf<TaskChanges>({
  branch: branchShape,
  base: commitShape,
  commit: commitShape,
  files: natural,
  added: natural,
  removed: natural,
});

/** A session or a log file of another form is dropped; the rest of the evidence stays. */
export const evidenceShape: Shape<Evidence> = objectOf<Evidence>({
  startedAt: finite,
  endedAt: finite,
  verify: maybe(verifyShape),
  files: listOf(text),
  summary: maybe(text),
  logFile: orNothing(where(someText, staysInside)),
  sessionId: orNothing(where(text, isSessionId)),
  remarks: maybe(listOf(text)),
  usage: usageShape,
  changes: orNothing(changesShape),
});

const failCause = unionOf<FailCause>({
  exit: {},
  said: { detail: text },
  timeLimit: { limitMs: finite },
  verify: { result: verifyShape },
});

// A stop can hold an outcome, and an outcome a stop: the second of them is looked up when it is
// needed.
const skipReason = unionOf<SkipReason>({
  notReady: { reasons: listOf(notReady) },
  dependencyFailed: { id: idShape },
  claimFailed: { failure: failureShape },
  gone: {},
  stopped: {},
  runStopped: { stop: (value, depth) => stopShape(value, depth) },
});

export const outcomeShape: Shape<TaskOutcome> = unionOf<TaskOutcome>({
  succeeded: { status, evidence: maybe(evidenceShape) },
  conflict: {
    files: listOf(text),
    reason: maybe(text),
    status,
    evidence: maybe(evidenceShape),
  },
  failed: {
    cause: failCause,
    exitCode: maybe(wholeNumber),
    signal: maybe(text),
    evidence: maybe(evidenceShape),
  },
  rateLimited: { retryAfterMs: maybe(finite), detail: text, usage: usageShape },
  notStarted: { failure: failureShape },
  stopped: { usage: usageShape },
  lockLost: { holder: maybe(text), usage: usageShape },
  notRecorded: { exitCode: maybe(wholeNumber), failure: failureShape, usage: usageShape },
  unknown: { detail: text },
  skipped: { reason: skipReason },
});

export const stopShape: Shape<RunStop> = unionOf<RunStop>({
  person: {},
  failure: { id: idShape },
  breaker: { count: natural, outcome: outcomeShape },
  waveVerify: { wave: natural, result: verifyShape },
  interrupted: {},
});

export const waitShape: Shape<WaitReason> = unionOf<WaitReason>({
  sharesFiles: { with: idShape, files: listOf(text) },
  held: { holder: text },
  coolingDown: { agent: someText, until: finite },
  agentCap: { agent: someText, cap: natural },
  retry: { at: finite },
});
