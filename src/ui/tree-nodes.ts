import type { Backlog } from '../core/backlog.ts';
import type { FindingKind } from '../core/doctor/finding.ts';
import type { RunState } from '../core/run/run-events.ts';
import { isSettled, type Task, type TaskId } from '../core/task.ts';
import { inNoWave, type Plan } from '../core/waves/waves.ts';
import { handoffRow } from './handoffs/handoff-row.ts';
import { hasStoreRow } from './store-row.ts';
import { findingsOf, isNoFinding } from './doctor/doctor-rows.ts';
import { holdersOf, locksOf } from './lock-rows.ts';
import { hasWaveRows, interruptedRuns, isPast, pastRunsOf } from './runs/run-row.ts';
import { headingOf, isFiltered, isShown, type TreeLook, WHOLE } from './tree-look.ts';
import { waveKeysOf, waveNumberOf } from './wave-keys.ts';

/** Rows that only hold others. */
export type RowGroup = 'leftOut' | 'broken' | 'blocked' | 'settled' | 'notices' | 'pastRuns';

/** One row of the tree: what it stands for, never a copy of it. */
export type TreeNode =
  | { readonly kind: 'backlog'; readonly backlog: Backlog }
  /**
   * `ended`: from its end in this window until it is cleared; a row of its own, open where
   * something went wrong.
   */
  | {
      readonly kind: 'run';
      readonly backlog: Backlog;
      readonly runId: string;
      readonly ended: boolean;
    }
  /** A wave of a run, where it can be reviewed as a whole. */
  | {
      readonly kind: 'runWave';
      readonly backlog: Backlog;
      readonly runId: string;
      readonly wave: number;
    }
  /** `key` stays with the tasks of the wave, while its number changes: see `wave-keys.ts`. */
  | {
      readonly kind: 'wave';
      readonly backlog: Backlog;
      readonly key: string;
      readonly number: number;
    }
  /** Tasks of a wave that have something in common; `name` is their heading. */
  | {
      readonly kind: 'bundle';
      readonly backlog: Backlog;
      readonly key: string;
      readonly name: string;
    }
  | { readonly kind: 'group'; readonly backlog: Backlog; readonly group: RowGroup }
  | { readonly kind: 'task'; readonly backlog: Backlog; readonly taskId: TaskId }
  | { readonly kind: 'batch'; readonly backlog: Backlog }
  | { readonly kind: 'batchStep'; readonly backlog: Backlog; readonly index: number }
  /** A dependency that the waves of a file do not keep. */
  | { readonly kind: 'broken'; readonly backlog: Backlog; readonly index: number }
  | { readonly kind: 'doctor'; readonly backlog: Backlog }
  | { readonly kind: 'findings'; readonly backlog: Backlog; readonly of: FindingKind }
  | { readonly kind: 'finding'; readonly backlog: Backlog; readonly key: string }
  | { readonly kind: 'notice'; readonly backlog: Backlog; readonly index: number }
  | { readonly kind: 'handoff'; readonly backlog: Backlog; readonly key: string }
  | { readonly kind: 'message'; readonly backlog: Backlog }
  /** Whose locks are below it. */
  | { readonly kind: 'holder'; readonly backlog: Backlog; readonly holder: string }
  | { readonly kind: 'lock'; readonly backlog: Backlog; readonly taskId: TaskId };

/** The views of our container. */
export type ViewName = 'waves' | 'runs' | 'locks';

/**
 * An id that is unique in the tree and stays the same for the same row, so that what is expanded
 * stays so. It depends on the node alone: with another id for a known node the editor draws that
 * row's texts into others (VS Code 1.139).
 */
export function nodeKey(node: TreeNode): string {
  const root = node.backlog.root;
  switch (node.kind) {
    case 'backlog':
    case 'message':
    case 'batch':
    case 'doctor':
      return `${root}|${node.kind}`;
    case 'findings':
      return `${root}|findings|${node.of}`;
    case 'finding':
    case 'handoff':
      return `${root}|${node.kind}|${node.key}`;
    case 'run':
      return `${root}|${node.ended ? 'endedRun' : 'run'}|${node.runId}`;
    case 'runWave':
      return `${root}|runWave|${node.runId}|${node.wave}`;
    case 'wave':
      return `${root}|wave|${node.key}`;
    case 'bundle':
      return `${root}|bundle|${node.key}|${node.name}`;
    case 'group':
      return `${root}|${node.group}`;
    case 'task':
    case 'lock':
      return `${root}|${node.kind}|${node.taskId}`;
    case 'holder':
      return `${root}|holder|${node.holder}`;
    case 'batchStep':
    case 'notice':
    case 'broken':
      return `${root}|${node.kind}|${node.index}`;
  }
}

