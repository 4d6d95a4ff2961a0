import { useLayoutEffect, useRef } from 'preact/hooks';
import type {
  AttemptFact,
  Card,
  CardAction,
  Details,
  TaskLink,
} from '../../src/core/board/board-state.ts';
import { duration } from '../../src/core/text.ts';
import { useNow } from './hooks.ts';
import { Icon } from './icons.tsx';
import { isAtWork } from './lanes.ts';
import type { Model } from './model.ts';
import { TABS, type Tab } from './ui-state.ts';
import { CARD_BUTTONS, clock, elapsed, PRIORITIES, STATES } from './words.ts';

const TITLES: Readonly<Record<Tab, string>> = {
  overview: 'Overview',
  log: 'Log',
  changes: 'Changes',
  history: 'History',
};

/** The chosen task beside the board. It never takes the keyboard by itself. */
export function Drawer({ model }: { readonly model: Model }) {
  const { selected, drawer } = model.ui;
  if (drawer === undefined || selected === undefined) return null;
  const card = model.cards.get(selected);
  const details = model.details?.id === selected ? model.details : undefined;
  return (
    <aside class="drawer" aria-label="Details">
      <header>
        <h2>{card?.title ?? selected}</h2>
        <button
          type="button"
          class="icon-button"
          aria-label="Close details"
          title="Close (Escape)"
          onClick={() => model.set({ drawer: undefined })}
        >
          <Icon sign="close" />
        </button>
      </header>
      {card === undefined ? (
        <p class="quiet">This task is not on the board any more.</p>
      ) : (
        <>
          <Headline model={model} card={card} />
          <Actions model={model} card={card} />
          <Tabs model={model} shown={drawer} />
          <div
            class="tab-panel"
            role="tabpanel"
            id="drawer-panel"
            aria-labelledby={`tab-${drawer}`}
            tabIndex={0}
            key={`${selected} ${drawer}`}
          >
            {drawer === 'log' ? (
              <Log text={model.log} />
            ) : details === undefined ? (
              <p class="quiet">Reading…</p>
            ) : drawer === 'overview' ? (
              <Overview model={model} details={details} />
            ) : drawer === 'changes' ? (
              <Changes model={model} card={card} details={details} />
            ) : (
              <History model={model} attempts={details.attempts} />
            )}
          </div>
        </>
      )}
    </aside>
  );
}

function Headline({ model, card }: { readonly model: Model; readonly card: Card }) {
  const now = useNow(model, isAtWork(card));
  const started = card.work?.startedAt;
  const parts = [
    card.words,
    ...(isAtWork(card) && started !== undefined ? [elapsed(now - started)] : []),
    PRIORITIES[card.priority].word,
    card.changes ?? '',
    card.work?.usage ?? '',
  ].filter((part) => part !== '');
  return (
    <p class={`headline s-${card.state}`}>
      <Icon sign={STATES[card.state].sign} kind="state" />
      <span>
        {parts.join(' · ')} <span class="id">{card.id}</span>
      </span>
    </p>
  );
}

/** The most wanted first, and that one alone filled. */
function Actions({ model, card }: { readonly model: Model; readonly card: Card }) {
  if (model.frame?.isReadOnly !== false || card.can.length === 0) return null;
  return (
    <div class="actions">
      {card.can.map((action, i) => (
        <ActionButton key={action} model={model} card={card} action={action} isMain={i === 0} />
      ))}
    </div>
  );
}

function ActionButton(props: {
  readonly model: Model;
  readonly card: Card;
  readonly action: CardAction;
  readonly isMain: boolean;
}) {
  const { model, card, action, isMain } = props;
  const { sign, word } = CARD_BUTTONS[action];
  return (
    <button
      type="button"
      class={action === 'stop' ? 'stop' : isMain ? 'main' : ''}
      onClick={() => model.post({ kind: 'card', action, ids: [card.id] })}
    >
      <Icon sign={sign} />
      {word}
    </button>
  );
}

function Tabs({ model, shown }: { readonly model: Model; readonly shown: Tab }) {
  const ref = useRef<HTMLDivElement>(null);
  const onKeyDown = (event: KeyboardEvent) => {
    const step = event.key === 'ArrowRight' ? 1 : event.key === 'ArrowLeft' ? -1 : 0;
    if (step === 0) return;
    const next = TABS[(TABS.indexOf(shown) + step + TABS.length) % TABS.length] ?? 'overview';
    model.set({ drawer: next });
    ref.current?.querySelector<HTMLElement>(`#tab-${next}`)?.focus();
    event.preventDefault();
  };
  return (
    <div class="tabs" role="tablist" aria-label="Details" ref={ref} onKeyDown={onKeyDown}>
      {TABS.map((tab) => (
        <button
          key={tab}
          type="button"
          role="tab"
          id={`tab-${tab}`}
          aria-selected={tab === shown}
          aria-controls="drawer-panel"
          tabIndex={tab === shown ? 0 : -1}
          onClick={() => model.set({ drawer: tab })}
        >
          {TITLES[tab]}
        </button>
      ))}
    </div>
  );
}

