import {
  branchShape,
  commitShape,
  outcomeShape,
  stopShape,
  verifyShape,
  waitShape,
} from './journal-outcome.ts';
import { taskIdShape as idShape } from '../../task-id-shape.ts';
import {
  type Fields,
  finite,
  flag,
  listOf,
  maybe,
  natural,
  objectOf,
  oneOf,
  pairOf,
  parseAs,
  positive,
  someText,
  text,
  unionOf,
  where,
} from '../../shape.ts';
import { withStoredNames } from '../../stored-names.ts';
import { decisionShape } from './journal-decision.ts';
import { BUDGET_LIMITS, type RunBudget } from '../run-budget.ts';
import type { FollowUp } from '../follow-up.ts';
import type { RunIsolation } from '../isolation.ts';
import type { RunEvent } from '../run-events.ts';
import { type AgentAssignment, type RunOptions, AGENT_MODES, SAME_FILES } from '../run-options.ts';

/**
 * Of the whole journal; its first line carries it. A later version that cannot be read as this one
 * gets another number.
 */
const VERSION = 1;

// The first line has every task of the run, twice: 100,000 of them are about 11 MiB. No other line
// is near a MiB.
const MAX_FIRST = 32 * 1024 * 1024;
const MAX_LINE = 1024 * 1024;

/**
 * What every run is called: it names files, so it is no path and nothing that a program reads as an
 * option.
 */
export function isRunId(value: unknown): value is string {
  return typeof value === 'string' && /^[0-9A-Za-z][0-9A-Za-z-]{0,63}$/.test(value);
}

/** One event as a line of a journal, without the end of the line; it holds no line break itself. */
export function formatEntry(event: RunEvent): string {
  if (event.kind === 'taskStarting') return JSON.stringify(withStoredNames(event, STARTING_AS));
  if (event.kind !== 'runStarted') return JSON.stringify(event);
  const { options, agents } = event;
  return JSON.stringify({
    v: VERSION,
    ...event,
    options: withStoredNames(options, OPTIONS_AS),
    agents: agents.map(([id, agent]) => [id, withStoredNames(agent, ASSIGNMENT_AS)]),
  });
}

/**
 * Reads a line of a journal; undefined for a line that `formatEntry` cannot have written. The text
 * is not trusted: the result has the shape of an event in every part, without unknown fields. Its
 * texts are unchanged.
 */
export function parseEntry(line: string): RunEvent | undefined {
  const isFirst = line.startsWith(`{"v":${VERSION},`);
  if (line.length > (isFirst ? MAX_FIRST : MAX_LINE)) return undefined;
  const event = parseAs(eventShape, line);
  if (event === undefined || (event.kind === 'runStarted') !== isFirst) return undefined;
  return event.kind === 'runStarted' && !isSound(event) ? undefined : event;
}

const runId = where(text, isRunId);

/** It becomes an argument of the agent's program, so it must not read as an option. */
const model = where(text, (name) => /^[^-\p{Cc}][^\p{Cc}]{0,199}$/u.test(name));

// The names that fields have in version 1 of a journal.
const OPTIONS_AS = {
  runMode: 'mode',
  heldTasks: 'held',
  reviewGate: 'gate',
  maxEqualFailures: 'breakAfter',
  statusOnSuccess: 'successStatus',
  timeLimitMs: 'wallMs',
  stuckAfterMs: 'idleMs',
} satisfies { readonly [K in keyof RunOptions]?: string };
const ASSIGNMENT_AS = { agentMode: 'how' } satisfies {
  readonly [K in keyof AgentAssignment]?: string;
};
const STARTING_AS = { attemptNo: 'start', tryNo: 'attempt' };

const limit = where(finite, (n) => n > 0);

const runOptions: Fields<RunOptions> = {
  runMode: oneOf('strict', 'flow'),
  onFailure: oneOf('continue', 'stopAfterWave', 'stopAtOnce'),
  pauseBetweenWaves: flag,
  heldTasks: oneOf('skip', 'wait'),
  reviewGate: oneOf('inRun', 'always', 'never'),
  retries: natural,
  retryAfterMs: natural,
  maxEqualFailures: natural,
  leaseMs: positive,
  statusOnSuccess: oneOf('Review', 'Done'),
  timeLimitMs: natural,
  stuckAfterMs: natural,
  agentCaps: listOf(pairOf(someText, natural)),
  budget: maybe(
    objectOf<RunBudget>({ usd: maybe(limit), tokens: maybe(limit), minutes: maybe(limit) }),
  ),
  isolation: maybe(
    objectOf<RunIsolation>({
      target: maybe(branchShape),
      base: commitShape,
      start: oneOf('commit', 'snapshot'),
    }),
  ),
  resolveConflicts: maybe(flag),
  sameFiles: maybe(oneOf(...SAME_FILES)),
};

const assignment = objectOf<AgentAssignment>(
  { agent: someText, model: maybe(model), agentMode: oneOf(...AGENT_MODES) },
  ASSIGNMENT_AS,
);

const followUp = objectOf<FollowUp>({
  text,
  after: maybe(objectOf<NonNullable<FollowUp['after']>>({ runId, attemptNo: positive })),
});

const OF_TASK = { runId, id: idShape, at: finite };

const eventShape = unionOf<RunEvent>(
  {
    runStarted: {
      runId,
      title: text,
      waves: listOf(listOf(idShape)),
      options: objectOf(runOptions, OPTIONS_AS),
      agents: listOf(pairOf(idShape, assignment)),
      resumes: maybe(runId),
      followUps: maybe(listOf(pairOf(idShape, followUp))),
      at: finite,
    },
    waveStarted: { runId, wave: natural, at: finite },
    taskStarting: { ...OF_TASK, attemptNo: positive, tryNo: positive },
    taskClaimed: { ...OF_TASK, holder: someText },
    taskStarted: OF_TASK,
    taskWaits: { ...OF_TASK, reason: maybe(waitShape) },
    taskRequeued: { ...OF_TASK, outcome: outcomeShape, notBefore: finite },
    taskEnded: { ...OF_TASK, outcome: outcomeShape },
    waveEnded: { runId, wave: natural, verify: maybe(verifyShape), at: finite },
    capChanged: { runId, cap: positive, at: finite },
    runPaused: { runId, by: oneOf('person', 'wave', ...BUDGET_LIMITS), at: finite },
    runWentOn: { runId, at: finite },
    runTakenOver: { runId, at: finite },
    runStopping: { runId, stop: stopShape, at: finite },
    runEnded: { runId, at: finite },
    workDecided: { runId, ids: listOf(idShape), decision: decisionShape, at: finite },
  },
  { taskStarting: STARTING_AS },
);

/** Every task once, and each with an agent. */
function isSound({ waves, agents }: Extract<RunEvent, { kind: 'runStarted' }>): boolean {
  const assigned = new Set(agents.map(([id]) => id));
  const seen = new Set<string>();
  for (const id of waves.flat()) {
    if (seen.has(id) || !assigned.has(id)) return false;
    seen.add(id);
  }
  return true;
}
