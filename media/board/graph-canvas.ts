import type { Card, CardState } from '../../src/core/board/board-state.ts';
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
  const { sight, isNear } = drawing;
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

  const { lines, tasks } = pathsOf(drawing);
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
  if (!isNear && place.zoom >= LEAST_TEXT)
    drawTasks(context, drawing, palette, [left, top, right, bottom]);
  else if (!isNear) drawBlocks(context, drawing, palette, tasks);
  drawTitles(context, drawing, palette, ratio);
}

interface Paths {
  readonly cards: Drawing['cards'];
  readonly passing: Drawing['passing'];
  readonly selected: string | undefined;
  readonly lines: { readonly usual: Path2D; readonly critical: Path2D; readonly own: Path2D };
  /** All tasks of a state, those that pass the filter and those that do not. */
  readonly tasks: ReadonlyMap<CardState, { readonly clear: Path2D; readonly faint: Path2D }>;
}

const kept = new WeakMap<Sheet, Paths>();

/** What is drawn in the graph's own px, made once: a pan or a zoom only moves it. */
function pathsOf({ sheet, cards, passing, selected }: Drawing): Paths {
  const found = kept.get(sheet);
  if (found && found.cards === cards && found.passing === passing && found.selected === selected)
    return found;
  const lines = { usual: new Path2D(), critical: new Path2D(), own: new Path2D() };
  for (const { from, to, points } of sheet.layout.edges) {
    const [a, b] = [sheet.spots.get(from), sheet.spots.get(to)];
    if (!a || !b) continue;
    const isCritical = cards.get(from)?.isCritical === true && cards.get(to)?.isCritical === true;
    const isOwn = from === selected || to === selected;
    const path = isOwn ? lines.own : isCritical ? lines.critical : lines.usual;
    const { start, curves } = curveOf(a, b, points);
    path.moveTo(...start);
    for (const curve of curves) path.bezierCurveTo(...curve);
  }
  const tasks = new Map<CardState, { clear: Path2D; faint: Path2D }>();
  for (const { id, x, y } of sheet.layout.nodes) {
    const state = cards.get(id)?.state;
    if (state === undefined) continue;
    let paths = tasks.get(state);
    if (!paths) tasks.set(state, (paths = { clear: new Path2D(), faint: new Path2D() }));
    paths[passing.has(id) ? 'clear' : 'faint'].rect(x, y, NODE.width, NODE.height);
  }
  const made = { cards, passing, selected, lines, tasks };
  kept.set(sheet, made);
  return made;
}

/** From afar: blocks in the colours of their states, and the chosen one framed. */
function drawBlocks(
  context: CanvasRenderingContext2D,
  { sheet, sight: { place }, selected }: Drawing,
  palette: Palette,
  tasks: Paths['tasks'],
): void {
  for (const [state, { clear, faint }] of tasks) {
    const strength = state === 'waiting' || state === 'queued' ? 0.45 : 0.9;
    for (const [path, alpha] of [
      [clear, strength],
      [faint, strength / 4],
    ] as const) {
      // Over the lines, not mixed with them.
      context.globalAlpha = 1;
      context.fillStyle = palette.background;
      context.fill(path);
      context.globalAlpha = alpha;
      context.fillStyle = palette.of(state);
      context.fill(path);
    }
  }
  context.globalAlpha = 1;
  const own = selected === undefined ? undefined : sheet.spots.get(selected);
  if (own === undefined) return;
  context.strokeStyle = palette.focus;
  context.lineWidth = 2.5 / place.zoom;
  context.strokeRect(own.x, own.y, NODE.width, NODE.height);
}

type Box = readonly [left: number, top: number, right: number, bottom: number];

function drawTasks(
  context: CanvasRenderingContext2D,
  { sheet, sight: { place }, cards, passing, selected }: Drawing,
  palette: Palette,
  [left, top, right, bottom]: Box,
): void {
  const px = 1 / place.zoom;
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
    context.stroke();
    context.fillStyle = color;
    context.fillRect(x, y, 3, NODE.height);
    context.fillStyle = palette.text;
    context.fillText(cut(card.title, 26), x + 10, y + 13, NODE.width - 16);
    context.fillStyle = palette.quiet;
    context.fillText(STATES[card.state].word, x + 10, y + 29);
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
