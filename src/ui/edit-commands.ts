import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Change, WritableStatus } from '../core/edit/change.ts';
import { count, oneLine, plain } from '../core/text.ts';
import type { Task } from '../core/task.ts';
import { byBacklog, confirm, type Target, tell, tellFailure } from './ask.ts';
import { openDescription } from './description-files.ts';
import { askToAdopt, askToDelete, nameOf, shown } from './edit-words.ts';
import { foreignTasks } from './doctor/foreign-tasks.ts';
import { claim, claimAll } from './lock-commands.ts';
import { newTask, type Reveal } from './new-task.ts';
import { nameIn } from './plan-words.ts';
import { askDependencies, askParent, askPriority, askTags, askTitle } from './task-inputs.ts';

/** Makes a task that waits for this one. */
export async function createDependent({ backlog, task }: Target, reveal: Reveal): Promise<void> {
  await newTask(backlog, reveal, [task.id]);
}

type Field = 'title' | 'description' | 'priority' | 'status' | 'tags' | 'dependencies' | 'parent';

/** Lets the user choose a field of a task, and change it. */
export async function editTask(target: Target): Promise<void> {
  const { backlog, task } = target;
  const parent = task.parentId === undefined ? '' : nameIn(backlog, task.parentId);
  const line = (
    field: Field,
    label: string,
    value: string,
  ): vscode.QuickPickItem & { readonly field: Field } => ({
    field,
    label,
    description: plain(shown(value)),
  });
  const picked = await vscode.window.showQuickPick(
    [
      line('title', 'Title', task.title),
      line('description', '$(edit) Description', task.description),
      line('status', 'Status', task.rawStatus),
      line('priority', 'Priority', task.rawPriority || 'medium'),
      line('tags', 'Tags', task.tags.join(', ')),
      line('dependencies', 'Depends on', task.dependencies.join(', ')),
      line('parent', 'Parent', parent),
    ],
    { title: plain(`Edit ${nameOf(task)}`), placeHolder: 'What to change' },
  );
  if (picked !== undefined) await editField(target, picked.field);
}

async function editField(target: Target, field: Field): Promise<void> {
  const { backlog, task } = target;
  const { id } = task;
  const title = plain(`${capital(field)} of ${nameOf(task)}`);
  switch (field) {
    case 'title': {
      // One line is shown of a title that has several: as long as that stays, so does the title.
      const line = oneLine(task.title);
      const to = await askTitle(title, line);
      if (to !== undefined && to !== line)
        await apply(backlog, { kind: 'setTitle', id, from: task.title, to });
      return;
    }
    case 'description':
      return openDescription(backlog, id);
    case 'status':
      return changeStatus(target);
    case 'priority': {
      const to = await askPriority(title, task.rawPriority || 'medium');
      if (to !== undefined)
        await apply(backlog, { kind: 'setPriority', id, from: task.rawPriority, to });
      return;
    }
    case 'tags': {
      const to = await askTags(title, task.tags);
      if (to !== undefined) await apply(backlog, { kind: 'setTags', id, from: task.tags, to });
      return;
    }
    case 'dependencies':
      return editDependencies(target);
    case 'parent': {
      const to = await askParent(backlog, title, task);
      if (to === undefined) return;
      await apply(backlog, {
        kind: 'setParent',
        id,
        from: task.parentId,
        to: to === 'none' ? undefined : to,
      });
    }
  }
}

function capital(field: Field): string {
  return field.charAt(0).toUpperCase() + field.slice(1);
}

/** Lets the user choose what a task depends on. */
export async function editDependencies({ backlog, task }: Target): Promise<void> {
  const { id, dependencies } = task;
  const chosen = await askDependencies(
    backlog,
    plain(`What ${nameOf(task)} depends on`),
    id,
    dependencies,
  );
  if (chosen === undefined) return;
  const added = chosen.filter((on) => !dependencies.includes(on));
  const removed = dependencies.filter((on) => !chosen.includes(on));
  await apply(
    backlog,
    ...removed.map((on) => ({ kind: 'removeDependency', id, on }) as const),
    ...added.map((on) => ({ kind: 'addDependency', id, on }) as const),
  );
}