/** The rows below a row of a view, or at its top. A single backlog needs no row of its own. */
export function childrenOf(
  node: TreeNode | undefined,
  backlogs: readonly Backlog[],
  view: ViewName = 'waves',
  look: TreeLook = WHOLE,
): readonly TreeNode[] {
  const topOf = (backlog: Backlog): readonly TreeNode[] => TOPS[view](backlog, look);
  if (node === undefined) {
    const [only, ...more] = backlogs;
    if (only === undefined) return [];
    return more.length === 0
      ? topOf(only)
      : backlogs
          .filter((backlog) => view === 'waves' || topOf(backlog).length > 0)
          .map((backlog) => ({ kind: 'backlog', backlog }));
  }
  const { backlog } = node;
  switch (node.kind) {
    case 'backlog': {
      const top = topOf(backlog);
      return top.length === 0 ? [{ kind: 'message', backlog }] : top;
    }
    case 'run':
      return runChildren(backlog, node);
    case 'holder':
      return locksOf(backlog)
        .filter(({ lock }) => lock.holder === node.holder)
        .map(({ task }) => ({ kind: 'lock', backlog, taskId: task.id }));
    case 'wave':
      return waveChildren(backlog, node, look);
    case 'bundle':
      return tasksOfBundle(backlog, node, look).map(({ id }) => taskNode(backlog, id));
    case 'group':
      return groupChildren(backlog, node.group, look);
    case 'batch':
      return (backlog.lastBatch?.steps ?? []).map((_, index) => ({
        kind: 'batchStep',
        backlog,
        index,
      }));
    case 'doctor':
      return doctorChildren(backlog);
    case 'findings':
      return (findingsOf(backlog).byKind.get(node.of) ?? []).map(({ key }) => ({
        kind: 'finding',
        backlog,
        key,
      }));
    case 'runWave':
    case 'batchStep':
    case 'task':
    case 'lock':
    case 'finding':
    case 'notice':
    case 'broken':
    case 'handoff':
    case 'message':
      return [];
  }
}

type Top = (backlog: Backlog, look: TreeLook) => readonly TreeNode[];

const TOPS: Readonly<Record<ViewName, Top>> = {
  waves: topOf,
  runs: topOfRuns,
  locks: (backlog) => holdersOf(backlog).map((holder) => ({ kind: 'holder', backlog, holder })),
};

/** The tasks of a wave as the plan is now; none where it has no such wave. */
export function tasksOfWave({ plan }: Backlog, number: number): readonly Task[] {
  return plan?.waves.find((wave) => wave.number === number)?.tasks ?? [];
}

function topOf(backlog: Backlog, look: TreeLook): readonly TreeNode[] {
  const { plan, snapshot } = backlog;
  if (plan === undefined || snapshot === undefined) return [];
  const groups: TreeNode[] = [];
  const { asked } = plan;
  const has = (group: TaskGroup): boolean => {
    const tasks = tasksOfGroup(plan, group);
    return isFiltered(look) ? tasks.some((task) => isShown(backlog, task, look)) : tasks.length > 0;
  };
  if (has('leftOut')) groups.push({ kind: 'group', backlog, group: 'leftOut' });
  if (asked?.kind === 'used' && asked.broken.length > 0)
    groups.push({ kind: 'group', backlog, group: 'broken' });
  if (has('settled')) groups.push({ kind: 'group', backlog, group: 'settled' });
  // Of all tasks, those that cannot go on by themselves stand last.
  if (has('blocked')) groups.push({ kind: 'group', backlog, group: 'blocked' });
  const handoff = handoffRow(backlog);
  if (backlog.lastBatch !== undefined) groups.push({ kind: 'batch', backlog });
  if (backlog.findings.length > 0 || snapshot.notices.some(isNoFinding))
    groups.push({ kind: 'doctor', backlog });
  return [
    ...(hasStoreRow(backlog) ? [{ kind: 'message' as const, backlog }] : []),
    ...(handoff === undefined ? [] : [{ kind: 'handoff' as const, backlog, key: handoff }]),
    ...waveKeysOf(backlog)
      .filter(({ number }) => !isFiltered(look) || shownOfWave(backlog, number, look).length > 0)
      .map(({ key }) => waveNode(backlog, key)),
    ...groups,
  ];
}

/**
 * A run that begins is added below the others: a row above the one that was just pressed would move
 * another one under the pointer.
 */
function topOfRuns(backlog: Backlog): readonly TreeNode[] {
  return [
    ...interruptedRuns(backlog).map((run) => runNode(backlog, run)),
    ...backlog.runs.all.map((run) => runNode(backlog, run)),
    ...(pastRunsOf(backlog).length > 0
      ? [{ kind: 'group' as const, backlog, group: 'pastRuns' as const }]
      : []),
  ];
}

function waveNode(backlog: Backlog, key: string): TreeNode {
  return {
    kind: 'wave',
    backlog,
    key,
    get number() {
      return waveNumberOf(backlog, key);
    },
  };
}

/** The tasks of a wave that are to be shown; those that a person has blocked come last. */
export function shownOfWave(backlog: Backlog, number: number, look: TreeLook): readonly Task[] {
  const tasks = tasksOfWave(backlog, number);
  const shown = isFiltered(look) ? tasks.filter((task) => isShown(backlog, task, look)) : tasks;
  const blocked = shown.filter(({ status }) => status === 'Blocked');
  if (blocked.length === 0) return shown;
  return [...shown.filter(({ status }) => status !== 'Blocked'), ...blocked];
}

