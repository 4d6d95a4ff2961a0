import type { RunState } from '../run/run-events.ts';
import type { Task, TaskId } from '../task.ts';
import type { BoardInput } from './board-input.ts';
import type { BoardState, Card, Column } from './board-state.ts';
import { type CardContext, cardOf, madeOf } from './card.ts';
import { columnsOf } from './columns.ts';
import { criticalPath } from './critical-path.ts';
import { forecastRun, type Span } from '../run/engine/forecast.ts';
import { Kept, KeptEach } from './kept.ts';
import { needsOf } from './needs.ts';
import { runEntries, stripOf } from './strip.ts';

/** What of a board would be the same in the next one; it changes nothing of what a board is. */
export class BoardMemory {
  readonly critical = new Kept<ReadonlySet<TaskId>>();
  readonly columns = new Kept<readonly Column[]>();
  readonly shown = new Kept<readonly Task[]>();
  readonly spans = new Kept<ReadonlyMap<string, Span>>();
  readonly cards = new KeptEach<Card>();
}

/**
 * What the board shows of a backlog at one moment. Never fails; the same input gives the same
 * board. Takes time linear in the tasks, dependencies and runs, but for sorting; with a memory,
 * what did not change is the same object as before and costs next to nothing.
 */
export function boardOf(input: BoardInput, memory = new BoardMemory()): BoardState {
  const { plan, snapshot, now, durationOf } = input;
  const entries = runEntries(input);
  const run = shownRun(input, entries[0]?.runId);
  const spans =
    run === undefined || run.phase === 'ended'
      ? NO_SPANS
      : memory.spans.of([run, snapshot, durationOf, input.cap, onGrid(now)], () =>
          spansOf(run, input),
        );
  const critical = memory.critical.of([plan, durationOf], () => criticalPath(plan, durationOf));
  const columns = memory.columns.of([plan, run?.runId], () => columnsOf(plan, run));
  const shown = memory.shown.of([columns, snapshot, run?.runId], () => {
    const ids = new Set([...columns.flatMap((column) => column.ids), ...(run?.tasks.keys() ?? [])]);
    return [...ids].flatMap((id) => snapshot.byId.get(id as TaskId) ?? []);
  });
  const context: CardContext = {
    input,
    isCritical: (id) => critical.has(id),
    forecastOf: (id) => spans.get(id),
  };
  memory.cards.begin();
  const cards = shown.map((task) =>
    memory.cards.of(task.id, madeOf(task, context), () => cardOf(task, context)),
  );
  const byId = new Map(cards.map((card) => [card.id, card]));
  return {
    name: input.name,
    now: input.now,
    trouble: input.trouble,
    isReadOnly: input.isReadOnly,
    runs: entries,
    run: run && stripOf(run, input, (id) => byId.get(id)?.state, spans),
    needs: input.isReadOnly ? [] : needsOf(cards, input.workOf, run, input.now),
    columns,
    cards,
    finished: plan.settled.length,
  };
}

const GRID_MS = 5_000;

const NO_SPANS: ReadonlyMap<string, Span> = new Map();

/** The chosen run, where there is such a run; else the newest that is live, else the newest. */
function shownRun(
  { runs, past, chosen }: BoardInput,
  first: string | undefined,
): RunState | undefined {
  const find = (id: string | undefined): RunState | undefined =>
    runs.find(({ runId }) => runId === id) ?? past.find(({ runId }) => runId === id);
  return find(chosen) ?? find(first);
}

function spansOf(run: RunState, { now, cap, snapshot, durationOf }: BoardInput) {
  const spans = forecastRun(run, snapshot, durationOf, { now, cap });
  return new Map(
    [...spans].map(([id, { from, to }]) => [id, { from: onGrid(from), to: onGrid(to) }]),
  );
}

/** What takes longer than estimated moves all that comes after it, with every look at the clock. */
function onGrid(at: number): number {
  return Math.round(at / GRID_MS) * GRID_MS;
}
