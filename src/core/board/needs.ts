import type { TaskOfRun } from '../run/task-of-run.ts';
import { isBudgetLimit, limitWords } from '../run/run-budget.ts';
import { explainStop } from '../run/run-messages.ts';
import type { RunState } from '../run/run-events.ts';
import type { TaskId } from '../task.ts';
import { asksToSignIn } from '../run/sign-in.ts';
import { cut, oneLine } from '../text.ts';
import type { Card, CardAction, Need, RunAction } from './board-state.ts';

const TITLE = 120;
/** More are counted on the strip. */
const MOST = 200;

/** In this order: what holds work up comes before what can wait. */
const KINDS: readonly Need['kind'][] = [
  'signIn',
  'stuck',
  'paused',
  'conflict',
  'lockLost',
  'failed',
  'review',
];

/** What waits for the user, most urgent first, then in the order of the cards. */
export function needsOf(
  cards: readonly Card[],
  workOf: (id: TaskId) => TaskOfRun | undefined,
  run: RunState | undefined,
  now: number,
): readonly Need[] {
  const needs = [
    ...runNeeds(run, now),
    ...cards.flatMap((card) => cardNeeds(card, workOf(card.id as TaskId))),
  ];
  return KINDS.flatMap((kind) => needs.filter((need) => need.kind === kind)).slice(0, MOST);
}

function cardNeeds(card: Card, work: TaskOfRun | undefined): readonly Need[] {
  const kind = kindOf(card, work);
  if (kind === undefined) return [];
  const { id, title, words, lastLine, changes } = card;
  const why = kind === 'review' ? (changes ?? lastLine ?? words) : words;
  return [{ kind, id, title: cut(title, TITLE), why, actions: actionsFor(card, kind) }];
}

function kindOf({ state }: Card, work: TaskOfRun | undefined): CardNeed | undefined {
  switch (state) {
    case 'stuck':
    case 'conflict':
    case 'review':
      return state;
    case 'failed': {
      const outcome = work?.part.outcome;
      if (outcome?.kind === 'lockLost') return 'lockLost';
      const isRefused =
        outcome?.kind === 'failed' &&
        outcome.cause.kind === 'said' &&
        asksToSignIn(outcome.cause.detail);
      return isRefused ? 'signIn' : 'failed';
    }
    case 'unclear':
      return 'failed';
    default:
      return undefined;
  }
}

type CardNeed = Exclude<Need['kind'], 'paused'>;

const WANTED: Readonly<Record<CardNeed, readonly CardAction[]>> = {
  signIn: ['terminal', 'log', 'run', 'open'],
  stuck: ['requeue', 'log', 'stop', 'open'],
  conflict: ['resolve', 'mergeAgain', 'open'],
  lockLost: ['run', 'log', 'open'],
  failed: ['log', 'run', 'open'],
  review: ['review', 'accept', 'sendBack', 'open'],
};

function actionsFor({ can }: Card, kind: CardNeed): readonly CardAction[] {
  return WANTED[kind].filter((action) => can.includes(action)).slice(0, 2);
}

function runNeeds(run: RunState | undefined, now: number): readonly Need[] {
  if (run === undefined) return [];
  const need = (why: string, actions: readonly RunAction[]): readonly Need[] => [
    { kind: 'paused', id: undefined, title: cut(oneLine(run.title), TITLE), why, actions },
  ];
  if (run.phase === 'running' && run.paused !== undefined)
    return need(pausedWords(run), ['goOn', 'stopRun']);
  const isOver = run.phase === 'ended' || run.stop === undefined;
  return isOver || run.stop.kind === 'person' ? [] : need(explainStop(run.stop, now), ['report']);
}

/** Why a run is paused. */
export function pausedWords({ paused, options }: RunState): string {
  if (isBudgetLimit(paused)) return `paused at ${limitWords(paused, options.budget)}`;
  return paused === 'wave' ? 'paused after a wave' : 'paused';
}
