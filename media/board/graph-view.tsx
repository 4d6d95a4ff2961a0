import { Component } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Card } from '../../src/core/board/board-state.ts';
import { dependentsOf } from './dependents.ts';
import { drawGraph, type Sight } from './graph-canvas.ts';
import { DONE_LAYER, graphOf, Sheet } from './graph-data.ts';
import { graphPicture } from './graph-picture.ts';
import { hasOther, useAgain, useSize } from './hooks.ts';
import { Icon } from './icons.tsx';
import type { Navigator } from './navigator.ts';
import type { LayoutClient } from './layout-client.ts';
import { Minimap } from './minimap.tsx';
import type { Model } from './model.ts';
import { NODE } from './node-size.ts';
import type { Place } from './ui-state.ts';
import { STATES } from './words.ts';

/** Below this tasks are drawn on the canvas alone: their text would be too small to read. */
const NEAR = 0.55;
const MOST_NODES = 180;
const [LEAST_ZOOM, MOST_ZOOM] = [0.004, 2];
const MARGIN = 32;

interface GraphProps {
  readonly model: Model;
  readonly layouts: LayoutClient;
  readonly navigator: Navigator;
}

/** Tasks and what waits for what: columns are waves. */
export function GraphView({ model, layouts, navigator }: GraphProps) {
  const { part, partOf, selected, states, text } = model.ui;
  const graph = useMemo(() => graphOf(model.cards, part, partOf), [model.version, part, partOf]);
  // A card that only changed its state moves nothing.
  const shape = useMemo(() => JSON.stringify(graph), [graph]);
  const [sheet, setSheet] = useState<Sheet | undefined>(undefined);
  const [trouble, setTrouble] = useState<string | undefined>(undefined);
  useEffect(() => {
    let isWanted = true;
    layouts.layout(graph).then(
      (layout) => {
        if (isWanted) setSheet(new Sheet(layout));
      },
      (error: unknown) => {
        if (isWanted) setTrouble(error instanceof Error ? error.message : String(error));
      },
    );
    return () => {
      isWanted = false;
    };
  }, [shape]);
  const passing = useMemo(
    () =>
      new Set([...model.cards.values()].filter((card) => model.passes(card)).map(({ id }) => id)),
    [model.version, states, text],
  );

  if (trouble !== undefined) return <p class="nothing">{trouble}</p>;
  if (sheet === undefined) return <p class="nothing">Laying out…</p>;
  if (sheet.layout.nodes.length === 0) return <p class="nothing">No tasks to show.</p>;
  return (
    <GraphPane
      model={model}
      sheet={sheet}
      passing={passing}
      navigator={navigator}
      selected={selected}
    />
  );
}

interface PaneProps {
  readonly model: Model;
  readonly sheet: Sheet;
  readonly passing: ReadonlySet<string>;
  readonly navigator: Navigator;
  readonly selected: string | undefined;
}

