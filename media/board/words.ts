import type {
  CardAction,
  CardPriority,
  CardState,
  Need,
  RunAction,
  StripCount,
} from '../../src/core/board/board-state.ts';
import type { Sign } from './signs.ts';

interface Look {
  readonly sign: Sign;
  readonly word: string;
}

/** How a state is shown: a sign and a word, so that no state is told by its colour alone. */
export const STATES: Readonly<Record<CardState, Look>> = {
  stuck: { sign: 'warning', word: 'looks stuck' },
  failed: { sign: 'error', word: 'failed' },
  conflict: { sign: 'git-merge', word: 'conflict' },
  unclear: { sign: 'question', word: 'unclear' },
  review: { sign: 'eye', word: 'to review' },
  working: { sign: 'circle-filled', word: 'working' },
  starting: { sign: 'loading', word: 'starting' },
  yours: { sign: 'account', word: 'yours' },
  held: { sign: 'lock', word: 'held' },
  queued: { sign: 'list-ordered', word: 'queued' },
  ready: { sign: 'circle-large', word: 'ready' },
  waiting: { sign: 'ellipsis', word: 'waiting' },
  blocked: { sign: 'circle-slash', word: 'blocked' },
  done: { sign: 'check', word: 'done' },
  cancelled: { sign: 'close', word: 'cancelled' },
};

interface Count {
  readonly word: string;
  /** The states of the cards that it counts. */
  readonly states: readonly CardState[];
}

export const COUNTS: Readonly<Record<StripCount, Count>> = {
  done: { word: 'done', states: ['done'] },
  working: { word: 'working', states: ['working', 'starting'] },
  stuck: { word: 'stuck', states: ['stuck'] },
  failed: { word: 'failed', states: ['failed'] },
  conflict: { word: 'in conflict', states: ['conflict'] },
  review: { word: 'to review', states: ['review'] },
  waiting: {
    word: 'waiting',
    states: ['unclear', 'yours', 'held', 'queued', 'ready', 'waiting', 'blocked', 'cancelled'],
  },
};

/** Shown with a sign; the usual priorities need none. */
export const PRIORITIES: Readonly<Record<CardPriority, { sign?: Sign; word: string }>> = {
  critical: { sign: 'triangle-up', word: 'critical priority' },
  high: { sign: 'triangle-up', word: 'high priority' },
  medium: { word: 'medium priority' },
  low: { sign: 'triangle-down', word: 'low priority' },
  other: { word: '' },
};

/** Titles of buttons; one that opens a question ends with an ellipsis. */
export const CARD_BUTTONS: Readonly<Record<CardAction, Look>> = {
  run: { sign: 'play', word: 'Run' },
  requeue: { sign: 'debug-restart', word: 'Run Again' },
  stop: { sign: 'debug-stop', word: 'Stop' },
  finish: { sign: 'pass', word: 'Mark as Finished' },
  review: { sign: 'diff-multiple', word: 'Review Changes' },
  accept: { sign: 'check', word: 'Accept' },
  sendBack: { sign: 'comment', word: 'Request Changes…' },
  resolve: { sign: 'git-merge', word: 'Resolve…' },
  mergeAgain: { sign: 'git-merge', word: 'Merge Again' },
  discard: { sign: 'trash', word: 'Discard…' },
  log: { sign: 'output', word: 'Open Log' },
  terminal: { sign: 'terminal', word: 'Open Terminal' },
  claim: { sign: 'lock', word: 'Claim' },
  release: { sign: 'unlock', word: 'Release' },
  open: { sign: 'go-to-file', word: 'Open Task' },
  edit: { sign: 'edit', word: 'Edit…' },
};

export const RUN_BUTTONS: Readonly<Record<RunAction, Look>> = {
  pause: { sign: 'debug-pause', word: 'Pause' },
  goOn: { sign: 'debug-continue', word: 'Continue' },
  stopRun: { sign: 'debug-stop', word: 'Stop' },
  resumeRun: { sign: 'debug-restart', word: 'Resume…' },
  report: { sign: 'report', word: 'Report' },
  reviewRun: { sign: 'diff-multiple', word: 'Review Changes' },
  acceptRun: { sign: 'check', word: 'Accept All…' },
  runAll: { sign: 'run-all', word: 'Run All…' },
  newTask: { sign: 'add', word: 'New Task…' },
};

export const NEEDS: Readonly<Record<Need['kind'], Look & { readonly state: CardState }>> = {
  stuck: { sign: 'warning', word: 'Looks stuck', state: 'stuck' },
  signIn: { sign: 'key', word: 'Sign-in needed', state: 'stuck' },
  failed: { sign: 'error', word: 'Failed', state: 'failed' },
  conflict: { sign: 'git-merge', word: 'Conflict', state: 'conflict' },
  lockLost: { sign: 'unlock', word: 'Lock lost', state: 'conflict' },
  review: { sign: 'eye', word: 'To review', state: 'review' },
  paused: { sign: 'debug-pause', word: 'Paused', state: 'stuck' },
};

/** How several of a kind are counted: `2 failed`. */
export const NEED_COUNTS: Readonly<Record<Need['kind'], string>> = {
  stuck: 'stuck',
  signIn: 'to sign in',
  failed: 'failed',
  conflict: 'in conflict',
  lockLost: 'without their lock',
  review: 'to review',
  paused: 'paused',
};

export const isCardAction = (action: CardAction | RunAction): action is CardAction =>
  action in CARD_BUTTONS;

/** An elapsed time that is read while it counts: `4:05`, `1 h 04 min`. */
export function elapsed(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  if (hours === 0) return `${minutes}:${two(seconds % 60)}`;
  if (hours < 48) return `${hours} h ${two(minutes % 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

// Making one costs more than a hundred uses of it.
const TIME = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const DAY_AND_TIME = new Intl.DateTimeFormat(undefined, {
  month: 'short',
  day: 'numeric',
  hour: '2-digit',
  minute: '2-digit',
});

/** A moment as the clock on the wall shows it, with the day where it is not today. */
export function clock(at: number, now: number): string {
  const isToday = new Date(at).toDateString() === new Date(now).toDateString();
  return (isToday ? TIME : DAY_AND_TIME).format(at);
}

function two(n: number): string {
  return String(n).padStart(2, '0');
}
