import { useLayoutEffect, useMemo, useState } from 'preact/hooks';
import { Edges } from './edges.tsx';
import { useSize } from './hooks.ts';
import { Icon } from './icons.tsx';
import { CardView } from './card.tsx';
import { isAtWork, offsetsOf, ROW, rowAt, rowHeight, type Lane, type Lanes } from './lanes.ts';
import type { Model } from './model.ts';
import type { Density } from './ui-state.ts';
import type { Move, Navigator } from './navigator.ts';
import { STATES } from './words.ts';

/** At most so many cards are in the page, whatever the backlog and the screen. */
const MOST_CARDS = 190;
const LEAST_WIDTH = 288;
const MOST_WIDTH = 360;
const OVERSCAN = 2;

interface BoardProps {
  readonly model: Model;
  readonly lanes: Lanes;
  readonly density: Exclude<Density, 'auto'>;
  readonly navigator: Navigator;
}

/** Columns are waves. Only the columns and rows in sight are in the page. */
export function BoardView({ model, lanes: { lanes, places }, density, navigator }: BoardProps) {
  const [ref, { width }] = useSize<HTMLDivElement>();
  // Only whole columns count: what moves within one is drawn by the browser alone.
  const [left, setLeft] = useState(model.ui.scroll['board'] ?? 0);
  const toColumn = (at: number) => Math.floor(at / laneWidth) * laneWidth;
  const laneWidth = Math.max(
    LEAST_WIDTH,
    Math.min(MOST_WIDTH, Math.floor(width / Math.max(1, lanes.length))),
  );
  const first = Math.max(0, Math.floor(left / laneWidth));
  const inSight = Math.ceil(width / laneWidth) + 1;
  const drawn = lanes.slice(first, first + inSight);
  const mostRows = Math.floor(MOST_CARDS / Math.max(1, Math.min(inSight, lanes.length)));
  const { selected } = model.ui;
  const selectedLane = selected === undefined ? undefined : places.get(selected)?.[0];
  const hasStop =
    selectedLane !== undefined && selectedLane >= first && selectedLane < first + drawn.length;

  useLayoutEffect(() => {
    if (width > 0) ref.current?.scrollTo({ left: model.ui.scroll['board'] ?? 0 });
  }, [width > 0]);

  const reveal = (id: string) => {
    const place = places.get(id);
    const scroller = ref.current;
    if (place === undefined || scroller === null) return;
    const [lane, row] = place;
    const x = lane * laneWidth;
    if (x < scroller.scrollLeft || x + laneWidth > scroller.scrollLeft + width) {
      const to = x < scroller.scrollLeft ? x : x + laneWidth - width;
      scroller.scrollTo({ left: to });
      setLeft(toColumn(scroller.scrollLeft));
    }
    requestAnimationFrame(() => {
      const list = scroller.querySelector<HTMLElement>(`[data-lane="${lane}"]`);
      const offsets = offsetsOf((lanes[lane]?.cards ?? []).map((card) => rowHeight(card, density)));
      if (list !== null) {
        const [top, bottom] = [offsets[row] ?? 0, offsets[row + 1] ?? 0];
        if (top < list.scrollTop) list.scrollTop = top;
        else if (bottom > list.scrollTop + list.clientHeight)
          list.scrollTop = bottom - list.clientHeight;
      }
      requestAnimationFrame(() => {
        scroller
          .querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)
          ?.focus({ preventScroll: true });
      });
    });
  };
  const move = (from: string | undefined, direction: Move): string | undefined => {
    const place = from === undefined ? undefined : places.get(from);
    if (place === undefined) return drawn[0]?.cards[0]?.id ?? lanes[0]?.cards[0]?.id;
    const [lane, row] = place;
    const cards = lanes[lane]?.cards ?? [];
    if (direction === 'up' || direction === 'down')
      return cards[row + (direction === 'up' ? -1 : 1)]?.id;
    if (direction === 'first' || direction === 'last')
      return (direction === 'first' ? cards[0] : cards.at(-1))?.id;
    const other = lanes[lane + (direction === 'left' ? -1 : 1)];
    if (other === undefined) return undefined;
    const scrolled = (key: string) => model.ui.scroll[`lane ${key}`] ?? 0;
    const heights = (of: Lane) => offsetsOf(of.cards.map((card) => rowHeight(card, density)));
    const own = lanes[lane];
    const y = own ? (heights(own)[row] ?? 0) - scrolled(own.column.key) : 0;
    return other.cards[rowAt(heights(other), Math.max(0, y + scrolled(other.column.key)))]?.id;
  };
  navigator.move = move;
  navigator.reveal = reveal;

  return (
    <div
      class="board view"
      ref={ref}
      onScroll={() => {
        const at = ref.current?.scrollLeft ?? 0;
        setLeft(toColumn(at));
        model.keep({ scroll: { ...model.ui.scroll, board: at } });
      }}
    >
      <div class="lanes" style={{ width: `${lanes.length * laneWidth}px` }}>
        {drawn.map((lane, i) => (
          <LaneView
            key={lane.column.key}
            model={model}
            lane={lane}
            index={first + i}
            left={(first + i) * laneWidth}
            width={laneWidth}
            density={density}
            mostRows={mostRows}
            selected={selected}
            isStop={hasStop ? first + i === selectedLane : i === 0}
          />
        ))}
        {selected !== undefined && <Edges model={model} id={selected} left={left} />}
      </div>
      {lanes.length === 0 && <Nothing model={model} />}
    </div>
  );
}

