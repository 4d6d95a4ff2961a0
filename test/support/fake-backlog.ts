import { Backlog, type BacklogParts } from '../../src/core/backlog.ts';
import { NO_CONFIG, type Settings } from '../../src/core/config.ts';
import { Emitter } from '../../src/core/events.ts';
import { NO_HANDOFFS, type Handoffs, type HandoffsState } from '../../src/core/handoff.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { Clock, Edits, Locks, Processes } from '../../src/core/ports.ts';
import { fail } from '../../src/core/result.ts';
import type { RunEvent } from '../../src/core/run/run-events.ts';
import { applyRunEvents } from '../../src/core/run/run-state.ts';
import type { Notice, StoreState } from '../../src/core/snapshot.ts';
import type { Task } from '../../src/core/task.ts';

/** The moment at which every fake backlog is looked at. */
export const NOW = Date.UTC(2026, 0, 5, 12, 0, 0);

/** The holder that stands for this window. */
export const ME = 'vscode-desk-100';

/** The machine that it is on. */
export const HOST = 'desk';

export interface FakeBacklog {
  readonly tasks?: readonly Task[];
  readonly notices?: readonly Notice[];
  /** In place of a store that is ready. */
  readonly store?: StoreState;
  readonly settings?: Partial<Settings>;
  readonly events?: readonly [RunEvent, ...RunEvent[]];
  readonly root?: string;
  readonly locks?: Partial<Locks>;
  readonly keeper?: Partial<BacklogParts['keeper']>;
  /** Processes of this machine, `desk`; the others are gone. */
  readonly alive?: readonly number[];
  readonly slowSince?: number;
  readonly handoffs?: HandoffsState | Handoffs;
  readonly apply?: Edits['apply'];
  readonly edits?: Edits;
  readonly processes?: Processes;
  readonly clock?: Clock;
}

/** A real `Backlog` over a store, locks and runs that a test has made up. */
export function fakeBacklog(spec: FakeBacklog): Backlog & { readonly started: unknown[] } {
  const { tasks = [], root = '/home/me/shop' } = spec;
  const store: StoreState = spec.store ?? {
    kind: 'ready',
    snapshot: {
      root,
      file: `${root}/.todo2/todo2.db`,
      source: 'sqlite',
      project: 'shop',
      tasks,
      byId: new Map(tasks.map((task) => [task.id, task])),
      notices: spec.notices ?? [],
      readAt: NOW,
    },
  };
  const quiet = new Emitter<undefined>().event;
  const started: unknown[] = [];
  const none: Failure = { kind: 'writerDied', detail: 'a fake' };
  const refuse = () => Promise.resolve(fail(none));
  const backlog = new Backlog({
    source: {
      root,
      state: store,
      config: NO_CONFIG,
      slowSince: spec.slowSince,
      onDidChange: new Emitter<void>().event,
      refresh: () => Promise.resolve(),
      dispose: () => undefined,
    },
    locks: {
      holder: ME,
      probe: () => Promise.resolve(undefined),
      claim: refuse,
      claimAll: refuse,
      claimNext: refuse,
      adopt: refuse,
      forceRelease: refuse,
      renew: refuse,
      finish: refuse,
      setStatus: refuse,
      ...spec.locks,
    },
    edits: spec.edits ?? { apply: spec.apply ?? refuse },
    keeper: { hold: () => undefined, holds: () => false, drop: () => () => undefined, ...spec.keeper },
    runner: {
      runs: spec.events === undefined ? [] : [applyRunEvents(undefined, spec.events)],
      onDidChange: quiet,
      start: (request) => {
        started.push(request);
        return fail({ kind: 'nothingToRun' });
      },
      stopTask: () => Promise.resolve(),
      stopRun: () => Promise.resolve(),
      stopAll: () => Promise.resolve(),
      clear: () => undefined,
      setCap: () => undefined,
    },
    handoffs: handoffsOf(spec.handoffs ?? NO_HANDOFFS),
    gitStatus: () => Promise.resolve(undefined),
    clock: spec.clock ?? { now: () => NOW, after: () => ({ dispose: () => undefined }) },
    processes: spec.processes ?? { hostname: HOST, isAlive: (pid) => spec.alive?.includes(pid) ?? false },
    settings: () => ({
      waveNumbering: 'open',
      missingDependencies: 'satisfied',
      parentEdges: 'exarp',
      maxTasksPerWave: undefined,
      maxParallelTasks: undefined,
      leaseMs: undefined,
      staleLockMs: undefined,
      newTaskPriority: undefined,
      minDescriptionLength: undefined,
      statusOnSuccess: 'Review',
      reviewOpensGate: 'inRun',
      ...spec.settings,
    }),
    findAgent: () => Promise.resolve(undefined),
  });
  return Object.assign(backlog, { started });
}

/** Handoffs that nobody can write, except where a test brings its own. */
function handoffsOf(spec: HandoffsState | Handoffs): Handoffs {
  if ('write' in spec) return spec;
  const refuse = () => Promise.resolve(fail<Failure>({ kind: 'writerDied', detail: 'a fake' }));
  return {
    state: spec,
    onDidChange: new Emitter<undefined>().event,
    refresh: () => Promise.resolve(),
    write: refuse,
    setStatus: refuse,
    remove: refuse,
    dispose: () => undefined,
  };
}
