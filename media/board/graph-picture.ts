import type { Card } from '../../src/core/board/board-state.ts';
import { curveOf, type Sheet } from './graph-data.ts';
import { NODE } from './node-size.ts';
import { readPalette } from './palette.ts';
import { Picture } from './picture.ts';
import { STATES } from './words.ts';

const MARGIN = 24;

/** The whole graph as SVG. */
export function graphPicture({ layout, spots }: Sheet, cards: ReadonlyMap<string, Card>): string {
  const palette = readPalette();
  const picture = new Picture(
    layout.width + 2 * MARGIN,
    layout.height + 2 * MARGIN,
    palette.background,
    palette.font,
  );
  for (const { from, to, points } of layout.edges) {
    const [a, b] = [spots.get(from), spots.get(to)];
    if (!a || !b) continue;
    const isCritical = cards.get(from)?.isCritical === true && cards.get(to)?.isCritical === true;
    const { start, curves } = curveOf(a, b, points);
    picture.add('path', {
      d: `M${start.join(' ')}${curves.map((curve) => `C${curve.join(' ')}`).join('')}`,
      transform: `translate(${MARGIN} ${MARGIN})`,
      fill: 'none',
      stroke: isCritical ? palette.text : palette.quiet,
      'stroke-width': isCritical ? 2.4 : 1.2,
      'stroke-opacity': isCritical ? 1 : 0.6,
    });
  }
  for (const { id, x: left, y: top } of layout.nodes) {
    const card = cards.get(id);
    if (card === undefined) continue;
    const [x, y] = [left + MARGIN, top + MARGIN];
    picture.add('rect', {
      x,
      y,
      width: NODE.width,
      height: NODE.height,
      rx: 3,
      fill: palette.card,
      stroke: palette.line,
    });
    picture.add('rect', { x, y, width: 3, height: NODE.height, fill: palette.of(card.state) });
    picture.text(card.title, x + 11, y + 17, NODE.width - 18, { fill: palette.text });
    picture.text(STATES[card.state].word, x + 11, y + 32, NODE.width - 18, {
      fill: palette.quiet,
      'font-size': 11,
    });
  }
  return picture.toString();
}
