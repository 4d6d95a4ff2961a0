import type { ToBoard } from '../../src/core/board/board-messages.ts';
import type {
  Bar,
  BoardState,
  Card,
  CardAction,
  CardPriority,
  CardState,
  Details,
  Need,
  RunStrip,
} from '../../src/core/board/board-state.ts';
import { oneOf, randomFrom } from './random.ts';

export type BoardPhase = 'idle' | 'running' | 'reviewing' | 'ended';

export interface BoardFixture {
  readonly tasks: number;
  readonly phase: BoardPhase;
  /** What is true is true at this time, epoch ms. */
  readonly now: number;
  /** Titles and last lines that try to be more than text. */
  readonly hostile?: boolean;
}

const MINUTE = 60_000;

const VERBS = ['Parse', 'Check', 'Draw', 'Cache', 'Log', 'Test', 'Rename', 'Split', 'Document'];
const THINGS = [
  'arguments of the command line',
  'the sign-in form',
  'errors of the payment provider',
  'invoices as PDF',
  'time zones in reports, also where a day has 23 hours',
  'the list of orders',
  'old migrations',
  'retries of the mail queue',
  'the colours of charts for people who see no red',
  'rate limits',
];
const TAGS = ['api', 'billing', 'docs', 'frontend', 'mail', 'security', 'tests'];
const LINES = [
  'Editing src/cli/arguments.ts',
  'Running npm test -- orders',
  'All 41 tests pass, looking at the docs now',
  'Reading src/mail/queue.ts',
];
const PRIORITIES: readonly CardPriority[] = ['high', 'medium', 'medium', 'low', 'critical'];

/** Titles that would do something if they were taken for more than text. */
export const HOSTILE = [
  '<img src=x onerror="globalThis.hacked=1"> <b>bold</b>',
  '<svg onload="globalThis.hacked=1"><script>globalThis.hacked=1</script></svg>',
  '</style><style>*{display:none!important}</style> }} * { color: red }',
  '\u202egnp.exe\u202c right to left \u2066isolated\u2069',
  '${globalThis.hacked=1} {{constructor}} javascript:alert(1)',
  `long ${'word'.repeat(2500)}`,
] as const;

/** A board as the window would tell it; the same for the same arguments. */
export function boardState({ tasks, phase, now, hostile = false }: BoardFixture): BoardState {
  const below = randomFrom(tasks);
  const random = () => below(1000) / 1000;
  const pick = <T>(list: readonly T[]): T => oneOf(below, list);
  const sizes = waveSizes(tasks);
  const ids: string[][] = [];
  const startedAt = now - 18 * MINUTE;
  const runId = 'run-7';
  const cards: Card[] = [];
  let n = 0;
  for (const [wave, size] of sizes.entries()) {
    ids.push([]);
    for (let i = 0; i < size; i++, n++) {
      const id = `T-${17_900 + n}`;
      ids[wave]!.push(id);
      const before = ids[wave - 1] ?? [];
      const after =
        wave === 0 || (tasks > 100 && random() < 0.5)
          ? []
          : [...new Set([pick(before), ...(random() < 0.4 ? [pick(before)] : [])])];
      const state = stateOf(phase, wave, i, size);
      const title = hostile ? HOSTILE[n % HOSTILE.length]! : `${pick(VERBS)} ${pick(THINGS)}`;
      const estimateMs = (6 + below(20)) * MINUTE;
      const from = startedAt + Math.floor(random() * 8 * MINUTE);
      const hasRun = phase !== 'idle' && state !== 'ready' && state !== 'waiting';
      const isStarted = hasRun && state !== 'queued';
      const isOver = isStarted && !['working', 'stuck', 'starting'].includes(state);
      const bars = isStarted ? barsOf(from, state, now) : [];
      const endedAt = isOver ? bars.at(-1)?.to : undefined;
      const words =
        state === 'waiting'
          ? `after ${cards.find((card) => card.id === after[0])?.title ?? 'another task'}`
          : WORDS[state];
      cards.push({
        id,
        title,
        state,
        words,
        priority: pick(PRIORITIES),
        tags: random() < 0.6 ? [pick(TAGS)] : [],
        wave: state === 'done' ? undefined : wave,
        after,
        isCritical: i === 0,
        lastLine:
          state === 'working' || state === 'stuck'
            ? hostile
              ? HOSTILE[0]
              : pick(LINES)
            : undefined,
        changes: isStarted && state !== 'starting' ? '+120 −30 · 5 files' : undefined,
        work:
          phase === 'idle'
            ? undefined
            : {
                runId,
                agent: 'Claude Code',
                runWave: wave,
                startedAt: isStarted ? from : undefined,
                endedAt,
                estimateMs,
                attempt: bars.filter(({ end }) => end !== undefined).length > 1 ? 2 : 1,
                usage: isStarted ? '12k tokens · $0.34' : undefined,
                bars,
              },
        forecast:
          phase === 'ended' || isOver
            ? undefined
            : {
                from: Math.max(now, startedAt + wave * 14 * MINUTE),
                to: Math.max(now, startedAt + wave * 14 * MINUTE) + estimateMs,
              },
        can: CAN[state] ?? ['open', 'edit'],
      });
    }
  }
  const inColumns = new Set(
    cards.filter(({ state }) => state !== 'done' && state !== 'cancelled').map(({ id }) => id),
  );
  const titles = ['Now', 'Next'];
  const columns = ids
    .map((wave, i) => ({
      key: `wave ${i}`,
      title: titles[i] ?? 'Later',
      note: `wave ${i}`,
      wave: i,
      ids: wave.filter((id) => inColumns.has(id)),
    }))
    .filter((column) => column.ids.length > 0);
  const run = phase === 'idle' ? undefined : stripOf(cards, phase, runId, startedAt, now);
  return {
    name: 'Harbour',
    now,
    trouble: undefined,
    isReadOnly: false,
    runs:
      phase === 'idle'
        ? []
        : [
            { runId, title: 'Wave 0 to 3', startedAt, isLive: phase === 'running' },
            {
              runId: 'run-6',
              title: 'Wave 0',
              startedAt: startedAt - 26 * 60 * MINUTE,
              isLive: false,
            },
          ],
    run,
    needs: needsOf(cards),
    columns,
    cards,
    finished: 12,
  };
}

