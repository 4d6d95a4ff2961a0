import type { Card } from '../../src/core/board/board-state.ts';
import { cut } from '../../src/core/text.ts';
import { curveOf, type Sheet } from './graph-data.ts';
import { NODE } from './node-size.ts';
import { readPalette, type Palette } from './palette.ts';
import type { Place } from './ui-state.ts';
import { STATES } from './words.ts';

/** What of the graph is in the window. */
export interface Sight {
  readonly place: Place;
  readonly width: number;
  readonly height: number;
}

interface Drawing {
  readonly sheet: Sheet;
  readonly sight: Sight;
  readonly cards: ReadonlyMap<string, Card>;
  readonly passing: ReadonlySet<string>;
  readonly selected: string | undefined;
  /** True where the tasks are elements above the canvas, which then draws the lines alone. */
  readonly isNear: boolean;
  /** The headings of layers. */
  readonly titles: ReadonlyMap<number, string>;
}

/** A title can be read from this size of its text on. */
const LEAST_TEXT = 0.42;

/** Draws the lines, and from afar the tasks. */
export function drawGraph(canvas: HTMLCanvasElement, drawing: Drawing): void {
  const { sheet, sight, cards, selected, isNear } = drawing;
  const { place, width, height } = sight;
  const ratio = devicePixelRatio;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext('2d');
  if (context === null || w === 0) return;
  const palette = readPalette();
  const scale = place.zoom * ratio;
  context.setTransform(1, 0, 0, 1, 0, 0);
  context.clearRect(0, 0, w, h);
  context.setTransform(scale, 0, 0, scale, place.x * ratio, place.y * ratio);
  const left = -place.x / place.zoom;
  const top = -place.y / place.zoom;
  const [right, bottom] = [left + width / place.zoom, top + height / place.zoom];
  // A line keeps its width on the screen.
  const px = 1 / place.zoom;

  const lines = { usual: new Path2D(), critical: new Path2D(), own: new Path2D() };
  for (const { from, to, points } of sheet.layout.edges) {
    const [a, b] = [sheet.spots.get(from), sheet.spots.get(to)];
    if (!a || !b) continue;
    const [least, most] = [Math.min(a.x, b.x), Math.max(a.x, b.x) + NODE.width];
    if (most < left || least > right) continue;
    if (points.length === 0) {
      if (Math.max(a.y, b.y) + NODE.height < top || Math.min(a.y, b.y) > bottom) continue;
    }
    const isCritical = cards.get(from)?.isCritical === true && cards.get(to)?.isCritical === true;
    const isOwn = from === selected || to === selected;
    const path = isOwn ? lines.own : isCritical ? lines.critical : lines.usual;
    const { start, curves } = curveOf(a, b, points);
    path.moveTo(...start);
    for (const curve of curves) path.bezierCurveTo(...curve);
  }
  context.lineCap = 'round';
  context.strokeStyle = palette.quiet;
  context.globalAlpha = 0.5;
  context.lineWidth = px * 1.2;
  context.stroke(lines.usual);
  context.globalAlpha = 1;
  context.strokeStyle = palette.text;
  context.lineWidth = px * 2.4;
  context.stroke(lines.critical);
  context.strokeStyle = palette.focus;
  context.lineWidth = px * 2.4;
  context.stroke(lines.own);
  if (!isNear) drawTasks(context, drawing, palette, [left, top, right, bottom]);
  drawTitles(context, drawing, palette, ratio);
}

type Box = readonly [left: number, top: number, right: number, bottom: number];

function drawTasks(
  context: CanvasRenderingContext2D,
  { sheet, sight: { place }, cards, passing, selected }: Drawing,
  palette: Palette,
  [left, top, right, bottom]: Box,
): void {
  const px = 1 / place.zoom;
  const withText = place.zoom >= LEAST_TEXT;
  context.font = `13px ${palette.font}`;
  context.textBaseline = 'middle';
  for (const { id, x, y } of sheet.layout.nodes) {
    if (x > right || x + NODE.width < left || y > bottom || y + NODE.height < top) continue;
    const card = cards.get(id);
    if (card === undefined) continue;
    context.globalAlpha = passing.has(id) ? 1 : 0.25;
    const color = palette.of(card.state);
    context.fillStyle = palette.card;
    context.strokeStyle = id === selected ? palette.focus : palette.line;
    context.lineWidth = px * (id === selected ? 2 : 1);
    context.beginPath();
    context.roundRect(x, y, NODE.width, NODE.height, 4);
    context.fill();
    if (!withText) {
      context.fillStyle = color;
      context.globalAlpha *= card.state === 'waiting' || card.state === 'queued' ? 0.45 : 0.9;
      context.fill();
      context.globalAlpha = passing.has(id) ? 1 : 0.25;
    }
    context.stroke();
    if (withText) {
      context.fillStyle = color;
      context.fillRect(x, y, 3, NODE.height);
      context.fillStyle = palette.text;
      context.fillText(cut(card.title, 26), x + 10, y + 13, NODE.width - 16);
      context.fillStyle = palette.quiet;
      context.fillText(STATES[card.state].word, x + 10, y + 29);
    }
  }
  context.globalAlpha = 1;
}

/** Stay at the top of the window, so that each column is named wherever the user is. */
function drawTitles(
  context: CanvasRenderingContext2D,
  { sheet, sight: { place }, titles }: Drawing,
  palette: Palette,
  ratio: number,
): void {
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.font = `12px ${palette.font}`;
  context.textBaseline = 'middle';
  for (const { layer, x, width } of sheet.layout.layers) {
    const title = titles.get(layer);
    const room = width * place.zoom;
    if (title === undefined || room < 40) continue;
    const shown = context.measureText(title).width > room ? (title.split(' · ')[0] ?? '') : title;
    const at = place.x + x * place.zoom;
    context.fillStyle = palette.background;
    context.globalAlpha = 0.85;
    context.fillRect(at - 4, 2, context.measureText(shown).width + 8, 20);
    context.globalAlpha = 1;
    context.fillStyle = palette.quiet;
    context.fillText(shown, at, 12);
  }
}
