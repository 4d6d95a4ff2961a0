import { Component } from 'preact';
import type { Card } from '../../src/core/board/board-state.ts';
import { duration } from '../../src/core/text.ts';
import { hasOther, useNow } from './hooks.ts';
import { Icon } from './icons.tsx';
import { isAtWork } from './lanes.ts';
import type { Model } from './model.ts';
import { elapsed, PRIORITIES, STATES } from './words.ts';

interface CardProps {
  readonly model: Model;
  readonly card: Card;
  readonly kind: 'full' | 'line';
  readonly top: number;
  readonly height: number;
  readonly isSelected: boolean;
  readonly isStop: boolean;
  /** Its place among the cards of its column, from 1, and how many they are. */
  readonly place: number;
  readonly of: number;
}

/**
 * One task on the board; drawn again only when something of it has changed. Its name for a screen
 * reader is what it shows, with signs in words.
 */
export class CardView extends Component<CardProps> {
  override shouldComponentUpdate(next: CardProps): boolean {
    return hasOther(this, next);
  }

  override render() {
    const { model, card, kind, top, height, isSelected, isStop, place, of } = this.props;
    return (
      <div
        role="option"
        class={`card ${kind} s-${card.state}${card.isCritical ? ' critical' : ''}`}
        data-id={card.id}
        tabIndex={isStop ? 0 : -1}
        aria-selected={isSelected}
        aria-posinset={place}
        aria-setsize={of}
        title={kind === 'line' ? `${card.title}\n${card.words}` : undefined}
        style={{ top: `${top}px`, height: `${height - 6}px` }}
      >
        {kind === 'line' ? <Line card={card} /> : <Full model={model} card={card} />}
      </div>
    );
  }
}

function Line({ card }: { readonly card: Card }) {
  return (
    <>
      <Icon sign={STATES[card.state].sign} kind="state" />
      <span class="title">{card.title}</span>
      <Marks card={card} />
      <span class="word">{STATES[card.state].word}</span>
      <span class="spoken">{card.words}</span>
    </>
  );
}

function Full({ model, card }: { readonly model: Model; readonly card: Card }) {
  return (
    <>
      <div class="head">
        <Icon sign={STATES[card.state].sign} kind="state" />
        <span class="title">{card.title}</span>
        <Marks card={card} />
      </div>
      {isAtWork(card) ? (
        <AtWork model={model} card={card} />
      ) : (
        <div class="words">{card.words}</div>
      )}
      {!isAtWork(card) && (
        <div class="foot">
          {card.changes !== undefined && <span class="changes">{card.changes}</span>}
          <Tags card={card} />
        </div>
      )}
    </>
  );
}

function AtWork({ model, card }: { readonly model: Model; readonly card: Card }) {
  const work = card.work;
  const now = useNow(model, true);
  if (work?.startedAt === undefined) return null;
  const spent = (work.endedAt ?? now) - work.startedAt;
  const part = work.estimateMs > 0 ? Math.min(1, spent / work.estimateMs) : 0;
  return (
    <>
      <div class="words">
        {STATES[card.state].word}
        <span class="quiet">
          {' · '}
          {work.agent}
          {work.attempt > 1 && ` · attempt ${work.attempt}`}
        </span>
      </div>
      <div class="progress">
        <span class={part >= 1 ? 'bar over' : 'bar'}>
          <span class="done" style={{ transform: `scaleX(${part})` }} />
        </span>
        <span class="time">
          {elapsed(spent)}
          {work.estimateMs > 0 && <span class="quiet"> / about {duration(work.estimateMs)}</span>}
        </span>
      </div>
      <div class="last">{card.lastLine ?? ''}</div>
      <div class="foot">
        {card.changes !== undefined && <span class="changes">{card.changes}</span>}
        <Tags card={card} />
        {work.usage !== undefined && (
          <span class="usage" title={work.usage}>
            {work.usage.split(' · ').at(-1)}
          </span>
        )}
      </div>
    </>
  );
}

function Marks({ card }: { readonly card: Card }) {
  const { sign, word } = PRIORITIES[card.priority];
  return (
    <span class="marks">
      {card.isCritical && (
        <span title="On the critical path: its end decides when everything ends">
          <Icon sign="milestone" kind="path" />
          <span class="spoken">on the critical path</span>
        </span>
      )}
      {sign !== undefined && (
        <span title={word}>
          <Icon sign={sign} kind={`priority ${card.priority}`} />
          <span class="spoken">{word}</span>
        </span>
      )}
    </span>
  );
}

function Tags({ card }: { readonly card: Card }) {
  if (card.tags.length === 0) return null;
  return (
    <span class="tags">
      {card.tags.slice(0, 4).map((tag) => (
        <span class="tag" key={tag}>
          {tag}
        </span>
      ))}
    </span>
  );
}
