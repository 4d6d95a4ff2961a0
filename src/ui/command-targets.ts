import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { plain } from '../core/text.ts';
import type { RunState } from '../core/run/run-events.ts';
import { sendsBack } from '../core/run/send-back.ts';
import type { Task } from '../core/task.ts';
import { pickBacklog, pickOne, type Target, taskItem, tell } from './ask.ts';
import type { Backlogs } from './backlogs.ts';
import { standingOf } from './edit-words.ts';
import { findHandoff, whenWords } from './handoffs/handoff-row.ts';
import { type HandoffFits, handoffItems, type HandoffTarget } from './handoffs/handoff-commands.ts';
import { runCounts } from './runs/run-row.ts';
import { waveItem } from './runs/run-scope.ts';
import type { TreeNode } from './tree-nodes.ts';

/** A command: the editor passes the row it is called on, and all rows that are selected. */
export type Handler = (node?: TreeNode, selected?: readonly TreeNode[]) => unknown;

/** A run that a command is about. */
export interface RunTarget {
  readonly backlog: Backlog;
  readonly run: RunState;
}

type TaskFits = (backlog: Backlog, task: Task) => boolean;
type RunFits = (backlog: Backlog, run: RunState) => boolean;

/**
 * Makes commands out of actions: each finds what it acts on by the row that it is called on, and
 * without one lets the user pick from what fits.
 */
export function commandsOn(backlogs: Backlogs) {
  /** On the backlog of any row. */
  const onRowBacklog =
    (act: (backlog: Backlog) => unknown): Handler =>
    async (node) => {
      const backlog = node?.backlog ?? (await pickBacklog(backlogs));
      if (backlog !== undefined) await act(backlog);
    };

  /** On the only backlog, or the one that the user picks, on any row. */
  const onBacklog = (act: (backlog: Backlog) => unknown): Handler => {
    const handler = onRowBacklog(act);
    return () => handler();
  };

  const onWave = (title: string, act: (backlog: Backlog, wave: number) => unknown): Handler => {
    const pick = onBacklog(async (backlog) => {
      const items = (backlog.plan?.waves ?? []).map((wave) => {
        const { ready, total } = backlog.progressOf(wave);
        return waveItem(wave, `${ready} of ${total} ready`);
      });
      if (items.length === 0) return tell({ kind: 'nothingToRun' });
      const picked = await vscode.window.showQuickPick(items, { title });
      return picked && act(backlog, picked.number);
    });
    return (node) => (node?.kind === 'wave' ? act(node.backlog, node.number) : pick());
  };

  const onTask =
    (title: string, fits: TaskFits, act: (target: Target) => unknown): Handler =>
    async (node) => {
      if (node !== undefined && 'taskId' in node) {
        const target = targetOf(node);
        return target === undefined ? tell({ kind: 'noSuchTask', id: node.taskId }) : act(target);
      }
      const none = `${title}: there is no such task.`;
      const options = { title, matchOnDescription: true, placeHolder: 'Title or id' };
      const picked = await pickOne(taskItems(backlogs, fits), none, options);
      return picked && act(picked);
    };

  /** As `onTask`, and where several rows are selected, for each of them that it fits. */
  const onTasks = (
    title: string,
    fits: TaskFits,
    act: (target: Target) => Promise<unknown>,
  ): Handler =>
    onTasksAtOnce(title, fits, act, async (targets) => {
      for (const target of targets) await act(target);
    });

  /** As `onTask`, and where several rows are selected, for all of them that it fits at once. */
  const onTasksAtOnce = (
    title: string,
    fits: TaskFits,
    one: (target: Target) => unknown,
    all: (targets: readonly Target[]) => unknown,
  ): Handler => {
    const onOne = onTask(title, fits, one);
    return async (node, selected) => {
      if (!isSeveral(selected)) return onOne(node);
      const targets = targetsOf(selected).filter(({ backlog, task }) => fits(backlog, task));
      const [only, ...more] = targets;
      if (only === undefined)
        return vscode.window.showInformationMessage(`${title}: there is no such task.`);
      return more.length === 0 ? one(only) : all(targets);
    };
  };

  /** Acts at once on the only run that fits, except where the user is `always` to pick. */
  const onRun =
    (
      title: string,
      fits: RunFits,
      act: (target: RunTarget) => unknown,
      pick: 'always' | 'ifSeveral' = 'ifSeveral',
    ): Handler =>
    async (node) => {
      if (node?.kind === 'run') {
        const { backlog } = node;
        const run = backlog.runs.find(node.runId);
        return run && act({ backlog, run });
      }
      const items = runItems(backlogs, fits);
      const none = `${title}: there is no such run.`;
      const options = { title, matchOnDescription: true };
      const isClear = items.length === 1 && pick === 'ifSeveral';
      const picked = isClear ? items[0] : await pickOne(items, none, options);
      return picked && act(picked);
    };

  const onHandoff =
    (title: string, fits: HandoffFits, act: (target: HandoffTarget) => unknown): Handler =>
    async (node) => {
      if (node?.kind === 'handoff') {
        const { backlog, key } = node;
        const handoff = findHandoff(backlog, key);
        if (handoff !== undefined) return act({ backlog, handoff });
        return tell({ kind: 'handoffChanged', id: key.trim() });
      }
      const none = `${title}: there is no such handoff.`;
      const options = { title, matchOnDescription: true, matchOnDetail: true };
      const picked = await pickOne(handoffItems(backlogs, fits), none, options);
      return picked && act(picked);
    };

  return { onRowBacklog, onBacklog, onWave, onTask, onTasks, onTasksAtOnce, onRun, onHandoff };
}

