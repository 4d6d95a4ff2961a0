import type { RunState } from '../run/run-events.ts';
import type { TaskId } from '../task.ts';
import type { BoardInput } from './board-input.ts';
import type { BoardState, Card, Span } from './board-state.ts';
import { cardOf } from './card.ts';
import { columnsOf } from './columns.ts';
import { criticalPath } from './critical-path.ts';
import { forecast, type ForecastTask } from './forecast.ts';
import { isOpenPart, latestWork, type LatestWork } from './latest-work.ts';
import { needsOf } from './needs.ts';
import { runEntries, stripOf } from './strip.ts';

/**
 * What the board shows of a backlog at one moment. Never fails; the same input gives the same
 * board. Takes time linear in the tasks, dependencies and runs, but for sorting.
 */
export function boardOf(input: BoardInput): BoardState {
  const { plan, snapshot, runs, past } = input;
  const entries = runEntries(input);
  const run = shownRun(input, entries[0]?.runId);
  const work = latestWork([...past, ...runs]);
  const workOf = (id: string): LatestWork | undefined => work.get(id as TaskId);
  const spans = run === undefined || run.phase === 'ended' ? NO_SPANS : spansOf(run, input);
  const critical = criticalPath(plan, input.durationOf);
  const columns = columnsOf(plan, run);
  const shown = new Set([...columns.flatMap(({ ids }) => ids), ...(run?.tasks.keys() ?? [])]);
  const context = {
    input,
    workOf,
    isCritical: (id: TaskId): boolean => critical.has(id),
    forecastOf: (id: TaskId): Span | undefined => spans.get(id),
  };
  const cards = [...shown].flatMap((id): readonly Card[] => {
    const task = snapshot.byId.get(id as TaskId);
    return task === undefined ? [] : [cardOf(task, context)];
  });
  const byId = new Map(cards.map((card) => [card.id, card]));
  return {
    name: input.name,
    now: input.now,
    trouble: input.trouble,
    isReadOnly: input.isReadOnly,
    runs: entries,
    run: run && stripOf(run, input, (id) => byId.get(id)?.state, spans),
    needs: input.isReadOnly ? [] : needsOf(cards, workOf, run, input.now),
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
  const tasks = [...run.tasks.values()]
    .filter((part) => isOpenPart({ run, part }))
    .map((part): ForecastTask => {
      const isAtWork = part.phase !== 'queued';
      return {
        id: part.id,
        wave: part.wave,
        startedAt: isAtWork ? (part.startedAt ?? now) : undefined,
        durationMs: durationOf(part.id),
        after: snapshot.byId.get(part.id)?.dependencies ?? [],
        takesPlace: part.agent.agentMode !== 'human',
      };
    });
  const isStrict = run.options.runMode === 'strict';
  const spans = forecast(tasks, { now, cap: run.cap ?? cap, isStrict });
  return new Map(
    [...spans].map(([id, { from, to }]) => [id, { from: onGrid(from), to: onGrid(to) }]),
  );
}

/** What takes longer than estimated moves all that comes after it, with every look at the clock. */
function onGrid(at: number): number {
  return Math.round(at / GRID_MS) * GRID_MS;
}
