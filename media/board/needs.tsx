import { useEffect, useState } from 'preact/hooks';
import type { Need } from '../../src/core/board/board-state.ts';
import { count } from '../../src/core/text.ts';
import { Icon } from './icons.tsx';
import type { Model } from './model.ts';
import { CARD_BUTTONS, isCardAction, NEED_COUNTS, NEEDS, RUN_BUTTONS } from './words.ts';

/** So many are shown as cards; of more only the first, and a way to see all. */
const MOST = 4;
/** Even then no more, for the sake of the page; the counts of the strip filter the others. */
const MOST_CARDS = 24;

/** What waits for the user, each with what can be done about it; nothing where nothing waits. */
export function Needs({ model }: { readonly model: Model }) {
  const needs = model.frame?.needs ?? [];
  const { allNeeds } = model.ui;
  const isMany = needs.length > MOST;
  const shown = isMany && !allNeeds ? [] : needs.slice(0, MOST_CARDS);
  const more = needs.length - shown.length;
  return (
    <>
      {needs.length > 0 && (
        <section class="needs" aria-label="Needs you">
          <header>
            <h2>Needs you</h2>
            <span class="number">{needs.length}</span>
            {isMany && !allNeeds && <span class="kinds">{kindsOf(needs)}</span>}
            <span class="space" />
            {isMany && (
              <button
                type="button"
                class="link"
                aria-expanded={allNeeds}
                onClick={() => model.set({ allNeeds: !allNeeds })}
              >
                {allNeeds ? 'Show Fewer' : 'Show All'}
                <Icon sign={allNeeds ? 'chevron-down' : 'chevron-right'} />
              </button>
            )}
          </header>
          {shown.length > 0 && (
            <ul>
              {shown.map((need, i) => (
                <NeedCard key={`${need.kind} ${need.id ?? i}`} model={model} need={need} />
              ))}
            </ul>
          )}
          {shown.length > 0 && more > 0 && <p class="more quiet">{`and ${more} more`}</p>}
        </section>
      )}
      <Announcement needs={needs} />
    </>
  );
}

function NeedCard({ model, need }: { readonly model: Model; readonly need: Need }) {
  const { sign, word, state } = NEEDS[need.kind];
  const { id } = need;
  const body = (
    <>
      <span class="head">
        <Icon sign={sign} kind="state" />
        <span class="title">{need.title}</span>
      </span>
      <span class="words" title={need.why}>
        <b>{word}</b>
        {` · ${need.why}`}
      </span>
    </>
  );
  return (
    <li class={`need s-${state}`}>
      {id === undefined ? (
        <span class="what">{body}</span>
      ) : (
        <button
          type="button"
          class="what"
          onClick={() => {
            model.set({ selected: id, drawer: 'overview' });
            model.show(id);
          }}
        >
          {body}
        </button>
      )}
      {model.frame?.isReadOnly === false && need.actions.length > 0 && (
        <span class="actions">
          {need.actions.map((action) => (
            <button
              key={action}
              type="button"
              aria-label={`${(isCardAction(action) ? CARD_BUTTONS[action] : RUN_BUTTONS[action]).word} · ${need.title}`}
              onClick={() => {
                if (!isCardAction(action))
                  model.post({ kind: 'run', action, runId: model.frame?.run?.runId });
                else if (id !== undefined) model.post({ kind: 'card', action, ids: [id] });
              }}
            >
              {(isCardAction(action) ? CARD_BUTTONS[action] : RUN_BUTTONS[action]).word}
            </button>
          ))}
        </span>
      )}
    </li>
  );
}

/** Says what is new among them, and nothing else on the page speaks by itself. */
function Announcement({ needs }: { readonly needs: readonly Need[] }) {
  const [known, setKnown] = useState<ReadonlySet<string>>(new Set());
  const [said, setSaid] = useState('');
  useEffect(() => {
    const fresh = needs.filter((need) => !known.has(keyOf(need)));
    if (fresh.length === 0 && known.size === needs.length) return;
    setKnown(new Set(needs.map(keyOf)));
    const [first] = fresh;
    if (first === undefined) return;
    setSaid(
      fresh.length === 1
        ? `Needs you: ${first.title}. ${NEEDS[first.kind].word}: ${first.why}`
        : `${count(fresh.length, 'task')} more need you: ${kindsOf(fresh)}`,
    );
  }, [needs]);
  return (
    <div class="spoken" role="status">
      {said}
    </div>
  );
}

const keyOf = (need: Need): string => `${need.kind} ${need.id ?? ''}`;

function kindsOf(needs: readonly Need[]): string {
  const counts = new Map<string, number>();
  for (const { kind } of needs) {
    const word = NEED_COUNTS[kind];
    counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  return [...counts].map(([word, n]) => `${n} ${word}`).join(' · ');
}