/** The task of a row; undefined where it has none, or none any more. */
export function targetOf({ backlog, ...row }: TreeNode): Target | undefined {
  const task = 'taskId' in row ? backlog.task(row.taskId) : undefined;
  return task && { backlog, task };
}

/** The tasks of several rows, each once. */
export function targetsOf(rows: readonly TreeNode[]): readonly Target[] {
  const all = rows.flatMap((row) => targetOf(row) ?? []);
  return [...new Map(all.map((each) => [`${each.backlog.root}\n${each.task.id}`, each])).values()];
}

export function isSeveral(
  selected: readonly TreeNode[] | undefined,
): selected is readonly TreeNode[] {
  return selected !== undefined && selected.length > 1;
}

/** The tasks that fit, in the order of their waves. */
function taskItems(backlogs: Backlogs, fits: TaskFits) {
  return backlogs.all.flatMap((backlog) => {
    const place = ({ id }: Task): number => backlog.plan?.waveOf.get(id) ?? Number.MAX_SAFE_INTEGER;
    return (backlog.snapshot?.tasks ?? [])
      .filter((task) => fits(backlog, task))
      .sort((a, b) => place(a) - place(b))
      .map((task) => taskItem(backlog, task, standingOf(backlog, task)));
  });
}

const RUN_ICONS: Readonly<Record<RunState['phase'], string>> = {
  running: 'sync',
  stopping: 'sync',
  ended: 'history',
};

/** The runs that fit, live ones first. */
function runItems(backlogs: Backlogs, fits: RunFits) {
  return backlogs.all.flatMap((backlog) =>
    [...backlog.runs.all.toReversed(), ...backlog.runs.past]
      .filter((run) => fits(backlog, run))
      .map((run) => ({
        label: `$(${RUN_ICONS[run.phase]}) ${plain(run.title)}`,
        description: [
          backlogs.all.length > 1 ? plain(backlog.name) : '',
          whenWords(run.startedAt, backlog.now),
          run.resumes === undefined
            ? ''
            : sendsBack(run, run.resumes)
              ? 'sent back'
              : 'the rest of an earlier run',
        ]
          .filter(Boolean)
          .join(' · '),
        detail: runCounts(run).join(' · '),
        backlog,
        run,
      })),
  );
}
