import { explainStop } from '../run/run-messages.ts';
import type { RunState } from '../run/run-events.ts';
import { usageWords } from '../run/usage.ts';
import { cut, oneLine } from '../text.ts';
import type { BoardInput } from './board-input.ts';
import type { Span } from '../run/engine/forecast.ts';
import type { CardState, RunEntry, RunStrip, StripCount } from './board-state.ts';
import { pausedWords } from './needs.ts';

const TITLE = 120;
const MOST_RUNS = 50;

/** The runs that can be shown: live ones first, then the newest first. */
export function runEntries({ runs, past }: Pick<BoardInput, 'runs' | 'past'>): readonly RunEntry[] {
  const different = new Map([...past, ...runs].map((run) => [run.runId, run]));
  return [...different.values()]
    .map(({ runId, title, startedAt, phase }) => {
      return { runId, title: cut(oneLine(title), TITLE), startedAt, isLive: phase !== 'ended' };
    })
    .sort((a, b) => Number(b.isLive) - Number(a.isLive) || b.startedAt - a.startedAt)
    .slice(0, MOST_RUNS);
}

const COUNT_OF: Readonly<Record<CardState, StripCount>> = {
  stuck: 'stuck',
  failed: 'failed',
  unclear: 'failed',
  conflict: 'conflict',
  review: 'review',
  working: 'working',
  starting: 'working',
  yours: 'working',
  held: 'waiting',
  queued: 'waiting',
  ready: 'waiting',
  waiting: 'waiting',
  blocked: 'waiting',
  done: 'done',
  cancelled: 'done',
};

/** A run in numbers: by what its tasks are now, which may be more than what it did with them. */
export function stripOf(
  run: RunState,
  input: Pick<BoardInput, 'now' | 'cap' | 'isLedElsewhere' | 'restOf'>,
  stateOf: (id: string) => CardState | undefined,
  spans: ReadonlyMap<string, Span>,
): RunStrip {
  const counts = { done: 0, working: 0, stuck: 0, failed: 0, conflict: 0, review: 0, waiting: 0 };
  for (const id of run.tasks.keys()) {
    const state = stateOf(id);
    counts[state === undefined ? 'done' : COUNT_OF[state]]++;
  }
  const isLive = run.phase !== 'ended';
  const ends = [...spans.values()].map(({ to }) => to);
  return {
    runId: run.runId,
    title: cut(oneLine(run.title), TITLE),
    phase: run.phase === 'running' && run.paused !== undefined ? 'paused' : run.phase,
    why: whyOf(run, input.now),
    startedAt: run.startedAt,
    endedAt: run.endedAt,
    endsAt:
      isLive && ends.length > 0
        ? ends.reduce((last, to) => Math.max(last, to), input.now)
        : undefined,
    cap: run.cap ?? input.cap,
    isElsewhere: isLive && input.isLedElsewhere(run.runId),
    isResumable: !isLive && input.restOf(run).length > 0,
    usage: usageWords(run.usage),
    total: run.tasks.size,
    counts,
  };
}

function whyOf(run: RunState, now: number): string | undefined {
  if (run.phase === 'running')
    return run.paused === undefined || run.paused === 'person' ? undefined : pausedWords(run);
  return run.stop === undefined || run.stop.kind === 'person'
    ? undefined
    : explainStop(run.stop, now);
}
