import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { count, oneLine, plain } from '../../core/text.ts';
import type { RunScope } from '../../core/run/run-choice.ts';
import type { Wave } from '../../core/waves/waves.ts';
import { pickBacklog, tell } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import type { TreeNode } from '../tree-nodes.ts';

/** What is to be run, and what it is called: “Wave 2”, the title of a task, “All Waves”. */
export interface ScopeTarget {
  readonly backlog: Backlog;
  readonly scope: RunScope;
  readonly name: string;
}

const ALL = 'All Waves';

/** What a row stands for; without one the user picks, all waves or one of them. */
export async function scopeOf(
  backlogs: Backlogs,
  node: TreeNode | undefined,
  title: string,
): Promise<ScopeTarget | undefined> {
  if (node?.kind === 'wave') return waveTarget(node.backlog, node.number);
  if (node !== undefined && 'taskId' in node) {
    const task = node.backlog.task(node.taskId);
    if (task !== undefined) {
      return {
        backlog: node.backlog,
        scope: { kind: 'task', id: task.id },
        name: oneLine(task.title) || task.id,
      };
    }
    await tell({ kind: 'noSuchTask', id: node.taskId });
    return undefined;
  }
  const backlog = await pickBacklog(backlogs);
  if (backlog === undefined) return undefined;
  const waves = backlog.plan?.waves ?? [];
  if (waves.length === 0) {
    await tell({ kind: 'nothingToRun' });
    return undefined;
  }
  const items: (vscode.QuickPickItem & { readonly target: ScopeTarget })[] = [
    {
      label: ALL,
      description: count(waves.length, 'wave'),
      target: { backlog, scope: { kind: 'all' }, name: ALL },
    },
    ...waves.map((wave) => ({
      ...waveItem(wave, count(wave.tasks.length, 'task')),
      target: waveTarget(backlog, wave.number),
    })),
  ];
  return (await vscode.window.showQuickPick(items, { title, matchOnDetail: true }))?.target;
}

/** A wave as a line of a list, with the titles of its first tasks. */
export function waveItem({ number, tasks }: Wave, description: string) {
  const titles = tasks.slice(0, 6).map((task) => task.title || task.id);
  return { label: `Wave ${number}`, description, detail: plain(titles.join(' · ')), number };
}

function waveTarget(backlog: Backlog, number: number): ScopeTarget {
  return { backlog, scope: { kind: 'wave', number }, name: `Wave ${number}` };
}
