import { Icon } from './icons.tsx';
import type { Navigator } from './navigator.ts';
import type { Model } from './model.ts';
import { PARTS, type Part } from './ui-state.ts';

const WORDS: Readonly<Record<Part, string>> = {
  all: 'Whole graph',
  before: 'What it waits for',
  after: 'What waits for it',
  both: 'Before and after it',
};

/** Zoom, part and picture of timeline and graph. */
export function ViewTools(props: { readonly model: Model; readonly navigator: Navigator }) {
  const { model, navigator } = props;
  const { view, part, selected, partOf } = model.ui;
  return (
    <>
      {view === 'graph' && (
        <select
          aria-label="Part of the graph"
          value={part}
          disabled={selected === undefined && partOf === undefined}
          title="Of the chosen task"
          onChange={(event) => {
            const chosen = PARTS.find((each) => each === event.currentTarget.value) ?? 'all';
            model.set({ part: chosen, partOf: selected ?? partOf, place: undefined });
          }}
        >
          {PARTS.map((each) => (
            <option key={each} value={each}>
              {WORDS[each]}
            </option>
          ))}
        </select>
      )}
      <span class="tools" role="group" aria-label="Zoom">
        <Tool sign="zoom-out" word="Zoom out (−)" act={() => navigator.zoom?.(1 / 1.4)} />
        <Tool sign="zoom-in" word="Zoom in (+)" act={() => navigator.zoom?.(1.4)} />
        <Tool sign="screen-full" word="Show everything (0)" act={() => navigator.zoom?.('all')} />
      </span>
      <Tool
        sign="save"
        word="Save as SVG…"
        act={() => {
          const svg = navigator.picture?.();
          if (svg !== undefined && view !== 'board')
            model.post({ kind: 'saveSvg', name: view, svg });
        }}
      />
    </>
  );
}

function Tool(props: {
  readonly sign: 'zoom-in' | 'zoom-out' | 'screen-full' | 'save';
  readonly word: string;
  readonly act: () => void;
}) {
  return (
    <button
      type="button"
      class="icon-button"
      title={props.word}
      aria-label={props.word}
      onClick={props.act}
    >
      <Icon sign={props.sign} />
    </button>
  );
}