function waveChildren(
  backlog: Backlog,
  { key, number }: Extract<TreeNode, { kind: 'wave' }>,
  look: TreeLook,
): readonly TreeNode[] {
  const tasks = shownOfWave(backlog, number, look);
  const { groupBy } = look;
  if (groupBy === 'none') return tasks.map(({ id }) => taskNode(backlog, id));
  const places = new Map<string, number>();
  for (const task of tasks) {
    const { name, place } = headingOf(backlog, task, groupBy);
    places.set(name, place);
  }
  return [...places]
    .sort(([a, at], [b, bt]) => at - bt || (a < b ? -1 : 1))
    .map(([name]) => ({ kind: 'bundle', backlog, key, name }));
}

function nameOfBundle(backlog: Backlog, task: Task, { groupBy }: TreeLook): string | undefined {
  return groupBy === 'none' ? undefined : headingOf(backlog, task, groupBy).name;
}

/** The tasks of a bundle that are shown. */
export function tasksOfBundle(
  backlog: Backlog,
  { key, name }: Extract<TreeNode, { kind: 'bundle' }>,
  look: TreeLook,
): readonly Task[] {
  return shownOfWave(backlog, waveNumberOf(backlog, key), look).filter(
    (task) => nameOfBundle(backlog, task, look) === name,
  );
}

/** The row above the row of a task, where the waves show it; undefined where none does. */
export function rowAbove(
  backlog: Backlog,
  task: Task,
  { groupBy }: TreeLook,
): TreeNode | undefined {
  const { plan } = backlog;
  if (plan === undefined) return undefined;
  const number = plan.waveOf.get(task.id);
  const found = waveKeysOf(backlog).find((wave) => wave.number === number);
  if (found !== undefined) {
    const { key } = found;
    if (groupBy === 'none') return waveNode(backlog, key);
    return { kind: 'bundle', backlog, key, name: headingOf(backlog, task, groupBy).name };
  }
  const group: RowGroup = isSettled(task.status)
    ? 'settled'
    : plan.blockedOf.has(task.id)
      ? 'blocked'
      : 'leftOut';
  return { kind: 'group', backlog, group };
}

/** The row above any row of the waves that `rowAbove` answers; undefined for a topmost one. */
export function rowAboveRow(node: TreeNode, isOnly: boolean): TreeNode | undefined {
  if (node.kind === 'bundle') return waveNode(node.backlog, node.key);
  return isOnly || node.kind === 'backlog' ? undefined : { kind: 'backlog', backlog: node.backlog };
}

type TaskGroup = Extract<RowGroup, 'leftOut' | 'blocked' | 'settled'>;

function tasksOfGroup(plan: Plan, group: TaskGroup): readonly Task[] {
  if (group === 'leftOut') return inNoWave(plan);
  return group === 'settled' ? plan.settled : plan.blocked.map(({ task }) => task);
}

function groupChildren(backlog: Backlog, group: RowGroup, look: TreeLook): readonly TreeNode[] {
  const asked = backlog.plan?.asked;
  const broken = asked?.kind === 'used' ? asked.broken : [];
  switch (group) {
    case 'leftOut':
    case 'blocked':
    case 'settled': {
      const tasks = backlog.plan === undefined ? [] : tasksOfGroup(backlog.plan, group);
      return (isFiltered(look) ? tasks.filter((task) => isShown(backlog, task, look)) : tasks).map(
        ({ id }) => taskNode(backlog, id),
      );
    }
    case 'broken':
      return broken.map((_, index): TreeNode => ({ kind: 'broken', backlog, index }));
    case 'pastRuns':
      return pastRunsOf(backlog).map((run) => runNode(backlog, run));
    case 'notices':
      return (backlog.snapshot?.notices ?? []).flatMap((notice, index): readonly TreeNode[] =>
        isNoFinding(notice) ? [{ kind: 'notice', backlog, index }] : [],
      );
  }
}

/** Findings by kind, then what could not be read at all. */
function doctorChildren(backlog: Backlog): readonly TreeNode[] {
  const kinds = [...findingsOf(backlog).byKind.keys()];
  const hasUnread = backlog.snapshot?.notices.some(isNoFinding) === true;
  return [
    ...kinds.map((of): TreeNode => ({ kind: 'findings', backlog, of })),
    ...(hasUnread ? [{ kind: 'group', backlog, group: 'notices' } as const] : []),
  ];
}

function runChildren(backlog: Backlog, node: Pick<RunState, 'runId'>): readonly TreeNode[] {
  const run = backlog.runs.find(node.runId);
  if (run === undefined || !hasWaveRows(run)) return [];
  const { runId } = run;
  return run.waves.map((_, wave): TreeNode => ({ kind: 'runWave', backlog, runId, wave }));
}

function runNode(backlog: Backlog, run: RunState): TreeNode {
  return {
    kind: 'run',
    backlog,
    runId: run.runId,
    ended: run.phase === 'ended' && !isPast(backlog, run),
  };
}

/** The row of a task in the waves. */
export function taskNode(backlog: Backlog, id: TaskId): TreeNode {
  return { kind: 'task', backlog, taskId: id };
}
