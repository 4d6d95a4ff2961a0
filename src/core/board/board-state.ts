import type { Span } from '../run/engine/forecast.ts';

/**
 * What the board shows: plain data that crosses to the webview as JSON. Texts of backlogs and agents
 * in it are one line each and cut to length; they are drawn as text nodes only. Times are epoch ms.
 */
export interface BoardState {
  /** The name of the backlog. */
  readonly name: string;
  /** When this was true; the board counts on from it by its own clock. */
  readonly now: number;
  /** What concerns everything: that the store cannot be read, or that nothing can be written. */
  readonly trouble: string | undefined;
  /** True where nothing can be started or decided here, so that no such button is offered. */
  readonly isReadOnly: boolean;
  /** The runs that can be shown: live ones first, then ended ones, the newest first. */
  readonly runs: readonly RunEntry[];
  /** The run whose numbers the strip and whose bars the timeline show; one of `runs`. */
  readonly run: RunStrip | undefined;
  readonly needs: readonly Need[];
  readonly columns: readonly Column[];
  /** By id; those in columns, and those of the shown run. */
  readonly cards: readonly Card[];
  /** How many tasks are finished, and in none of the columns. */
  readonly finished: number;
}

export interface RunEntry {
  readonly runId: string;
  readonly title: string;
  readonly startedAt: number;
  readonly isLive: boolean;
}

/** The shown run, in numbers. */
export interface RunStrip {
  readonly runId: string;
  readonly title: string;
  readonly phase: 'running' | 'paused' | 'stopping' | 'ended';
  /** Why it is paused or stopped, where that is not by the user. */
  readonly why: string | undefined;
  readonly startedAt: number;
  readonly endedAt: number | undefined;
  /** When it will have ended, by what is known of earlier attempts; undefined where it has. */
  readonly endsAt: number | undefined;
  /** Agents at a time. */
  readonly cap: number;
  /** True where another window leads it; requests still reach it. */
  readonly isElsewhere: boolean;
  /** True for an ended run with tasks that can be run again. */
  readonly isResumable: boolean;
  /** `12k tokens · $3.10`; undefined where no agent says. */
  readonly usage: string | undefined;
  readonly total: number;
  /** Tasks by what counts: each in exactly one, and those that fit none in `waiting`. */
  readonly counts: Readonly<Record<StripCount, number>>;
}

export type StripCount = (typeof STRIP_COUNTS)[number];

/** In the order in which the strip has them. */
export const STRIP_COUNTS = [
  'done',
  'working',
  'stuck',
  'failed',
  'conflict',
  'review',
  'waiting',
] as const;

/** A column is a wave; ids in its order. Never empty. */
export interface Column {
  /** Stays the same while its tasks are those of the same wave. */
  readonly key: string;
  /** `Now`, `Next`, `Later`, and what is in no wave: `In a circle`, `Not in the waves`. */
  readonly title: string;
  /** `wave 3`; empty where it is none. */
  readonly note: string;
  /** The number of the wave in the tree; undefined for what is in no wave. */
  readonly wave: number | undefined;
  readonly ids: readonly string[];
}

export type CardState = (typeof CARD_STATES)[number];

/** What a task is doing, as one word; the first of these that applies is what needs the user most. */
export const CARD_STATES = [
  'stuck',
  'failed',
  'conflict',
  'unclear',
  'review',
  'working',
  'starting',
  'yours',
  'held',
  'queued',
  'ready',
  'waiting',
  'blocked',
  'done',
  'cancelled',
] as const;

export type CardPriority = 'critical' | 'high' | 'medium' | 'low' | 'other';