function GraphPane({ model, sheet, passing, navigator, selected }: PaneProps) {
  const [ref, size] = useSize<HTMLDivElement>();
  const canvas = useRef<HTMLCanvasElement>(null);
  const again = useAgain();
  const fitting = fit(sheet, size);
  const place = model.ui.place ?? fitting;
  const go = (to: Place) => {
    model.keep({ place: to });
    again();
  };
  const zoomAt = (factor: number, x: number, y: number) => {
    const now = model.ui.place ?? fitting;
    const zoom = Math.max(LEAST_ZOOM, Math.min(MOST_ZOOM, now.zoom * factor));
    const by = zoom / now.zoom;
    go({ x: x - (x - now.x) * by, y: y - (y - now.y) * by, zoom });
  };
  navigator.zoom = (factor) => {
    if (factor === 'all') {
      model.keep({ place: undefined });
      again();
    } else zoomAt(factor, size.width / 2, size.height / 2);
  };
  navigator.picture = () => graphPicture(sheet, model.cards);
  navigator.move = (from, direction) => {
    if (from === undefined || !sheet.spots.has(from)) return sheet.layout.nodes[0]?.id;
    const near = new Set([
      ...(model.cards.get(from)?.after ?? []),
      ...(dependentsOf(model.cards).get(from) ?? []),
    ]);
    return sheet.next(from, direction, (id) => near.has(id));
  };
  navigator.reveal = (id) => {
    const spot = sheet.spots.get(id);
    if (spot === undefined) return;
    const now = model.ui.place ?? fitting;
    const [left, top] = [now.x + spot.x * now.zoom, now.y + spot.y * now.zoom];
    const [right, bottom] = [left + NODE.width * now.zoom, top + NODE.height * now.zoom];
    const dx = left < MARGIN ? MARGIN - left : Math.min(0, size.width - MARGIN - right);
    const dy = top < MARGIN ? MARGIN - top : Math.min(0, size.height - MARGIN - bottom);
    if (dx !== 0 || dy !== 0) go({ ...now, x: now.x + dx, y: now.y + dy });
    requestAnimationFrame(() =>
      ref.current
        ?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)
        ?.focus({ preventScroll: true }),
    );
  };

  const titles = new Map<number, string>([[DONE_LAYER, 'Done']]);
  for (const { wave, title, note } of model.columns)
    if (wave !== undefined) titles.set(wave, note === '' ? title : `${title} · ${note}`);
  const sight: Sight = { place, ...size };
  const visible =
    place.zoom < NEAR
      ? []
      : sheet.layout.nodes.filter(
          ({ x, y }) =>
            place.x + (x + NODE.width) * place.zoom > 0 &&
            place.x + x * place.zoom < size.width &&
            place.y + (y + NODE.height) * place.zoom > 0 &&
            place.y + y * place.zoom < size.height,
        );
  const isNear = visible.length > 0 && visible.length <= MOST_NODES;
  const nodes = isNear ? [...visible] : [];
  // The keyboard needs a task to be on, also where the canvas draws them all.
  const stop =
    (selected === undefined ? undefined : sheet.spots.get(selected)) ??
    nodes[0] ??
    sheet.layout.nodes[0];
  if (stop !== undefined && !nodes.some(({ id }) => id === stop.id)) nodes.push(stop);

  useLayoutEffect(() => {
    const draw = () => {
      if (canvas.current)
        drawGraph(canvas.current, {
          sheet,
          sight,
          cards: model.cards,
          passing,
          selected,
          isNear,
          titles,
        });
    };
    draw();
    const themes = new MutationObserver(draw);
    themes.observe(document.body, { attributes: true, attributeFilter: ['class'] });
    return () => themes.disconnect();
  });
  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      if (event.ctrlKey || event.metaKey)
        current.current.zoomAt(
          Math.exp(-event.deltaY / 200),
          event.clientX - box.left,
          event.clientY - box.top,
        );
      else current.current.pan(-event.deltaX, -event.deltaY);
    };
    element.addEventListener('wheel', wheel, { passive: false });
    return () => element.removeEventListener('wheel', wheel);
  }, []);
  const pan = (dx: number, dy: number) => {
    const now = model.ui.place ?? fitting;
    go({ ...now, x: now.x + dx, y: now.y + dy });
  };
  const current = useRef({ zoomAt, pan });
  current.current = { zoomAt, pan };
  const dragged = useRef(false);
  const drag = useRef<{ x: number; y: number; moved: boolean } | undefined>(undefined);
  const taskAt = (event: MouseEvent): string | undefined => {
    const box = ref.current?.getBoundingClientRect();
    if (!box) return undefined;
    return sheet.at(
      (event.clientX - box.left - place.x) / place.zoom,
      (event.clientY - box.top - place.y) / place.zoom,
    );
  };

  return (
    <div
      class="graph view"
      ref={ref}
      onPointerDown={(event) => {
        if (event.button !== 0) return;
        drag.current = { x: event.clientX, y: event.clientY, moved: false };
      }}
      onPointerMove={(event) => {
        const from = drag.current;
        if (from === undefined) {
          if (!isNear && canvas.current)
            canvas.current.title = model.cards.get(taskAt(event) ?? '')?.title ?? '';
          return;
        }
        const [dx, dy] = [event.clientX - from.x, event.clientY - from.y];
        if (!from.moved && Math.abs(dx) + Math.abs(dy) < 4) return;
        if (!from.moved) ref.current?.setPointerCapture(event.pointerId);
        drag.current = { x: event.clientX, y: event.clientY, moved: true };
        pan(dx, dy);
      }}
      onPointerUp={() => {
        const { moved = false } = drag.current ?? {};
        drag.current = undefined;
        if (moved) dragged.current = true;
      }}
      onPointerCancel={() => {
        drag.current = undefined;
      }}
      onClickCapture={(event) => {
        // The click that ends a drag chooses nothing.
        if (dragged.current) event.stopPropagation();
        else if (event.target === canvas.current) {
          const id = taskAt(event);
          if (id !== undefined) {
            model.set({ selected: id, drawer: model.ui.drawer ?? 'overview' });
            navigator.reveal(id);
          }
        }
        dragged.current = false;
      }}
    >
      <canvas ref={canvas} aria-hidden="true" />
      <div
        class={isNear ? 'nodes' : 'nodes far'}
        role="listbox"
        aria-label="Tasks as a graph"
        style={{ transform: `translate(${place.x}px, ${place.y}px) scale(${place.zoom})` }}
      >
        {nodes.map(({ id, x, y }) => {
          const card = model.cards.get(id);
          return (
            card !== undefined && (
              <GraphNode
                key={id}
                card={card}
                x={x}
                y={y}
                isSelected={id === selected}
                isStop={id === stop?.id}
                isFaint={!passing.has(id)}
              />
            )
          );
        })}
      </div>
      <Minimap sheet={sheet} sight={sight} cards={model.cards} onGo={go} />
    </div>
  );
}

interface NodeProps {
  readonly card: Card;
  readonly x: number;
  readonly y: number;
  readonly isSelected: boolean;
  readonly isStop: boolean;
  readonly isFaint: boolean;
}

class GraphNode extends Component<NodeProps> {
  override shouldComponentUpdate(next: NodeProps): boolean {
    return hasOther(this, next);
  }

  override render() {
    const { card, x, y, isSelected, isStop, isFaint } = this.props;
    return (
      <div
        class={`node s-${card.state}${isFaint ? ' faint' : ''}${card.isCritical ? ' critical' : ''}`}
        role="option"
        data-id={card.id}
        tabIndex={isStop ? 0 : -1}
        aria-selected={isSelected}
        title={`${card.title}\n${card.id} · ${card.words}`}
        style={{
          left: `${x}px`,
          top: `${y}px`,
          width: `${NODE.width}px`,
          height: `${NODE.height}px`,
        }}
      >
        <Icon sign={STATES[card.state].sign} kind="state" />
        <span class="texts">
          <span class="title">{card.title}</span>
          <span class="word">{STATES[card.state].word}</span>
        </span>
        <span class="spoken">{card.words}</span>
      </div>
    );
  }
}

function fit({ layout }: Sheet, { width, height }: { width: number; height: number }): Place {
  const zoom = Math.max(
    LEAST_ZOOM,
    Math.min(
      1.1,
      (width - 2 * MARGIN) / Math.max(1, layout.width),
      (height - 2 * MARGIN) / Math.max(1, layout.height),
    ),
  );
  return {
    x: (width - layout.width * zoom) / 2,
    y: (height - layout.height * zoom) / 2,
    zoom,
  };
}