function Overview({ model, details }: { readonly model: Model; readonly details: Details }) {
  return (
    <>
      {details.reasons.length > 0 && (
        <Part title="Why not now">
          <ul>
            {details.reasons.map((reason) => (
              <li key={reason}>{reason}</li>
            ))}
          </ul>
        </Part>
      )}
      {details.summary !== undefined && (
        <Part title="What the agent says">
          <p class="text">{details.summary}</p>
        </Part>
      )}
      {details.remarks.length > 0 && (
        <Part title="Worth knowing">
          <ul>
            {details.remarks.map((remark) => (
              <li key={remark}>{remark}</li>
            ))}
          </ul>
        </Part>
      )}
      {details.verify !== undefined && (
        <Part title="Verification">
          <p class={details.verify.passed ? 's-done' : 's-failed'}>
            <Icon sign={details.verify.passed ? 'pass' : 'error'} kind="state" />
            {details.verify.passed ? 'Passed: ' : 'Failed: '}
            <code>{details.verify.command}</code>
          </p>
          {details.verify.tail !== '' && <pre>{details.verify.tail}</pre>}
        </Part>
      )}
      {details.description !== '' && (
        <Part title="Description">
          <p class="text">{details.description}</p>
        </Part>
      )}
      <Links model={model} title="After" links={details.after} />
      <Links model={model} title="Before" links={details.before} />
      {details.facts.length > 0 && (
        <Part title="Facts">
          <dl>
            {details.facts.map(([name, value]) => (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </Part>
      )}
    </>
  );
}

function Part(props: { readonly title: string; readonly children: preact.ComponentChildren }) {
  return (
    <section>
      <h3>{props.title}</h3>
      {props.children}
    </section>
  );
}

function Links(props: {
  readonly model: Model;
  readonly title: string;
  readonly links: readonly TaskLink[];
}) {
  const { model, title, links } = props;
  if (links.length === 0) return null;
  return (
    <Part title={title}>
      <ul class="links">
        {links.map((link) => (
          <li key={link.id}>
            <button
              type="button"
              class={`link s-${link.state}`}
              onClick={() => {
                model.set({ selected: link.id });
                model.show(link.id);
              }}
            >
              <Icon sign={STATES[link.state].sign} kind="state" />
              <span>{link.title}</span>
              <span class="quiet">{STATES[link.state].word}</span>
            </button>
          </li>
        ))}
      </ul>
    </Part>
  );
}

/** Follows the end while the user is there; stays where the user has scrolled to otherwise. */
function Log({ text }: { readonly text: string | undefined }) {
  const ref = useRef<HTMLPreElement>(null);
  const lastHeight = useRef(0);
  useLayoutEffect(() => {
    const scroller = ref.current?.parentElement;
    if (!scroller) return;
    const wasAtEnd = scroller.scrollTop + scroller.clientHeight >= lastHeight.current - 24;
    if (wasAtEnd) scroller.scrollTop = scroller.scrollHeight;
    lastHeight.current = scroller.scrollHeight;
  }, [text]);
  if (text === undefined) return <p class="quiet">Reading…</p>;
  if (text === '') return <p class="quiet">No output so far.</p>;
  return (
    <pre class="log" ref={ref}>
      {text}
    </pre>
  );
}

function Changes(props: { readonly model: Model; readonly card: Card; readonly details: Details }) {
  const { model, card, details } = props;
  if (details.files.length === 0) return <p class="quiet">No changed files are known.</p>;
  return (
    <>
      {card.changes !== undefined && <p>{card.changes}</p>}
      <ul class="files">
        {details.files.map((file) => (
          <li key={file} title={file}>
            {file}
          </li>
        ))}
      </ul>
      {card.can.includes('review') && model.frame?.isReadOnly === false && (
        <ActionButton model={model} card={card} action="review" isMain={false} />
      )}
    </>
  );
}

function History(props: { readonly model: Model; readonly attempts: readonly AttemptFact[] }) {
  const { model, attempts } = props;
  if (attempts.length === 0) return <p class="quiet">No agent has worked at it yet.</p>;
  return (
    <ol class="attempts">
      {attempts.map((attempt) => (
        <li key={`${attempt.run} ${attempt.attempt}`}>
          <b>{attempt.words}</b>
          <span class="quiet">
            {[
              attempt.agent,
              `attempt ${attempt.attempt}`,
              ...(attempt.from === undefined ? [] : [clock(attempt.from, model.now())]),
              ...(attempt.from === undefined || attempt.to === undefined
                ? []
                : [duration(attempt.to - attempt.from)]),
              attempt.run,
            ].join(' · ')}
          </span>
        </li>
      ))}
    </ol>
  );
}