/** One task. */
export interface Card {
  readonly id: string;
  readonly title: string;
  readonly state: CardState;
  /** The state in words with its reason, such as `waits for Parse arguments`. */
  readonly words: string;
  readonly priority: CardPriority;
  readonly tags: readonly string[];
  /** The number of its wave; undefined where it is in none. */
  readonly wave: number | undefined;
  /** The open tasks that it waits for. */
  readonly after: readonly string[];
  /** True where its end decides when everything ends, by the estimates. */
  readonly isCritical: boolean;
  /** What the agent is doing or said last; undefined where it says nothing. */
  readonly lastLine: string | undefined;
  /** What its latest work changed, `+120 −30 · 5 files`. */
  readonly changes: string | undefined;
  /** Its part in the latest run that has it. */
  readonly work: CardWork | undefined;
  /** When it will start and end, by the estimates; undefined where it has ended or cannot start. */
  readonly forecast: Span | undefined;
  /** What can be done with it here, the most wanted first. */
  readonly can: readonly CardAction[];
}

export interface CardWork {
  readonly runId: string;
  /** The name of the agent; `you` for the user. */
  readonly agent: string;
  /** Its wave within the run, from 0. */
  readonly runWave: number;
  readonly startedAt: number | undefined;
  readonly endedAt: number | undefined;
  /** How long such an attempt takes, by what is known. */
  readonly estimateMs: number;
  readonly attempt: number;
  /** `12k tokens · $0.34`. */
  readonly usage: string | undefined;
  /** What happened so far, in order; the last one may be open. */
  readonly bars: readonly Bar[];
}

/** A part of the time of a task in a run; without `to` it lasts. */
export interface Bar {
  readonly kind: 'starting' | 'working' | 'verifying' | 'waiting';
  readonly from: number;
  readonly to: number | undefined;
  /** How the attempt ended, at the last bar of each. */
  readonly end: 'good' | 'bad' | 'unclear' | undefined;
}

export type CardAction = (typeof CARD_ACTIONS)[number];

/** What the board can ask for about a task. Each goes the way of the command of the same name. */
export const CARD_ACTIONS = [
  'run',
  'requeue',
  'stop',
  'finish',
  'review',
  'accept',
  'sendBack',
  'resolve',
  'mergeAgain',
  'discard',
  'log',
  'terminal',
  'claim',
  'release',
  'open',
  'edit',
] as const;

export type RunAction = (typeof RUN_ACTIONS)[number];

/** What the board can ask for about the shown run, or, without one, about the backlog. */
export const RUN_ACTIONS = [
  'pause',
  'goOn',
  'stopRun',
  'resumeRun',
  'report',
  'reviewRun',
  'acceptRun',
  'runAll',
  'newTask',
] as const;

/** Something that waits for the user, with what can be done about it. */
export interface Need {
  readonly kind: 'stuck' | 'signIn' | 'failed' | 'conflict' | 'lockLost' | 'review' | 'paused';
  /** The task; undefined where it is about the run. */
  readonly id: string | undefined;
  readonly title: string;
  /** Why, in one sentence. */
  readonly why: string;
  /** At most two. */
  readonly actions: readonly (CardAction | RunAction)[];
}

/** What the drawer shows about a task beside its card; asked for when it is opened. */
export interface Details {
  readonly id: string;
  /** Names and values: status, priority, tags, lock, record. */
  readonly facts: readonly (readonly [name: string, value: string])[];
  /** Why it cannot start now; empty where it can. */
  readonly reasons: readonly string[];
  /** As stored, with its line ends, cut to 20,000 characters. */
  readonly description: string;
  readonly after: readonly TaskLink[];
  readonly before: readonly TaskLink[];
  /** The agent's last words about its latest work. */
  readonly summary: string | undefined;
  /** What the user should know about it: denied tools, cost. */
  readonly remarks: readonly string[];
  readonly verify: VerifyFact | undefined;
  /** Relative to the repository or root, at most 200. */
  readonly files: readonly string[];
  readonly attempts: readonly AttemptFact[];
}

export interface TaskLink {
  readonly id: string;
  readonly title: string;
  readonly state: CardState;
}

export interface VerifyFact {
  readonly command: string;
  readonly passed: boolean;
  readonly tail: string;
}

/** One attempt at a task, the newest first. */
export interface AttemptFact {
  readonly run: string;
  readonly attempt: number;
  readonly agent: string;
  readonly from: number | undefined;
  readonly to: number | undefined;
  readonly words: string;
}
