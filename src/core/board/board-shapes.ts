import {
  finite,
  flag,
  listOf,
  maybe,
  natural,
  objectOf,
  oneOf,
  INVALID,
  pairOf,
  positive,
  between,
  text,
  unionOf,
  where,
  type Shape,
} from '../shape.ts';
import type { Span } from '../run/engine/forecast.ts';
import type { BoardFrame, FromBoard, ToBoard } from './board-messages.ts';
import {
  CARD_ACTIONS,
  CARD_STATES,
  RUN_ACTIONS,
  type AttemptFact,
  type Bar,
  type BoardState,
  type Card,
  type CardWork,
  type Column,
  type Details,
  type Need,
  type RunEntry,
  type RunStrip,
  type TaskLink,
  type VerifyFact,
} from './board-state.ts';

/** As `MAX_AGENTS` of the settings. */
const MOST_AGENTS = 64;
const MOST_IDS = 10_000;
const MOST_ID = 10_000;
/** Characters of a picture that the board saves. */
const MOST_SVG = 32 * 1024 * 1024;

/** Undefined for what is no message of a window to its board. */
export function readToBoard(value: unknown): ToBoard | undefined {
  const read = toBoard(value, 0);
  return read === INVALID ? undefined : read;
}

/** Undefined for what is no message of a board to its window. */
export function readFromBoard(value: unknown): FromBoard | undefined {
  const read = fromBoard(value, 0);
  return read === INVALID ? undefined : read;
}

const state = oneOf(...CARD_STATES);
const cardAction = oneOf(...CARD_ACTIONS);
const runAction = oneOf(...RUN_ACTIONS);
const span = objectOf<Span>({ from: finite, to: finite });

const bar = objectOf<Bar>({
  kind: oneOf('starting', 'working', 'verifying', 'waiting'),
  from: finite,
  to: maybe(finite),
  end: maybe(oneOf('good', 'bad', 'unclear')),
});

const work = objectOf<CardWork>({
  runId: text,
  agent: text,
  runWave: natural,
  startedAt: maybe(finite),
  endedAt: maybe(finite),
  estimateMs: finite,
  attempt: natural,
  usage: maybe(text),
  bars: listOf(bar),
});

const card = objectOf<Card>({
  id: text,
  title: text,
  state,
  words: text,
  priority: oneOf('critical', 'high', 'medium', 'low', 'other'),
  tags: listOf(text),
  wave: maybe(natural),
  after: listOf(text),
  isCritical: flag,
  lastLine: maybe(text),
  changes: maybe(text),
  work: maybe(work),
  forecast: maybe(span),
  can: listOf(cardAction),
});

const column = objectOf<Column>({
  key: text,
  title: text,
  note: text,
  wave: maybe(natural),
  ids: listOf(text),
});

const runEntry = objectOf<RunEntry>({ runId: text, title: text, startedAt: finite, isLive: flag });

const strip = objectOf<RunStrip>({
  runId: text,
  title: text,
  phase: oneOf('running', 'paused', 'stopping', 'ended'),
  why: maybe(text),
  startedAt: finite,
  endedAt: maybe(finite),
  endsAt: maybe(finite),
  cap: positive,
  isElsewhere: flag,
  isResumable: flag,
  usage: maybe(text),
  total: natural,
  counts: objectOf<RunStrip['counts']>({
    done: natural,
    working: natural,
    stuck: natural,
    failed: natural,
    conflict: natural,
    review: natural,
    waiting: natural,
  }),
});

const need = objectOf<Need>({
  kind: oneOf('stuck', 'signIn', 'failed', 'conflict', 'lockLost', 'review', 'paused'),
  id: maybe(text),
  title: text,
  why: text,
  actions: listOf(oneOf(...CARD_ACTIONS, ...RUN_ACTIONS)),
});

const frameFields = {
  name: text,
  now: finite,
  trouble: maybe(text),
  isReadOnly: flag,
  runs: listOf(runEntry),
  run: maybe(strip),
  needs: listOf(need),
  finished: natural,
};

const link = objectOf<TaskLink>({ id: text, title: text, state });

const details = objectOf<Details>({
  id: text,
  facts: listOf(pairOf(text, text)),
  reasons: listOf(text),
  description: text,
  after: listOf(link),
  before: listOf(link),
  summary: maybe(text),
  remarks: listOf(text),
  verify: maybe(objectOf<VerifyFact>({ command: text, passed: flag, tail: text })),
  files: listOf(text),
  attempts: listOf(
    objectOf<AttemptFact>({
      run: text,
      attempt: natural,
      agent: text,
      from: maybe(finite),
      to: maybe(finite),
      words: text,
    }),
  ),
});

const toBoard = unionOf<ToBoard>({
  state: {
    state: objectOf<BoardState>({ ...frameFields, columns: listOf(column), cards: listOf(card) }),
  },
  patch: {
    frame: maybe(objectOf<BoardFrame>(frameFields)),
    columns: maybe(listOf(column)),
    cards: listOf(card),
    gone: listOf(text),
  },
  details: { id: text, details: maybe(details) },
  log: { id: text, text },
  show: { id: text },
});

const id = where(text, ({ length }) => length > 0 && length <= MOST_ID);
const ids: Shape<readonly string[]> = where(
  listOf(id),
  ({ length }) => length > 0 && length <= MOST_IDS,
);

const fromBoard = unionOf<FromBoard>({
  ready: { runId: maybe(id) },
  card: { action: cardAction, ids },
  run: { action: runAction, runId: maybe(id) },
  wave: { wave: natural },
  cap: { cap: between(1, MOST_AGENTS) },
  showRun: { runId: maybe(id) },
  drawer: { id: maybe(id), withLog: flag },
  saveSvg: {
    name: oneOf('graph', 'timeline'),
    svg: where(text, ({ length }) => length <= MOST_SVG),
  },
});
