import { Component } from 'preact';
import { useLayoutEffect, useState } from 'preact/hooks';
import type { Bar, Card } from '../../src/core/board/board-state.ts';
import { duration } from '../../src/core/text.ts';
import { hasOther, useNow, useSize } from './hooks.ts';
import { Icon } from './icons.tsx';
import type { Move, Navigator } from './navigator.ts';
import type { Model } from './model.ts';
import { ticksOf, type TimelineRows } from './timeline-rows.ts';
import { timelinePicture } from './timeline-picture.ts';
import { clock, STATES } from './words.ts';

const ROW_HEIGHT = 26;
const AXIS_HEIGHT = 28;
const OVERSCAN = 4;
const MOST_STRETCH = 64;
/** The end of the time axis stays off the edge of the window. */
const MARGIN = 24;

const BAR_WORDS: Readonly<Record<Bar['kind'], string>> = {
  starting: 'starting',
  working: 'working',
  verifying: 'verifying',
  waiting: 'waiting',
};

const END_WORDS = { good: 'ended well', bad: 'failed', unclear: 'unclear how it ended' } as const;

interface TimelineProps {
  readonly model: Model;
  readonly timeline: TimelineRows;
  readonly navigator: Navigator;
}

/** A row for each task of the shown run; the time goes to the right, and on while the run does. */
export function TimelineView({ model, timeline, navigator }: TimelineProps) {
  const { rows, places } = timeline;
  const [ref, { width, height }] = useSize<HTMLDivElement>();
  const [top, setTop] = useState(model.ui.scroll['timeline top'] ?? 0);
  const isLive = model.frame?.run !== undefined && model.frame.run.endedAt === undefined;
  const now = useNow(model, isLive);
  const from = timeline.from;
  const to = Math.max(timeline.to, isLive ? now : 0);
  const labels = Math.min(300, Math.max(140, width * 0.28));
  const { stretch, selected } = model.ui;
  const time = Math.max(100, (width - labels - MARGIN) * stretch);
  const x = (at: number) => ((at - from) / (to - from)) * time;
  const minute = Math.floor(now / 60_000) * 60_000;

  const scrolled = () => {
    const element = ref.current;
    if (element === null) return;
    setTop(Math.floor(element.scrollTop / ROW_HEIGHT) * ROW_HEIGHT);
    model.keep({
      scroll: {
        ...model.ui.scroll,
        'timeline top': element.scrollTop,
        'timeline left': element.scrollLeft,
      },
    });
  };
  useLayoutEffect(() => {
    if (width === 0) return;
    ref.current?.scrollTo({
      top: model.ui.scroll['timeline top'] ?? 0,
      left: model.ui.scroll['timeline left'] ?? 0,
    });
  }, [width > 0]);

  navigator.move = (id: string | undefined, direction: Move) => {
    const at = id === undefined ? undefined : places.get(id);
    const step = direction === 'up' ? -1 : direction === 'down' ? 1 : 0;
    if (at === undefined || direction === 'first') return next(-1, 1);
    if (direction === 'last') return next(rows.length, -1);
    if (step !== 0) return next(at, step);
    ref.current?.scrollBy({ left: direction === 'left' ? -120 : 120 });
    return undefined;
  };
  const next = (from: number, step: number): string | undefined => {
    for (let i = from + step; i >= 0 && i < rows.length; i += step) {
      const row = rows[i];
      if (row?.kind === 'task') return row.card.id;
    }
    return undefined;
  };
  navigator.reveal = (id) => {
    const element = ref.current;
    const at = places.get(id);
    if (element === null || at === undefined) return;
    const y = at * ROW_HEIGHT;
    const room = element.clientHeight - AXIS_HEIGHT - ROW_HEIGHT;
    if (y < element.scrollTop + ROW_HEIGHT) element.scrollTop = y - ROW_HEIGHT;
    else if (y > element.scrollTop + room) element.scrollTop = y - room;
    requestAnimationFrame(() =>
      element
        .querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)
        ?.focus({ preventScroll: true }),
    );
  };
  navigator.zoom = (factor) => {
    const wanted = factor === 'all' ? 1 : Math.max(1, Math.min(MOST_STRETCH, stretch * factor));
    const element = ref.current;
    if (element === null || wanted === stretch) return;
    // What is in the middle of the window stays there.
    const middle = (element.scrollLeft + (width - labels) / 2) / stretch;
    model.set({ stretch: wanted });
    requestAnimationFrame(() => {
      element.scrollLeft = middle * wanted - (width - labels) / 2;
    });
  };
  navigator.picture = () => timelinePicture(timeline, now);

  const first = Math.max(0, Math.floor(top / ROW_HEIGHT) - OVERSCAN);
  const last = Math.min(
    rows.length,
    first + Math.min(190, Math.ceil(height / ROW_HEIGHT) + 2 * OVERSCAN),
  );
  const drawn = Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
  const own = selected === undefined ? undefined : places.get(selected);
  if (own !== undefined && (own < first || own >= last)) drawn.push(own);
  const stop = own ?? drawn.find((i) => rows[i]?.kind === 'task');
  const ticks = ticksOf(from, to, Math.max(2, Math.floor(time / 110)));

  if (rows.length === 0)
    return (
      <div class="timeline view">
        <p class="nothing">
          {model.ui.text !== '' || model.ui.states.length > 0
            ? 'No task of the run passes the filter.'
            : 'No run yet: the timeline shows what agents do, and when it will end.'}
        </p>
      </div>
    );
  return (
    <div class="timeline view" ref={ref} onScroll={scrolled} tabIndex={-1}>
      <div
        class="time-page"
        style={{
          height: `${AXIS_HEIGHT + rows.length * ROW_HEIGHT + 8}px`,
          width: `${labels + time + MARGIN}px`,
        }}
      >
        <div class="axis" aria-hidden="true" style={{ height: `${AXIS_HEIGHT}px` }}>
          <span class="corner" style={{ width: `${labels}px` }} />
          {ticks.map((at) => (
            <span key={at} class="tick" style={{ left: `${labels + x(at)}px` }}>
              {clock(at, now)}
            </span>
          ))}
        </div>
        {ticks.map((at) => (
          <span key={at} class="rule" style={{ left: `${labels + x(at)}px` }} />
        ))}
        <div role="listbox" aria-label="Tasks of the run, by wave">
          {drawn.map((i) => {
            const row = rows[i];
            if (row === undefined) return null;
            const style = {
              top: `${AXIS_HEIGHT + i * ROW_HEIGHT}px`,
              height: `${ROW_HEIGHT}px`,
            };
            return row.kind === 'wave' ? (
              <div key={row.key} class="time-wave" role="presentation" style={style}>
                <span class="label" style={{ width: `${labels}px` }}>
                  <b>{row.title}</b> <span class="quiet">{row.n}</span>
                </span>
              </div>
            ) : (
              <TimelineTask
                key={row.key}
                card={row.card}
                top={AXIS_HEIGHT + i * ROW_HEIGHT}
                labels={labels}
                from={from}
                perMs={time / (to - from)}
                now={isOpen(row.card) ? now : minute}
                isStop={i === stop}
                isSelected={row.card.id === selected}
              />
            );
          })}
        </div>
        {isLive && <span class="now" style={{ left: `${labels + x(now)}px` }} />}
      </div>
    </div>
  );
}

