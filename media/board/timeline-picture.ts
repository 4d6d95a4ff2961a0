import { readPalette } from './palette.ts';
import { Picture } from './picture.ts';
import { ticksOf, type TimelineRows } from './timeline-rows.ts';
import { clock, STATES } from './words.ts';

const ROW = 24;
const LABELS = 320;
const TIME = 1100;
const TOP = 32;

/** The whole timeline as it is now, as SVG. */
export function timelinePicture({ rows, from, to: known }: TimelineRows, now: number): string {
  const palette = readPalette();
  const to = Math.max(known, rows.some((row) => isOpen(row)) ? now : 0);
  const x = (at: number) => LABELS + ((at - from) / (to - from)) * TIME;
  const [width, height] = [LABELS + TIME + 24, TOP + rows.length * ROW + 12];
  const picture = new Picture(width, height, palette.background, palette.font);
  for (const at of ticksOf(from, to, 10)) {
    picture.add('line', { x1: x(at), x2: x(at), y1: 0, y2: height, stroke: palette.line });
    picture.text(clock(at, now), x(at) + 5, 20, 90, { fill: palette.quiet, 'font-size': 11 });
  }
  for (const [i, row] of rows.entries()) {
    const y = TOP + i * ROW;
    if (row.kind === 'wave') {
      picture.text(`${row.title} · ${row.n}`, 12, y + 16, LABELS, {
        fill: palette.text,
        'font-weight': 600,
      });
      continue;
    }
    const { card } = row;
    picture.add('circle', { cx: 18, cy: y + 12, r: 4, fill: palette.of(card.state) });
    picture.text(`${card.title} · ${STATES[card.state].word}`, 30, y + 16, LABELS - 40, {
      fill: palette.text,
    });
    const bars = card.work?.bars ?? [];
    const last = bars.at(-1);
    for (const bar of bars) {
      const fill =
        bar.end === 'bad'
          ? palette.of('failed')
          : bar.end === 'good'
            ? palette.of('done')
            : bar.end === 'unclear'
              ? palette.of('unclear')
              : bar.kind === 'verifying'
                ? palette.of('review')
                : bar === last && bar.to === undefined
                  ? palette.of(card.state)
                  : palette.of('working');
      const thin = bar.kind === 'waiting';
      picture.add('rect', {
        x: x(bar.from),
        y: y + (thin ? 11 : 5),
        width: Math.max(2, x(bar.to ?? now) - x(bar.from)),
        height: thin ? 2 : 14,
        rx: thin ? 0 : 2,
        fill: thin ? palette.quiet : fill,
        opacity: bar.kind === 'starting' ? 0.5 : 1,
      });
    }
    const begins = last !== undefined && last.to === undefined ? now : card.forecast?.from;
    if (card.forecast && begins !== undefined && card.forecast.to > begins)
      picture.add('rect', {
        x: x(begins),
        y: y + 5.5,
        width: Math.max(2, x(card.forecast.to) - x(begins)),
        height: 13,
        rx: 2,
        fill: 'none',
        stroke: palette.quiet,
        'stroke-dasharray': '4 3',
      });
  }
  if (now >= from && now <= to)
    picture.add('line', { x1: x(now), x2: x(now), y1: 0, y2: height, stroke: palette.red });
  return picture.toString();
}

function isOpen(row: TimelineRows['rows'][number]): boolean {
  const last = row.kind === 'task' ? row.card.work?.bars.at(-1) : undefined;
  return last !== undefined && last.to === undefined;
}
