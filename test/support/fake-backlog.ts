import { setImmediate as turn } from 'node:timers/promises';
import { Backlog, type BacklogParts } from '../../src/core/backlog.ts';
import { NO_CONFIG, type Settings } from '../../src/core/config.ts';
import { NO_SETTINGS } from '../../src/core/no-runs.ts';
import { Emitter } from '../../src/core/events.ts';
import { NO_HANDOFFS, type Handoffs, type HandoffsState } from '../../src/core/handoff.ts';
import type { Failure } from '../../src/core/failure.ts';
import type { Clock, Edits, Locks, Processes, WaveSource } from '../../src/core/ports.ts';
import { fail, ok } from '../../src/core/result.ts';
import type { RunEvent, RunState } from '../../src/core/run/run-events.ts';
import { applyRunEvents } from '../../src/core/run/journal/run-state.ts';
import type { Notice, StoreState } from '../../src/core/snapshot.ts';
import type { Task } from '../../src/core/task.ts';
import type { AgentCommandsPort } from '../../src/ui/agent-commands-port.ts';
import type { BacklogServices, Backlogs } from '../../src/ui/backlogs.ts';
import type { CommandContext } from '../../src/ui/commands.ts';
import type { RowView } from '../../src/ui/row.ts';
import { TreeLooks } from '../../src/ui/tree-look.ts';

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
  /** The one run of this window. */
  readonly events?: readonly [RunEvent, ...RunEvent[]];
  /** In place of that one: a test may change what it answers. */
  readonly runs?: () => readonly RunState[];
  readonly pastRuns?: readonly RunState[];
  /** Runs that another window leads. */
  readonly elsewhere?: readonly RunState[];
  /** When the agent of a task wrote something last; a test may change what it answers. */
  readonly lastOutputAt?: (id: string) => number | undefined;
  readonly cap?: number;
  /** Worktrees would be made, and something is not committed. */
  readonly isDirty?: boolean;
  /** Runs do start; else there is nothing to run. */
  readonly starts?: boolean;
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
  readonly waveSource?: WaveSource;
}

/**
 * What was asked of the runs of a fake backlog: `pause r`, `start Wave 0: T-1 T-2 (flow continue
 * claude)`.
 */
export interface MadeBacklog extends Backlog {
  readonly asked: string[];
  /** The runs that were to be started, and what is in them. */
  readonly started: unknown[];
  /** Tells that runs have changed. */
  readonly changed: () => void;
}

/** A real `Backlog` over a store, locks and runs that a test has made up. */
export function fakeBacklog(spec: FakeBacklog): MadeBacklog {
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
  const runsChanged = new Emitter<undefined>();
  const asked: string[] = [];
  const started: unknown[] = [];
  let cap = spec.cap ?? 4;
  const ours: readonly RunState[] =
    spec.events === undefined ? [] : [applyRunEvents(undefined, spec.events)];
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
      release: refuse,
      setStatus: refuse,
      ...spec.locks,
    },
    edits: spec.edits ?? { apply: spec.apply ?? refuse },
    keeper: {
      track: () => undefined,
      tracks: () => false,
      untrack: () => () => undefined,
      ...spec.keeper,
    },
    runs: {
      isolation: {
        decide: ({ choice, start }) => {
          if (spec.isDirty === true && choice !== 'shared') {
            asked.push(`begin with ${start}`);
            if (start === 'ask') return Promise.resolve(fail({ kind: 'uncommitted' }));
          }
          return Promise.resolve(ok({ isolation: undefined, why: 'As chosen.', remarks: [] }));
        },
      },
      runner: {
        get runs() {
          return spec.runs?.() ?? ours;
        },
        get cap() {
          return cap;
        },
        onDidChange: runsChanged.event,
        start: ({ title, waves, options, agents, resumes, followUps }) => {
          started.push({
            title,
            waves,
            ...(followUps?.size && { resumes, followUps: [...followUps] }),
          });
          const [agent] = agents.values();
          const how = [options.runMode, options.onFailure, agent?.agent, agent?.model]
            .filter(Boolean)
            .join(' ');
          asked.push(`start ${title}: ${waves.map((ids) => ids.join(' ')).join(' | ')} (${how})`);
          if (spec.starts !== true) return fail({ kind: 'nothingToRun' });
          return ok({ runId: 'started', ended: new Promise(() => undefined) });
        },
        steer: (runId, { ask, ...about }) => {
          asked.push([ask, runId, ...Object.values<unknown>(about)].join(' '));
          return Promise.resolve();
        },
        stopAll: () => {
          asked.push('stop all');
          return Promise.resolve();
        },
        clear: (runId) => void asked.push(`clear ${runId}`),
        setCap: (n) => {
          if (n !== cap) asked.push(`cap ${n}`);
          cap = n;
        },
        isHolder: (holder) =>
          (spec.runs?.() ?? ours).some((r) =>
            [...r.tasks.values()].some((t) => t.holder === holder),
          ),
      },
      history: {
        prepare: () => Promise.resolve(undefined),
        past: spec.pastRuns ?? [],
        elsewhere: spec.elsewhere ?? [],
        onDidChange: quiet,
        ask: (runId, request) => {
          asked.push(`ask ${runId} ${JSON.stringify(request)}`);
          return Promise.resolve(ok(undefined));
        },
      },
      completions: { awaitsManualCompletion: () => false, complete: refuse },
      findAgent: () => Promise.resolve(undefined),
      preview: () =>
        Promise.resolve(
          ok({ command: ['/bin/agent', '-p'], promptFile: 'prompt.md', prompt: 'Do it' }),
        ),
      lastOutputAt: (id) => spec.lastOutputAt?.(id),
      caseFoldPaths: false,
      settle: () => turn(),
    },
    handoffs: handoffsOf(spec.handoffs ?? NO_HANDOFFS),
    ...(spec.waveSource && { waveSource: spec.waveSource }),
    gitStatus: () => Promise.resolve(undefined),
    clock: spec.clock ?? { now: () => NOW, after: () => ({ dispose: () => undefined }) },
    processes: spec.processes ?? {
      hostname: HOST,
      isAlive: (pid) => spec.alive?.includes(pid) ?? false,
    },
    settings: () => ({
      ...NO_SETTINGS,
      reviewOpensGate: 'inRun',
      ...spec.settings,
    }),
  });
  return Object.assign(backlog, { asked, started, changed: () => runsChanged.fire(undefined) });
}