const STATUSES: readonly (readonly [status: WritableStatus, meaning: string])[] = [
  ['Todo', ''],
  ['In Progress', 'claims it for this window, so that no other agent starts it'],
  ['Review', ''],
  ['Done', 'what depends on it can start'],
  ['Blocked', 'it stays where it is, and nothing starts it'],
  ['Cancelled', 'it is given up; what depends on it can start'],
];

/** Lets the user choose a status; In Progress is claimed, so that no other holder starts it. */
export async function changeStatus(target: Target): Promise<void> {
  const { task } = target;
  const to = await askStatus(`Status of ${nameOf(task)}`, [task]);
  if (to === 'In Progress') await claim(target);
  else if (to !== undefined) await setStatusOf([target], to);
}

/** As `changeStatus`, for several tasks: all of a backlog or none. */
export async function changeStatuses(targets: readonly Target[]): Promise<void> {
  const tasks = targets.map(({ task }) => task);
  const to = await askStatus(`Status of ${count(tasks.length, 'task')}`, tasks);
  if (to === undefined) return;
  for (const [backlog, own] of byBacklog(targets)) {
    if (to !== 'In Progress') await setStatusOf(own, to);
    else
      await claimAll(
        backlog,
        own.map(({ task }) => task.id),
      );
  }
}

async function askStatus(
  title: string,
  tasks: readonly Task[],
): Promise<WritableStatus | undefined> {
  const isClaimable = tasks.every(({ status }) => status === 'Todo' || status === 'In Progress');
  const now = new Set(tasks.map(({ rawStatus }) => rawStatus));
  const items = STATUSES.filter(([status]) => status !== 'In Progress' || isClaimable).map(
    ([status, meaning]) => ({
      label: status,
      description: now.size === 1 && now.has(status) ? 'now' : meaning,
      status,
    }),
  );
  const chosen = await vscode.window.showQuickPick(items, {
    title: plain(title),
    placeHolder: plain(`Now: ${[...now].join(', ')}`),
  });
  return chosen?.status;
}

async function setStatusOf(targets: readonly Target[], to: WritableStatus): Promise<void> {
  const changes = targets
    .filter(({ task }) => task.rawStatus !== to)
    .map(({ task }) => ({ kind: 'setStatus', id: task.id, from: task.rawStatus, to }) as const);
  const [first] = targets;
  if (first !== undefined && changes.length > 0) await apply(first.backlog, ...changes);
}

/** Deletes a task, once the user has seen what goes with it. */
export async function deleteTask({ backlog, task }: Target): Promise<void> {
  const lease = backlog.leaseOf(task);
  if (lease.kind === 'theirs') {
    await tell({
      kind: 'held',
      id: task.id,
      holder: lease.lock.holder,
      until: backlog.now + lease.remainingMs,
    });
    return;
  }
  const { message, detail } = askToDelete(backlog, task);
  if (await confirm(message, detail, 'Delete')) {
    await apply(backlog, { kind: 'delete', id: task.id, version: task.version });
  }
}

/** Makes a task belong to the project of its folder. */
export async function adoptTask({ backlog, task }: Target): Promise<void> {
  await adopt(backlog, [task]);
}

/** Makes every task that exarp-go does not list here belong to the project of the folder. */
export async function adoptAll(backlog: Backlog): Promise<void> {
  const { snapshot } = backlog;
  if (snapshot === undefined) return;
  const foreign = foreignTasks(snapshot);
  await adopt(
    backlog,
    snapshot.tasks.filter((task) => foreign.has(task.id)),
  );
}

async function adopt(backlog: Backlog, tasks: readonly Task[]): Promise<void> {
  const project = backlog.snapshot?.project;
  const foreign = tasks.filter((task) => task.projectId !== project);
  if (project === undefined || foreign.length === 0) {
    await vscode.window.showInformationMessage(
      'Every task belongs to the project of this folder already.',
    );
    return;
  }
  const { message, detail } = askToAdopt(foreign, project);
  if (!(await confirm(message, detail, 'Adopt'))) return;
  await apply(
    backlog,
    ...foreign.map(
      ({ id, projectId }) => ({ kind: 'setProject', id, from: projectId, to: project }) as const,
    ),
  );
}

async function apply(backlog: Backlog, ...changes: readonly Change[]): Promise<void> {
  await tellFailure(backlog.edits.apply(changes));
}
