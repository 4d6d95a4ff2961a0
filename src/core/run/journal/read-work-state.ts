import { parseHolder } from '../../lease/holder.ts';
import type { WorkEnd } from '../../ports.ts';
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
} from '../../shape.ts';
import { taskIdShape as idShape } from '../../task-id-shape.ts';
import { failureShape, outcomeShape, usageShape } from './journal-outcome.ts';
import { isSessionId } from './session-id.ts';
import { STATE_AS, type WorkPhase, type WorkState } from './work-state.ts';

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

const stateShape = objectOf<WorkState>(
  {
    runId: someText,
    attemptNo: positive,
    taskId: idShape,
    phase: oneOf<WorkPhase>(
      ...(['claiming', 'working', 'verifying', 'merging'] as const),
      ...(['resolving', 'mergingAgain', 'recording', 'ended'] as const),
    ),
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
    sessionUsage: usageShape,
    refusal: maybe(objectOf<NonNullable<WorkState['refusal']>>({ words: text, at: finite })),
    end: maybe(endShape),
  },
  STATE_AS,
);

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