const WORDS: Readonly<Record<CardState, string>> = {
  stuck: 'looks stuck: no output for 6 min',
  failed: 'failed: the verification ended with 1',
  conflict: 'conflict with main in 2 files',
  unclear: 'unclear how it ended',
  review: 'to review',
  working: 'working',
  starting: 'starting',
  yours: 'yours',
  held: 'held by another window',
  queued: 'queued in this run',
  ready: 'ready',
  waiting: 'waiting',
  blocked: 'blocked by a circle',
  done: 'done',
  cancelled: 'cancelled',
};

const CAN: Partial<Record<CardState, readonly CardAction[]>> = {
  ready: ['run', 'claim', 'open', 'edit'],
  failed: ['requeue', 'log', 'open', 'edit'],
  review: ['review', 'accept', 'sendBack', 'log', 'open'],
  conflict: ['resolve', 'mergeAgain', 'discard'],
  working: ['stop', 'log', 'terminal', 'open'],
  stuck: ['stop', 'log', 'terminal', 'open'],
};

function waveSizes(tasks: number): readonly number[] {
  const parts = tasks < 10 ? [0.5, 0.25, 0.25] : [0.4, 0.22, 0.16, 0.12, 0.06, 0.04];
  const sizes = parts.map((part) => Math.max(1, Math.round(tasks * part)));
  sizes[0] = tasks - sizes.slice(1).reduce((sum, size) => sum + size, 0);
  return sizes;
}

/** In a small backlog the states that matter come first, so that each is seen. */
function stateOf(phase: BoardPhase, wave: number, i: number, size: number): CardState {
  if (phase === 'idle') return wave === 0 ? 'ready' : 'waiting';
  if (phase === 'ended') return wave > 2 ? 'waiting' : i % 9 === 7 ? 'failed' : 'done';
  if (phase === 'reviewing') return wave > 2 ? 'waiting' : i % 9 === 7 ? 'conflict' : 'review';
  if (wave > 0) return 'waiting';
  const small: readonly CardState[] = ['working', 'review'];
  if (size < 8) return small[i] ?? 'queued';
  const order: readonly CardState[] = [
    ...(['working', 'stuck', 'working', 'failed', 'starting', 'working', 'review'] as const),
    ...(['working', 'working', 'review', 'done', 'done', 'done', 'failed', 'working'] as const),
  ];
  return order[i] ?? (i < 30 ? 'done' : 'queued');
}

