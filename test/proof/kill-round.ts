import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunState, TaskOutcome } from '../../src/core/run/run-events.ts';
import { parseWorkState } from '../../src/core/run/journal/read-work-state.ts';
import type { WorkState } from '../../src/core/run/journal/work-state.ts';
import type { SqlRow } from '../support/fixture.ts';
import { oneOf, type Random } from '../support/random.ts';
import type { Script, Trace } from './scripted-agents.ts';

/**
 * The tasks of one round: two waves of four, where each task of the second needs up to two of the
 * first.
 */
export interface RoundTask {
  readonly id: string;
  readonly wave: 0 | 1;
  readonly needs: readonly string[];
  readonly script: Script;
}

const WAVE = 4;

export function roundTasks(round: number, random: Random): readonly RoundTask[] {
  return Array.from({ length: 2 * WAVE }, (_, n): RoundTask => {
    const wave = n < WAVE ? 0 : 1;
    const needs = [...new Set([random(WAVE), random(WAVE)])].map((at) => idOf(round, at)).sort();
    return {
      id: idOf(round, n),
      wave,
      needs: wave === 0 ? [] : needs,
      script: {
        seconds: (2 + random(9)) / 10,
        exitCode: random(6) === 0 ? 3 : 0,
        leaves: oneOf(random, ['nothing', 'nothing', 'child', 'stray']),
      },
    };
  });
}

function idOf(round: number, n: number): string {
  return `R${round}-${n}`;
}

/** The states of all attempts of a run, as their supervisors left them. */
export function statesOf(root: string, runId: string): readonly WorkState[] {
  const folder = join(root, '.todo2', 'waves', 'runs', runId);
  return readdirSync(folder).flatMap((name) => {
    if (!name.endsWith('.state.json')) return [];
    const state = parseWorkState(readFileSync(join(folder, name), 'utf8'));
    return state === undefined ? [] : [state];
  });
}

/** What a round came to. */
export interface Outcome {
  readonly tasks: readonly RoundTask[];
  readonly run: RunState;
  readonly states: readonly WorkState[];
  readonly rows: readonly SqlRow[];
  /** How many `result` comments each task has. */
  readonly comments: ReadonlyMap<string, number>;
  readonly traceOf: (id: string) => Trace;
  /** The ids of supervisors that were killed, and of agents. */
  readonly killed: {
    readonly supervisors: ReadonlySet<number>;
    readonly agents: ReadonlySet<number>;
  };
}

/**
 * What may have become of a task. `unsure`: its supervisor was killed while it wrote down the end.
 */
type Expected = 'well' | 'failed' | 'killed' | 'unknown' | 'unsure' | 'skipped';

/**
 * Throws where a task did not end as its agent did, or as it must when that or its supervisor was
 * killed.
 */
export function checkOutcome(outcome: Outcome): ReadonlyMap<string, Expected> {
  const { run, rows, comments, traceOf } = outcome;
  const expected = new Map<string, Expected>();
  for (const task of outcome.tasks) {
    const { id, needs } = task;
    const state = outcome.states
      .filter(({ taskId }) => taskId === id)
      .sort((a, b) => b.attemptNo - a.attemptNo)[0];
    const isOpen = needs.every((need) => expected.get(need) === 'well');
    const expects = isOpen ? expectedOf(task, state, outcome) : 'skipped';
    expected.set(id, expects);
    const entry = [...run.tasks.values()].find((each) => each.id === id);
    const row = rows.find((each) => each['id'] === id) ?? {};
    const trace = traceOf(id);
    const told = { expects, outcome: entry?.outcome, attempts: entry?.tryNo, state, trace, row };
    const what = `${id}: ${JSON.stringify(told)}`;

    assert.equal(entry?.phase, 'ended', what);
    assert.ok(entry.outcome !== undefined && isAs(entry.outcome, expects, task.script), what);
    const status = row['status'];
    if (expects === 'unsure') assert.ok(status === 'Todo' || status === 'Review', what);
    else assert.equal(status, expects === 'well' ? 'Review' : 'Todo', what);
    assert.deepEqual([row['assignee'], row['lock_until']], [null, null], what);
    const wasCut = expects === 'unknown' || expects === 'unsure' || expects === 'killed';
    assert.ok(
      trace.starts === (expects === 'skipped' ? 0 : 1) || (wasCut && trace.starts === 0),
      what,
    );
    const results = comments.get(id) ?? 0;
    if (expects === 'unsure') assert.ok(results <= 1, `${results} results; ${what}`);
    else assert.equal(results, ['well', 'failed', 'killed'].includes(expects) ? 1 : 0, what);
  }
  return expected;
}

function expectedOf(
  { id, script }: RoundTask,
  state: WorkState | undefined,
  { killed, traceOf }: Outcome,
): Expected {
  if (state !== undefined && state.end === undefined && killed.supervisors.has(state.pid)) {
    return state.phase === 'recording' ? 'unsure' : 'unknown';
  }
  const wasKilled = state?.agentPid !== undefined && killed.agents.has(state.agentPid);
  if (wasKilled && !traceOf(id).isDone) return 'killed';
  // Between its last word and its end it may have been killed still.
  if (wasKilled && state.end?.kind === 'failed' && state.end.signal === 'SIGKILL') return 'killed';
  return script.exitCode === 0 ? 'well' : 'failed';
}

function isAs(outcome: TaskOutcome, expects: Expected, { exitCode }: Script): boolean {
  switch (expects) {
    case 'well':
      return outcome.kind === 'succeeded' && outcome.status === 'Review';
    case 'failed':
      return (
        outcome.kind === 'failed' && outcome.cause.kind === 'exit' && outcome.exitCode === exitCode
      );
    case 'killed':
      return (
        outcome.kind === 'failed' && outcome.cause.kind === 'exit' && outcome.signal === 'SIGKILL'
      );
    case 'unknown':
    case 'unsure':
      return outcome.kind === 'unknown';
    case 'skipped':
      return outcome.kind === 'skipped' && outcome.reason.kind === 'dependencyFailed';
  }
}
