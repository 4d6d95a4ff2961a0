import { parseHolder } from '../../lease/holder.ts';
import type { WorkEnd } from '../../ports.ts';
import type { TaskId } from '../../task.ts';
import { failureShape, outcomeShape } from './journal-outcome.ts';
import { taskIdShape as idShape } from '../../task-id-shape.ts';
import {
  anyOf,
  finite,
  INVALID,
  maybe,
  objectOf,
  oneOf,
  orNothing,
  orNull,
  parseAs,
  positive,
  someText,
  text,
  unionOf,
  where,
  withStoredNames,
} from '../../shape.ts';
import { isSessionId } from './session-id.ts';

/** Where a supervisor is with its one attempt. */
export type WorkPhase = 'claiming' | 'working' | 'verifying' | 'recording' | 'ended';

/**
 * What a supervisor writes down of its attempt, replaced whole with each change:
 * `<start>.state.json` in the folder of the run. It survives when every process of the attempt is
 * killed. Times are epoch ms.
 */
export interface WorkState {
  readonly runId: string;
  readonly attemptNo: number;
  readonly taskId: TaskId;
  readonly phase: WorkPhase;
  /**
   * The supervisor's process; `begin` distinguishes it from a later one with the same id, null
   * where that is not known.
   */
  readonly pid: number;
  readonly begin: string | null;
  readonly host: string;
  /** The name in the lock columns. */
  readonly holder: string;
  /**
   * The process group of the agent, and then of what verifies its work; undefined before the agent
   * was started.
   */
  readonly agentPid: number | undefined;
  /** Of that process, as `begin`. */
  readonly agentBegin: string | null;
  /** Everything the agent starts has `TODO2_WAVES_WORK=<mark>` in its environment. */
  readonly mark: string;
  /** What the agent is called, and how its log is to be read (see `AgentOutput`). */
  readonly label: string;
  readonly output: string;
  readonly startedAt: number;
  /** The time of the agent's last output. */
  readonly lastOutputAt: number | undefined;
  /**
   * What the agent reports to be doing, on one line; undefined from a supervisor of an earlier
   * version.
   */
  readonly activity: string | undefined;
  readonly sessionId: string | undefined;
  /** Set with phase `ended`, when the lock is gone and everything is written. */
  readonly end: WorkEnd | undefined;
}

/** Longer than any of ours: evidence has its limits. */
const MAX_LENGTH = 1024 * 1024;

/**
 * The system would read a larger number as another id, and a negative one as a process group or as
 * every process.
 */
const processId = where(positive, (id) => id <= 2 ** 31 - 1);

const endShape = anyOf<WorkEnd>(
  unionOf<Extract<WorkEnd, { kind: 'refused' }>>({ refused: { failure: failureShape } }),
  where(outcomeShape, (outcome) => outcome.kind !== 'skipped'),
);

/** The names that fields have in a state file. */
const STATE_AS = { attemptNo: 'start' } satisfies { readonly [K in keyof WorkState]?: string };

const stateShape = objectOf<WorkState>(
  {
    runId: someText,
    attemptNo: positive,
    taskId: idShape,
    phase: oneOf<WorkPhase>('claiming', 'working', 'verifying', 'recording', 'ended'),
    pid: processId,
    begin: orNull(someText),
    host: text,
    holder: someText,
    agentPid: maybe(processId),
    agentBegin: orNull(someText),
    mark: where(text, (mark) => /^[0-9a-f]{32}$/.test(mark)),
    label: text,
    output: text,
    startedAt: finite,
    lastOutputAt: maybe(finite),
    activity: maybe(text),
    sessionId: orNothing(where(text, isSessionId)),
    end: maybe(endShape),
  },
  STATE_AS,
);

/** A state as `readWorkState` reads it, for a file or a channel. */
export function storedWorkState(state: WorkState): StoredWorkState {
  return withStoredNames(state, STATE_AS);
}

/** See `storedWorkState`. */
export type StoredWorkState = Readonly<Record<string, unknown>>;

/** Reads a state file; see `readWorkState`. */
export function parseWorkState(json: string): WorkState | undefined {
  return json.length > MAX_LENGTH ? undefined : parseAs(soundState, json);
}

/**
 * Reads a state as JSON gives it. It is not to be trusted, as a repository could bring such a file
 * along: undefined for what is no whole state, or contradicts itself. A holder that is not the
 * process it names could make us take another holder's lock away.
 */
export function readWorkState(value: unknown): WorkState | undefined {
  const state = soundState(value, 0);
  return state === INVALID ? undefined : state;
}

const soundState = where(stateShape, (state) => {
  const name = parseHolder(state.holder);
  if (name?.pid !== state.pid || name.hostname !== state.host) return false;
  return (state.phase === 'ended') === (state.end !== undefined);
});
