import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { count, plain } from '../core/text.ts';
import { dependenciesForWaves } from '../core/plan/wave-dependencies.ts';
import type { TaskId } from '../core/task.ts';
import { planWaves } from '../core/waves/waves.ts';
import { dependencyOffers, isTaken, previewAndApply } from './plan-apply.ts';
import { explainRefusal, nameIn } from './plan-words.ts';
import { tasksOfWave, type TreeNode } from './tree-nodes.ts';

/** Moves tasks to a wave by new dependencies, once the user agrees to them. */
export async function moveToWave(
  backlog: Backlog,
  ids: readonly TaskId[],
  number: number,
): Promise<void> {
  const { snapshot, plan, options } = backlog;
  const target = tasksOfWave(backlog, number).find(({ id }) => !ids.includes(id));
  const refuse = async (why: string): Promise<void> => {
    await vscode.window.showWarningMessage(plain(why));
  };
  if (snapshot === undefined || plan === undefined) return;
  if (plan.asked?.kind === 'used') {
    await refuse(
      `These are the waves of ${plan.asked.file}. Change them there, or choose the computed waves first.`,
    );
    return;
  }
  if (options.waves.numbering === 'exarp') {
    await refuse(
      'Waves are numbered as exarp-go does, by finished tasks too. Tasks are moved in the open numbering.',
    );
    return;
  }
  // Nothing but themselves is in that wave.
  if (target === undefined) return;
  const level = planWaves(snapshot.tasks, { ...options.waves, maxTasksPerWave: 0 }).waveOf.get(
    target.id,
  );
  if (level === undefined) return;
  const taken = ids.find((id) => isTaken(backlog, id));
  if (taken !== undefined) {
    await refuse(`${nameIn(backlog, taken)} is being worked on, so it stays where it is.`);
    return;
  }
  const asked = new Map(ids.map((id) => [id, level]));
  const change = dependenciesForWaves(snapshot.tasks, asked, options.waves, (id) =>
    likeness(backlog, id),
  );
  if (change.kind === 'refused') {
    const [first, ...more] = change.refusals.map((refusal) => explainRefusal(backlog, refusal));
    await refuse(
      [first, ...(more.length > 0 ? [`And ${count(more.length, 'other reason')}.`] : [])].join(' '),
    );
    return;
  }
  const along = change.moved.map(
    ({ id, from, to }) => `${nameIn(backlog, id)} moves along: wave ${from} → ${to}`,
  );
  const what =
    ids.length === 1 && ids[0] !== undefined ? nameIn(backlog, ids[0]) : count(ids.length, 'task');
  await previewAndApply(
    backlog,
    plain(`Move ${what} to wave ${number}`),
    dependencyOffers(backlog, change.added),
    along,
  );
}

/** Better to wait for what has to do with the task: the same tags, the same parent. */
function likeness(backlog: Backlog, id: TaskId): (a: TaskId, b: TaskId) => number {
  const task = backlog.task(id);
  const alike = (other: TaskId): number => {
    const it = backlog.task(other);
    if (task === undefined || it === undefined) return 0;
    const sameParent = task.parentId !== undefined && task.parentId === it.parentId ? 1 : 0;
    return sameParent + it.tags.filter((tag) => task.tags.includes(tag)).length;
  };
  return (a, b) => alike(b) - alike(a);
}

/** Asks for the wave that the tasks of some rows go to, for users who do not drag. */
export async function chooseWaveFor(rows: readonly (TreeNode | undefined)[]): Promise<void> {
  const moved = tasksAmong(rows);
  if (moved === undefined) return;
  const { backlog, ids } = moved;
  const items = (backlog.plan?.waves ?? []).map(({ number, tasks }) => ({
    label: `Wave ${number}`,
    description: count(tasks.length, 'task'),
    number,
  }));
  const picked = await vscode.window.showQuickPick(items, { title: 'Move to which wave?' });
  if (picked !== undefined) await moveToWave(backlog, ids, picked.number);
}

/** The tasks among some rows that are of the same backlog as the first of them. */
function tasksAmong(
  rows: readonly (TreeNode | undefined)[],
): { readonly backlog: Backlog; readonly ids: readonly TaskId[] } | undefined {
  const tasks = rows.filter((node) => node?.kind === 'task');
  const { backlog } = tasks[0] ?? {};
  if (backlog === undefined) return undefined;
  return {
    backlog,
    ids: tasks.filter((task) => task.backlog === backlog).map(({ taskId }) => taskId),
  };
}

const MIME = 'application/vnd.code.tree.todo2waves.waves';

/** Lets tasks be dragged to another wave of their own backlog. */
export class WaveDrag implements vscode.TreeDragAndDropController<TreeNode> {
  readonly dragMimeTypes = [MIME];
  readonly dropMimeTypes = [MIME];

  handleDrag(source: readonly TreeNode[], data: vscode.DataTransfer): void {
    const tasks = tasksAmong(source);
    if (tasks === undefined) return;
    const dragged: Dragged = { root: tasks.backlog.root, ids: tasks.ids };
    data.set(MIME, new vscode.DataTransferItem(dragged));
  }

  async handleDrop(target: TreeNode | undefined, data: vscode.DataTransfer): Promise<void> {
    const dragged = data.get(MIME)?.value as Dragged | undefined;
    // Also called where nothing of ours was dragged, or onto a row that is no wave.
    if (target === undefined || dragged === undefined || typeof dragged !== 'object') return;
    const { backlog } = target;
    const number = target.kind === 'wave' ? target.number : waveOfRow(target);
    if (number === undefined || dragged.root !== backlog.root || !vscode.workspace.isTrusted)
      return;
    const ids = dragged.ids.filter((id) => backlog.plan?.waveOf.get(id) !== number);
    if (ids.length > 0) await moveToWave(backlog, ids, number);
  }
}

interface Dragged {
  readonly root: string;
  readonly ids: readonly TaskId[];
}

function waveOfRow(node: TreeNode): number | undefined {
  return node.kind === 'task' ? node.backlog.plan?.waveOf.get(node.taskId) : undefined;
}
