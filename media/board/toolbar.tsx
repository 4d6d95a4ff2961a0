import type { RefObject } from 'preact';
import { Icon } from './icons.tsx';
import type { Sign } from './signs.ts';
import type { Model } from './model.ts';
import { Runs } from './runs.tsx';
import { DENSITIES, VIEWS, type Density, type View } from './ui-state.ts';
import { STATES } from './words.ts';

const TITLES: Readonly<Record<View, { sign: Sign; word: string }>> = {
  board: { sign: 'layout', word: 'Board' },
  timeline: { sign: 'graph-line', word: 'Timeline' },
  graph: { sign: 'type-hierarchy', word: 'Graph' },
};

const WORDS: Readonly<Record<Density, string>> = {
  auto: 'Automatic size',
  full: 'Full cards',
  lines: 'Lines',
  stacks: 'Counts and lines',
};

interface ToolbarProps {
  readonly model: Model;
  readonly search: RefObject<HTMLInputElement | null>;
  readonly shown: number;
  readonly all: number;
  readonly children?: preact.ComponentChildren;
  readonly onHelp: () => void;
}

/** Which view, and of which tasks. */
export function Toolbar({ model, search, shown, all, children, onHelp }: ToolbarProps) {
  const { view, states, text, density } = model.ui;
  const isFiltered = states.length > 0 || text !== '';
  return (
    <div class="toolbar" role="region" aria-label="View and filter">
      <div class="views" role="group" aria-label="View">
        {VIEWS.map((each, i) => (
          <button
            key={each}
            type="button"
            aria-pressed={each === view}
            title={`${TITLES[each].word} (${i + 1})`}
            onClick={() => model.set({ view: each })}
          >
            <Icon sign={TITLES[each].sign} />
            {TITLES[each].word}
          </button>
        ))}
      </div>
      <label class="search">
        <Icon sign="search" />
        <input
          ref={search}
          type="text"
          placeholder="Search (/)"
          aria-label="Search by title, id, tag or status"
          value={text}
          spellcheck={false}
          onInput={(event) => model.set({ text: event.currentTarget.value })}
        />
      </label>
      {isFiltered && (
        <button type="button" class="filter" onClick={() => model.set({ states: [], text: '' })}>
          {states.length > 0 && states.length <= 2
            ? states.map((state) => STATES[state].word).join(', ')
            : 'filtered'}
          {` · ${shown} of ${all}`}
          <Icon sign="close" />
        </button>
      )}
      <span class="space" />
      <Runs model={model} />
      {children}
      {view === 'board' && (
        <select
          aria-label="Size of the cards"
          value={density}
          onChange={(event) => {
            const chosen = DENSITIES.find((each) => each === event.currentTarget.value);
            model.set({ density: chosen ?? 'auto' });
          }}
        >
          {DENSITIES.map((each) => (
            <option key={each} value={each}>
              {WORDS[each]}
            </option>
          ))}
        </select>
      )}
      <button
        type="button"
        class="icon-button"
        aria-label="Help on keys"
        title="Keys (?)"
        onClick={onHelp}
      >
        <Icon sign="question" />
      </button>
    </div>
  );
}