/** The backlogs of a window that can do nothing but what `more` says. */
export function fakeBacklogs(
  all: readonly Backlog[],
  more: Partial<Backlogs & BacklogServices> = {},
): Backlogs {
  const unasked = (): Promise<never> => Promise.reject(new Error('not asked for'));
  const never = new Emitter<undefined>().event;
  const services: BacklogServices = {
    hasTerminal: () => false,
    showTerminal: () => false,
    activityOf: () => undefined,
    openLog: unasked,
    followLog: () => undefined,
    reviews: {
      changes: unasked,
      textAt: unasked,
      resolve: unasked,
      mergeAgain: unasked,
      mayGoOn: unasked,
      accept: unasked,
      undo: unasked,
      acceptedOf: unasked,
      discard: unasked,
      worktrees: unasked,
      remove: unasked,
    },
    pullRequests: { plan: unasked, push: unasked, create: unasked },
    addNote: unasked,
    reportOf: () => '',
    lastChoice: () => ({}),
    rememberChoice: () => Promise.resolve(),
    writePlan: unasked,
    replacePlan: unasked,
    agents: () => Promise.resolve([]),
    importable: () => Promise.resolve(ok([])),
    initialise: unasked,
    ...more,
  };
  return {
    all,
    onDidChange: never,
    onDidChangeActivity: never,
    refresh: () => Promise.resolve(),
    timePassed: () => undefined,
    of: () => services,
    ...more,
  };
}

/** A window where nothing is asked of agents. */
export const NO_DOORS: AgentCommandsPort = {
  runWaveWithSubagents: () => Promise.reject(new Error('not asked for')),
  createAgentFiles: () => Promise.reject(new Error('not asked for')),
  copyMcpConfiguration: () => Promise.reject(new Error('not asked for')),
};

/** A window in which nothing is said about lines of work. */
export const NO_COMMENTS: CommandContext['lineComments'] = {
  of: () => [],
  clear: () => Promise.resolve(),
  follow: () => Promise.resolve(),
  add: () => Promise.reject(new Error('not asked for')),
  edit: () => undefined,
  save: () => Promise.resolve(),
  cancel: () => undefined,
  remove: () => Promise.resolve(),
  dispose: () => undefined,
};

/** A window that shows no board. */
export const NO_BOARD: CommandContext['openBoard'] = () =>
  Promise.reject(new Error('not asked for'));

/** A tree of which nothing is asked. */
export const NO_TREE: CommandContext['tree'] = {
  reveal: () => Promise.resolve(),
  looks: new TreeLooks({ get: () => undefined, update: () => Promise.resolve() }),
};

/** Below a root nothing is read. */
export const NO_WORKSPACE = (): never => {
  throw new Error('not asked for');
};

/** Rows where no agent has a terminal or says what it does. */
export const NO_AGENTS: RowView = { hasTerminal: () => false, activityOf: () => undefined };

/** Handoffs that cannot be written, except where a test brings its own. */
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
