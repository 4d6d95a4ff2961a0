import { useLayoutEffect, useMemo, useRef } from 'preact/hooks';
import type { Card } from '../../src/core/board/board-state.ts';
import type { Sight } from './graph-canvas.ts';
import type { Sheet } from './graph-data.ts';
import { NODE } from './node-size.ts';
import { readPalette } from './palette.ts';
import type { Place } from './ui-state.ts';

const [WIDTH, HEIGHT, PADDING] = [180, 112, 6];

interface MinimapProps {
  readonly sheet: Sheet;
  readonly sight: Sight;
  readonly cards: ReadonlyMap<string, Card>;
  readonly onGo: (place: Place) => void;
}

/** The whole graph, and where the window is in it; a click or a drag goes there. */
export function Minimap({ sheet, sight, cards, onGo }: MinimapProps) {
  const ref = useRef<HTMLCanvasElement>(null);
  const { layout } = sheet;
  const scale = Math.min(
    (WIDTH - 2 * PADDING) / Math.max(1, layout.width),
    (HEIGHT - 2 * PADDING) / Math.max(1, layout.height),
  );
  const [offX, offY] = [(WIDTH - layout.width * scale) / 2, (HEIGHT - layout.height * scale) / 2];
  const theme = document.body.className;
  // Drawn once, and shown under the frame while the window moves.
  const tasks = useMemo(() => {
    const canvas = new OffscreenCanvas(WIDTH * devicePixelRatio, HEIGHT * devicePixelRatio);
    const context = canvas.getContext('2d');
    if (context === null) return canvas;
    context.scale(devicePixelRatio, devicePixelRatio);
    const palette = readPalette();
    for (const { id, x, y } of layout.nodes) {
      const state = cards.get(id)?.state ?? 'waiting';
      context.fillStyle = palette.of(state);
      context.globalAlpha = state === 'waiting' || state === 'queued' ? 0.4 : 0.9;
      context.fillRect(
        offX + x * scale,
        offY + y * scale,
        Math.max(1, NODE.width * scale),
        Math.max(1, NODE.height * scale),
      );
    }
    return canvas;
  }, [layout, cards, theme]);
  useLayoutEffect(() => {
    const canvas = ref.current;
    const context = canvas?.getContext('2d');
    if (!canvas || !context) return;
    canvas.width = tasks.width;
    canvas.height = tasks.height;
    context.drawImage(tasks, 0, 0);
    context.scale(devicePixelRatio, devicePixelRatio);
    const { place, width, height } = sight;
    context.strokeStyle = readPalette().focus;
    context.strokeRect(
      offX + (-place.x / place.zoom) * scale,
      offY + (-place.y / place.zoom) * scale,
      (width / place.zoom) * scale,
      (height / place.zoom) * scale,
    );
  });
  const go = (event: PointerEvent) => {
    const box = ref.current?.getBoundingClientRect();
    if (!box) return;
    const x = (event.clientX - box.left - offX) / scale;
    const y = (event.clientY - box.top - offY) / scale;
    const { place, width, height } = sight;
    onGo({
      zoom: place.zoom,
      x: width / 2 - x * place.zoom,
      y: height / 2 - y * place.zoom,
    });
  };
  return (
    <canvas
      class="minimap"
      ref={ref}
      aria-hidden="true"
      onPointerDown={(event) => {
        event.stopPropagation();
        event.currentTarget.setPointerCapture(event.pointerId);
        go(event);
      }}
      onPointerMove={(event) => {
        if (event.buttons === 1) go(event);
      }}
    />
  );
}
