import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { BoardView } from './board-view.tsx';
import { Drawer } from './drawer.tsx';
import { GraphView } from './graph-view.tsx';
import { Help } from './help.tsx';
import { useAgain } from './hooks.ts';
import { Icon } from './icons.tsx';
import { onKey } from './keys.ts';
import type { Navigator } from './navigator.ts';
import { densityFor, nextLanes, type Lanes } from './lanes.ts';
import type { LayoutClient } from './layout-client.ts';
import type { Model } from './model.ts';
import { Needs } from './needs.tsx';
import { Strip } from './strip.tsx';
import { timelineRows } from './timeline-rows.ts';
import { TimelineView } from './timeline-view.tsx';
import { ViewTools } from './view-tools.tsx';
import { Toolbar } from './toolbar.tsx';

const NO_VIEW: Navigator = { move: () => undefined, reveal: () => undefined };

/** The whole page. */
export function App({ model, layouts }: { readonly model: Model; readonly layouts: LayoutClient }) {
  const again = useAgain();
  const [isHelpOpen, setHelp] = useState(false);
  const search = useRef<HTMLInputElement>(null);
  const navigator = useRef<Navigator>({ ...NO_VIEW });
  useLayoutEffect(() => model.onDidChange(again), [model]);
  useEffect(
    () => model.onShow((id) => requestAnimationFrame(() => navigator.current.reveal(id))),
    [model],
  );
  useEffect(() => {
    const listen = (event: KeyboardEvent) =>
      onKey(event, {
        model,
        navigator: navigator.current,
        isHelpOpen: () => isHelpOpen,
        setHelp,
        focusSearch: () => search.current?.select(),
      });
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, [model, isHelpOpen]);
  const { states, text, view, density, drawer, selected } = model.ui;
  navigator.current.zoom = undefined;
  navigator.current.picture = undefined;
  const known = useRef<{ version: number; filter: string; lanes: Lanes } | undefined>(undefined);
  const lanes = useMemo(() => {
    const filter = `${states.join()} ${text}`;
    const before = known.current;
    const isNext = before?.version === model.version - 1 && before.filter === filter;
    const made = nextLanes(model, isNext ? before.lanes : undefined);
    known.current = { version: model.version, filter, lanes: made };
    return made;
  }, [model.version, states, text]);
  const timeline = useMemo(
    () => (view === 'timeline' ? timelineRows(model) : undefined),
    [view, model.version, model.frame?.run, states, text],
  );

  const { frame } = model;
  if (frame === undefined) return <p class="reading">Reading the backlog…</p>;
  return (
    <>
      <Strip model={model} />
      {frame.trouble !== undefined && (
        <p class="trouble" role="alert">
          <Icon sign="warning" />
          {frame.trouble}
        </p>
      )}
      <Needs model={model} />
      <Toolbar
        model={model}
        search={search}
        shown={lanes.shown}
        all={lanes.all}
        onHelp={() => setHelp(!isHelpOpen)}
      >
        {view !== 'board' && <ViewTools model={model} navigator={navigator.current} />}
      </Toolbar>
      <div class={drawer !== undefined && selected !== undefined ? 'middle open' : 'middle'}>
        <main onClick={(event) => choose(model, event)}>
          {view === 'board' && (
            <BoardView
              model={model}
              lanes={lanes}
              density={densityFor(density, lanes.shown)}
              navigator={navigator.current}
            />
          )}
          {timeline !== undefined && (
            <TimelineView model={model} timeline={timeline} navigator={navigator.current} />
          )}
          {view === 'graph' && (
            <GraphView model={model} layouts={layouts} navigator={navigator.current} />
          )}
        </main>
        <Drawer model={model} />
      </div>
      {isHelpOpen && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

/** A click on a task in any view chooses it and opens its details. */
function choose(model: Model, event: MouseEvent): void {
  const target = event.target instanceof Element ? event.target : undefined;
  const task = target?.closest<HTMLElement>('[data-id]');
  const id = task?.dataset['id'];
  if (!task || id === undefined) return;
  task.focus({ preventScroll: true });
  model.set({ selected: id, drawer: model.ui.drawer ?? 'overview' });
}
