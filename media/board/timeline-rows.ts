import type { Card } from '../../src/core/board/board-state.ts';
import type { Model } from './model.ts';

/** A row of the timeline: the heading of a wave, or a task. */
export type TimelineRow =
  | { readonly kind: 'wave'; readonly key: string; readonly title: string; readonly n: number }
  | { readonly kind: 'task'; readonly key: string; readonly card: Card };

export interface TimelineRows {
  readonly rows: readonly TimelineRow[];
  /** Where a task is among the rows. */
  readonly places: ReadonlyMap<string, number>;
  readonly from: number;
  /** The end of what is known or forecast; `now` may be later. */
  readonly to: number;
}

/** The tasks of the shown run by its waves; without a run, what is forecast for the backlog. */
export function timelineRows(model: Model): TimelineRows {
  const run = model.frame?.run;
  const groups = new Map<number, Card[]>();
  let from = run?.startedAt ?? Infinity;
  let to = Math.max(run?.endsAt ?? 0, run?.endedAt ?? 0);
  for (const card of model.cards.values()) {
    if (run ? card.work?.runId !== run.runId : card.forecast === undefined) continue;
    const begins = card.work?.bars[0]?.from ?? card.forecast?.from;
    if (begins !== undefined) from = Math.min(from, begins);
    to = Math.max(to, card.forecast?.to ?? 0, card.work?.endedAt ?? 0);
    if (!model.passes(card)) continue;
    const wave = (run ? card.work?.runWave : card.wave) ?? 0;
    const group = groups.get(wave);
    if (group) group.push(card);
    else groups.set(wave, [card]);
  }
  const rows: TimelineRow[] = [];
  const places = new Map<string, number>();
  for (const [wave, cards] of [...groups].sort(([a], [b]) => a - b)) {
    rows.push({ kind: 'wave', key: `wave ${wave}`, title: `Wave ${wave}`, n: cards.length });
    for (const card of cards.sort((a, b) => beginOf(a) - beginOf(b))) {
      places.set(card.id, rows.length);
      rows.push({ kind: 'task', key: card.id, card });
    }
  }
  if (from === Infinity) from = model.now();
  return { rows, places, from, to: Math.max(to, from + 60_000) };
}

/** Begun ones first, in the order in which they did; then those to come. */
function beginOf(card: Card): number {
  return card.work?.bars[0]?.from ?? card.forecast?.from ?? Number.MAX_SAFE_INTEGER;
}

const STEPS = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 10_080].map(
  (minutes) => minutes * 60_000,
);

/** Round moments of the local clock, at most `most` of them. */
export function ticksOf(from: number, to: number, most: number): readonly number[] {
  const step =
    STEPS.find((each) => (to - from) / each <= most) ?? Math.ceil((to - from) / Math.max(1, most));
  // So that hours and days begin where the clock on the wall has them.
  const shift = new Date(from).getTimezoneOffset() * 60_000;
  const first = Math.ceil((from - shift) / step) * step + shift;
  const ticks: number[] = [];
  for (let at = first; at <= to; at += step) ticks.push(at);
  return ticks;
}