interface LaneProps {
  readonly model: Model;
  readonly lane: Lane;
  readonly index: number;
  readonly left: number;
  readonly width: number;
  readonly density: Exclude<Density, 'auto'>;
  readonly mostRows: number;
  readonly selected: string | undefined;
  /** True where the keyboard enters the board. */
  readonly isStop: boolean;
}

function LaneView(props: LaneProps) {
  const { model, lane, index, left, width, density, mostRows, selected, isStop } = props;
  const name = `lane ${lane.column.key}`;
  const [ref, { height }] = useSize<HTMLDivElement>();
  const [top, setTop] = useState(model.ui.scroll[name] ?? 0);
  const offsets = useMemo(
    () => offsetsOf(lane.cards.map((card) => rowHeight(card, density))),
    [lane.cards, density],
  );
  const from = Math.max(0, rowAt(offsets, top) - OVERSCAN);
  const to = Math.min(lane.cards.length, rowAt(offsets, top + height) + 2 + OVERSCAN);
  const rows = lane.cards.slice(from, Math.min(to, from + mostRows)).map((card, i) => ({
    card,
    row: from + i,
  }));
  // The card with the focus stays in the page, or the focus would be lost.
  const own = selected === undefined ? -1 : lane.cards.findIndex(({ id }) => id === selected);
  const ownCard = lane.cards[own];
  if (ownCard !== undefined && !rows.some(({ row }) => row === own))
    rows.push({ card: ownCard, row: own });
  const stop = isStop ? (ownCard ?? rows[0]?.card) : undefined;

  useLayoutEffect(() => {
    if (ref.current) ref.current.scrollTop = model.ui.scroll[name] ?? 0;
  }, []);
  const wave = lane.column.wave;
  const canRun =
    wave !== undefined &&
    model.frame?.isReadOnly === false &&
    lane.states.some(([state]) => state === 'ready');

  return (
    <section
      class="lane"
      style={{ transform: `translateX(${left}px)`, width: `${width}px` }}
      aria-label={[lane.column.title, lane.column.note].filter(Boolean).join(', ')}
    >
      <header>
        <h2>{lane.column.title}</h2>
        {lane.column.note !== '' && <span class="quiet">{lane.column.note}</span>}
        <span class="number">{lane.cards.length}</span>
        <span class="space" />
        {canRun && (
          <button
            class="icon-button"
            type="button"
            title={`Run ${lane.column.note || lane.column.title}…`}
            aria-label={`Run ${lane.column.title} ${lane.column.note}…`}
            onClick={() => model.post({ kind: 'wave', wave })}
          >
            <Icon sign="play" />
          </button>
        )}
      </header>
      {density === 'stacks' && <Stack model={model} lane={lane} />}
      <div
        class="list"
        role="listbox"
        aria-label={`Tasks of ${lane.column.title} ${lane.column.note}`.trim()}
        data-lane={index}
        ref={ref}
        style={{ maxHeight: `${Math.max(4, mostRows - 2 * OVERSCAN - 2) * ROW.line}px` }}
        onScroll={() => {
          const at = ref.current?.scrollTop ?? 0;
          setTop(offsets[rowAt(offsets, at)] ?? 0); // within a row nothing is to be drawn
          model.keep({ scroll: { ...model.ui.scroll, [name]: at } });
        }}
      >
        <div class="rows" role="presentation" style={{ height: `${offsets.at(-1) ?? 0}px` }}>
          {rows.map(({ card, row }) => (
            <CardView
              key={card.id}
              model={model}
              card={card}
              kind={density === 'full' || isAtWork(card) ? 'full' : 'line'}
              top={offsets[row] ?? 0}
              height={rowHeight(card, density)}
              isSelected={card.id === selected}
              isStop={card === stop}
              place={row + 1}
              of={lane.cards.length}
            />
          ))}
        </div>
      </div>
    </section>
  );
}

/** How a wave stands, as a bar of its states; each filters. */
function Stack({ model, lane }: { readonly model: Model; readonly lane: Lane }) {
  return (
    <div class="stack">
      <div class="segments" aria-hidden="true">
        {lane.states.map(([state, n]) => (
          <span
            key={state}
            class={`segment s-${state}`}
            style={{ flexGrow: n }}
            title={`${n} ${STATES[state].word}`}
            onClick={() => model.toggleStates([state])}
          />
        ))}
      </div>
      <div class="legend">
        {lane.states.map(([state, n]) => (
          <button
            key={state}
            type="button"
            class={`count s-${state}`}
            aria-pressed={model.ui.states.join() === state}
            onClick={() => model.toggleStates([state])}
          >
            <Icon sign={STATES[state].sign} kind="state" />
            {`${n} ${STATES[state].word}`}
          </button>
        ))}
      </div>
    </div>
  );
}

function Nothing({ model }: { readonly model: Model }) {
  const isFiltered = model.ui.text !== '' || model.ui.states.length > 0;
  const finished = model.frame?.finished ?? 0;
  return (
    <div class="nothing">
      {isFiltered ? (
        <>
          <p>No task passes the filter.</p>
          <button type="button" onClick={() => model.set({ text: '', states: [] })}>
            Clear Filter
          </button>
        </>
      ) : (
        <p>{finished > 0 ? `Everything is done: ${finished} tasks.` : 'No tasks yet.'}</p>
      )}
    </div>
  );
}
