import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { isSettled, type Task } from '../core/task.ts';
import { oneLine, plain } from '../core/text.ts';
import { pickOne, type Target } from './ask.ts';
import type { Backlogs } from './backlogs.ts';
import { standingOf } from './edit-words.ts';
import type { WavesTree } from './waves-tree.ts';
import { FILTER_WORDS, type Filter, FILTERS, type Grouping, GROUPINGS } from './tree-look.ts';

/** What commands can do with the tree of waves. */
export type TreePort = Pick<WavesTree, 'reveal' | 'looks'>;

/** Finds a task by title, id, tag or status, among all of them, and shows its row. */
export async function findTask(backlogs: Backlogs, tree: TreePort): Promise<void> {
  const items = backlogs.all.flatMap((backlog) => {
    const open = (backlog.snapshot?.tasks ?? []).toSorted(
      (a, b) => placeOf(backlog, a) - placeOf(backlog, b),
    );
    return open.map((task) => ({ ...findItem(backlog, task), backlog, task }));
  });
  const picked = await pickOne<vscode.QuickPickItem & Target>(items, 'There is no task.', {
    title: 'Find Task',
    placeHolder: 'Title, id, tag or status',
    matchOnDescription: true,
    matchOnDetail: true,
  });
  if (picked !== undefined) await tree.reveal(picked.backlog, picked.task.id);
}

/** In the order of the waves; what is in none stands behind, and last what is finished. */
function placeOf({ plan }: Backlog, { id, status }: Task): number {
  return isSettled(status) ? Infinity : (plan?.waveOf.get(id) ?? Number.MAX_SAFE_INTEGER);
}

function findItem(backlog: Backlog, task: Task): vscode.QuickPickItem {
  const about = [task.id, ...task.tags.map((tag) => `#${tag}`)].map(oneLine).join(' · ');
  return {
    label: plain(task.title || task.id),
    description: plain(about),
    detail: plain(standingOf(backlog, task)),
  };
}

const GROUPING_WORDS: Readonly<Record<Grouping, string>> = {
  none: 'Nothing',
  tag: 'Tag',
  epic: 'Parent task',
  priority: 'Priority',
};

/** Lets the user choose what tasks are put together by within each wave. */
export async function groupTasks({ looks }: TreePort): Promise<void> {
  const items = GROUPINGS.map((groupBy) => ({
    label: `${groupBy === looks.now.groupBy ? '$(check) ' : ''}${GROUPING_WORDS[groupBy]}`,
    groupBy,
  }));
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Put tasks of a wave together by …',
  });
  if (picked !== undefined) await looks.set({ groupBy: picked.groupBy });
}

interface FilterItem extends vscode.QuickPickItem {
  readonly filter: Filter;
}

/** Lets the user choose which tasks are shown: by state, and by a text that is typed. */
export async function filterTasks({ looks }: TreePort): Promise<void> {
  const pick = vscode.window.createQuickPick<FilterItem>();
  pick.title = 'Show only tasks that …';
  pick.placeholder = 'Text in the title, id, tags or status; may be empty';
  pick.canSelectMany = true;
  pick.value = looks.now.text;
  // What is typed is looked for in tasks, and not in these lines.
  const items = FILTERS.map((filter) => ({
    label: `are ${FILTER_WORDS[filter]}`,
    filter,
    alwaysShow: true,
  }));
  pick.items = items;
  pick.selectedItems = items.filter(({ filter }) => looks.now.only.includes(filter));
  await new Promise<void>((resolve) => {
    const subscriptions = [
      pick,
      pick.onDidAccept(() => {
        const only = pick.selectedItems.map(({ filter }) => filter);
        void looks.set({ only, text: oneLine(pick.value) });
        pick.hide();
      }),
      pick.onDidHide(() => {
        for (const subscription of subscriptions) subscription.dispose();
        resolve();
      }),
    ];
    pick.show();
  });
}

/** Shows every task again. */
export function clearFilter({ looks }: TreePort): Promise<void> {
  return looks.set({ only: [], text: '' });
}