interface TaskProps {
  readonly card: Card;
  readonly top: number;
  /** Width of the label, in px. */
  readonly labels: number;
  /** The time at the left end of the axis, and px for each ms of it. */
  readonly from: number;
  readonly perMs: number;
  readonly now: number;
  readonly isStop: boolean;
  readonly isSelected: boolean;
}

/** One row; one at which no agent works is drawn again only when its card changes. */
class TimelineTask extends Component<TaskProps> {
  override shouldComponentUpdate(next: TaskProps): boolean {
    return hasOther(this, next);
  }

  override render() {
    const { card, top, labels, from, perMs, now, isStop, isSelected } = this.props;
    return (
      <div
        class={`time-row s-${card.state}${card.isCritical ? ' critical' : ''}`}
        role="option"
        data-id={card.id}
        tabIndex={isStop ? 0 : -1}
        aria-selected={isSelected}
        style={{ top: `${top}px`, height: `${ROW_HEIGHT}px` }}
      >
        <span class="label" style={{ width: `${labels}px` }} title={card.title}>
          <Icon sign={STATES[card.state].sign} kind="state" />
          <span class="title">{card.title}</span>
          <span class="spoken">{wordsOf(card, now)}</span>
        </span>
        <Bars card={card} now={now} x={(at) => labels + (at - from) * perMs} />
      </div>
    );
  }
}

interface BarsProps {
  readonly card: Card;
  readonly now: number;
  readonly x: (at: number) => number;
}

function Bars({ card, now, x }: BarsProps) {
  const { forecast } = card;
  const begins = isOpen(card) ? now : (forecast?.from ?? 0);
  const to = forecast === undefined ? 0 : forecast.to;
  return (
    <>
      {forecast !== undefined && to > begins && (
        <span
          class="forecast"
          title={`Expected ${clock(begins, now)} to ${clock(to, now)}`}
          style={{ left: `${x(begins)}px`, width: `${Math.max(2, x(to) - x(begins))}px` }}
        />
      )}
      {card.work?.bars.map((bar) => {
        const end = bar.to ?? now;
        return (
          <span
            key={bar.from}
            class={`span b-${bar.kind}${bar.end === undefined ? '' : ` e-${bar.end}`}`}
            title={`${BAR_WORDS[bar.kind]} ${duration(end - bar.from)}, ${clock(bar.from, now)} to ${
              bar.to === undefined ? 'now' : clock(bar.to, now)
            }${bar.end === undefined ? '' : `: ${END_WORDS[bar.end]}`}`}
            style={{
              left: `${x(bar.from)}px`,
              width: `${Math.max(2, x(end) - x(bar.from))}px`,
            }}
          >
            {bar.end === 'bad' && <Icon sign="close" />}
            {bar.end === 'good' && <Icon sign="check" />}
            {bar.end === 'unclear' && <Icon sign="question" />}
          </span>
        );
      })}
    </>
  );
}

/** True while its last bar grows. */
function isOpen({ work }: Card): boolean {
  const last = work?.bars.at(-1);
  return last !== undefined && last.to === undefined;
}

/** What the bars show, for who does not see them. */
function wordsOf(card: Card, now: number): string {
  const bars = card.work?.bars ?? [];
  const begun = bars[0]?.from;
  const attempts = bars.filter(({ end }) => end !== undefined).length;
  return [
    card.words,
    ...(begun === undefined ? [] : [`since ${clock(begun, now)}`]),
    ...(attempts > 1 ? [`${attempts} attempts`] : []),
    ...(card.forecast === undefined ? [] : [`expected until ${clock(card.forecast.to, now)}`]),
  ].join(', ');
}