function barsOf(from: number, state: CardState, now: number): readonly Bar[] {
  const worked = from + 12_000;
  const starting: Bar = { kind: 'starting', from, to: worked, end: undefined };
  if (state === 'starting') return [{ ...starting, to: undefined }];
  if (state === 'working' || state === 'stuck')
    return [starting, { kind: 'working', from: worked, to: undefined, end: undefined }];
  const to = Math.min(now, from + 5 * MINUTE);
  if (state === 'failed')
    return [
      starting,
      { kind: 'working', from: worked, to, end: 'bad' },
      { kind: 'waiting', from: to, to: to + MINUTE, end: undefined },
      { kind: 'working', from: to + MINUTE, to: to + 3 * MINUTE, end: 'bad' },
    ];
  return [
    starting,
    { kind: 'working', from: worked, to, end: undefined },
    { kind: 'verifying', from: to, to: to + MINUTE, end: 'good' },
  ];
}

function stripOf(
  cards: readonly Card[],
  phase: BoardPhase,
  runId: string,
  startedAt: number,
  now: number,
): RunStrip {
  const n = (...states: readonly CardState[]) =>
    cards.filter(({ state }) => states.includes(state)).length;
  const counts = {
    done: n('done'),
    working: n('working', 'starting'),
    stuck: n('stuck'),
    failed: n('failed'),
    conflict: n('conflict'),
    review: n('review'),
    waiting: 0,
  };
  const counted = Object.values(counts).reduce((sum, each) => sum + each, 0);
  return {
    runId,
    title: 'Wave 0 to 3',
    phase: phase === 'running' ? 'running' : 'ended',
    why: undefined,
    startedAt,
    endedAt: phase === 'running' ? undefined : now - MINUTE,
    endsAt: phase === 'running' ? now + 25 * MINUTE : undefined,
    cap: 8,
    isElsewhere: false,
    isResumable: phase === 'ended',
    usage: '412k tokens · $3.10',
    total: cards.length,
    counts: { ...counts, waiting: cards.length - counted },
  };
}

const NEED_ORDER: readonly CardState[] = ['stuck', 'failed', 'conflict', 'review'];

function needsOf(cards: readonly Card[]): readonly Need[] {
  return cards
    .filter(({ state }) => NEED_ORDER.includes(state))
    .sort((a, b) => NEED_ORDER.indexOf(a.state) - NEED_ORDER.indexOf(b.state))
    .map((card) => ({
      kind: card.state as 'stuck' | 'failed' | 'conflict' | 'review',
      id: card.id,
      title: card.title,
      why:
        card.state === 'review' ? 'Claude Code ended, and the checks passed' : `It ${card.words}`,
      actions: card.state === 'stuck' ? (['log', 'stop'] as const) : card.can.slice(0, 2),
    }));
}

/** What the window would answer about this task. */
export function detailsOf(state: BoardState, id: string): Details | undefined {
  const card = state.cards.find((each) => each.id === id);
  if (card === undefined) return undefined;
  const link = (other: string) => {
    const found = state.cards.find((each) => each.id === other);
    return { id: other, title: found?.title ?? other, state: found?.state ?? 'done' };
  };
  return {
    id,
    facts: [
      ['Status', 'Todo'],
      ['Priority', card.priority],
      ['Tags', card.tags.join(', ')],
      ['Record', id],
    ],
    reasons: card.state === 'waiting' ? [card.words] : [],
    description: `${card.title}\n\nAs the user sees it:\n- nothing is lost\n- it works offline`,
    after: card.after.map(link),
    before: state.cards
      .filter(({ after }) => after.includes(id))
      .map(({ id: other }) => link(other)),
    summary: card.changes === undefined ? undefined : 'The parser takes `--since`. Tests pass.',
    remarks: card.changes === undefined ? [] : ['Two tools were denied: WebFetch, Bash(curl)'],
    verify:
      card.state === 'failed'
        ? { command: 'npm test', passed: false, tail: '1 of 41 tests failed' }
        : undefined,
    files: card.changes === undefined ? [] : ['src/cli/arguments.ts', 'test/arguments.test.ts'],
    attempts: (card.work?.bars ?? [])
      .filter(({ end }) => end !== undefined)
      .map((bar, i) => ({
        run: 'run-7',
        attempt: i + 1,
        agent: 'Claude Code',
        from: bar.from,
        to: bar.to,
        words: bar.end === 'bad' ? 'failed: the verification ended with 1' : 'done',
      }))
      .reverse(),
  };
}

/** What the window would answer when the drawer shows this task's log. */
export function logOf(id: string, lines: number): ToBoard {
  const text = Array.from({ length: lines }, (_, i) => `${i + 1} ${LINES[i % LINES.length]!}`);
  return { kind: 'log', id, text: text.join('\n') };
}
