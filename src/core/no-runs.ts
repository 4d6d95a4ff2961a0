import type { BacklogParts } from './backlog.ts';
import { DEFAULTS, RUN_DEFAULTS, type Settings } from './config.ts';
import { Emitter } from './events.ts';
import type { Failure } from './failure.ts';
import { fail } from './result.ts';

/**
 * Where runs are started: in a window of the editor, never in a program that only serves a backlog.
 */
const NOT_HERE: Failure = { kind: 'nothingToRun' };

/** The runs of a `Backlog` in a program that starts none and shows none. */
export function noRuns(): BacklogParts['runs'] {
  const never = new Emitter<undefined>().event;
  const nothing = (): Promise<void> => Promise.resolve();
  return {
    runner: {
      runs: [],
      cap: DEFAULTS.maxParallelTasks,
      onDidChange: never,
      isHolder: () => false,
      start: () => fail(NOT_HERE),
      steer: nothing,
      stopAll: nothing,
      clear: () => undefined,
      setCap: () => undefined,
    },
    history: {
      past: [],
      elsewhere: [],
      onDidChange: never,
      prepare: () => Promise.resolve(NOT_HERE),
      ask: () => Promise.resolve(fail(NOT_HERE)),
    },
    completions: {
      awaitsManualCompletion: () => false,
      complete: () => Promise.resolve(fail(NOT_HERE)),
    },
    findAgent: () => Promise.resolve(NOT_HERE),
    isolation: { decide: () => Promise.resolve(fail(NOT_HERE)) },
    preview: () => Promise.resolve(fail(NOT_HERE)),
    caseFoldPaths: false,
    settle: nothing,
    lastOutputAt: () => undefined,
  };
}

/**
 * What settings say where there is no editor to ask: the project's configuration counts, and the
 * defaults.
 */
export const NO_SETTINGS: Settings = {
  waveNumbering: 'open',
  missingDependencies: 'satisfied',
  maxTasksPerWave: undefined,
  maxParallelTasks: undefined,
  leaseMs: undefined,
  statusOnSuccess: 'Review',
  reviewOpensGate: 'never',
  run: RUN_DEFAULTS,
  agent: { agent: 'auto', model: undefined, agentMode: 'unattended' },
  agentRules: [],
  verify: [],
  verifyWave: undefined,
  worktreeSetup: [],
  cursorWorktreeSetup: false,
};
