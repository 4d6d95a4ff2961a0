import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Change } from '../core/edit/change.ts';
import { count, plain } from '../core/text.ts';
import type { StatusMove } from '../core/plan/status-moves.ts';
import { undoChanges } from '../core/plan/undo-changes.ts';
import type { AddedDependency } from '../core/plan/wave-dependencies.ts';
import type { TaskId } from '../core/task.ts';
import { tellFailure } from './ask.ts';
import { nameIn } from './plan-words.ts';

/** A change that the user can agree to, in words. */
export interface PlanOffer {
  readonly change: Extract<Change, { kind: 'setStatus' | 'addDependency' }>;
  readonly label: string;
  readonly description: string;
  readonly isSuggested: boolean;
}

/** Added dependencies as offers; all of them together are what was asked for. */
export function dependencyOffers(
  backlog: Backlog,
  added: readonly AddedDependency[],
): readonly PlanOffer[] {
  return added.map(({ id, on }) => ({
    change: { kind: 'addDependency', id, on },
    label: `${nameIn(backlog, id)} waits for ${nameIn(backlog, on)}`,
    description: 'new dependency',
    isSuggested: true,
  }));
}

/** Statuses of a plan as offers; back, or In Progress without a lock, is not suggested. */
export function statusOffers(backlog: Backlog, moves: readonly StatusMove[]): readonly PlanOffer[] {
  return moves.map(({ task, to, direction, by }) => ({
    change: { kind: 'setStatus', id: task.id, from: task.rawStatus, to },
    label: `${nameIn(backlog, task.id)}: ${task.status} → ${to}`,
    description: [
      ...(direction === 'back' ? ['back'] : []),
      ...(to === 'In Progress' ? ['without a lock'] : []),
      by === 'checkBox' ? 'check box' : 'todo',
    ].join(', '),
    isSuggested: direction === 'forward' && to !== 'In Progress',
  }));
}

/**
 * Why a task cannot be changed now: another holder has it, or an agent of this window works on it.
 */
export function isTaken(backlog: Backlog, id: TaskId): boolean {
  const task = backlog.task(id);
  return (
    task !== undefined &&
    (backlog.leaseOf(task).kind === 'theirs' || backlog.runs.of(id) !== undefined)
  );
}

/**
 * Shows each change and makes those that the user agrees to, in one transaction; then offers to
 * take them back. `notes` are said below them, and cannot be chosen.
 */
export async function previewAndApply(
  backlog: Backlog,
  title: string,
  offers: readonly PlanOffer[],
  notes: readonly string[],
): Promise<void> {
  if (offers.length === 0) {
    const more = notes.length === 0 ? '' : ` ${notes.slice(0, 3).join(' ')}`;
    await vscode.window.showInformationMessage(
      plain(`${title}: there is nothing to change.${more}`),
    );
    return;
  }
  const items = offers.map((offer) => ({
    label: plain(offer.label),
    description: plain(offer.description),
    picked: offer.isSuggested,
    offer,
  }));
  const said = notes.map(
    (note) => ({ label: plain(note), kind: vscode.QuickPickItemKind.Separator }) as const,
  );
  const picked = await vscode.window.showQuickPick<
    vscode.QuickPickItem & { readonly offer?: PlanOffer }
  >([...items, ...said], {
    title,
    canPickMany: true,
    matchOnDescription: true,
    placeHolder: 'What is checked is changed, all of it or none',
  });
  const changes = (picked ?? []).flatMap(({ offer }) =>
    offer === undefined ? [] : [offer.change],
  );
  if (changes.length === 0) return;
  // The notice may stay open for long, so the command does not wait for it.
  if (await tellFailure(backlog.edits.apply(changes))) void offerUndo(backlog, changes);
}

async function offerUndo(backlog: Backlog, changes: readonly Change[]): Promise<void> {
  const undo = await vscode.window.showInformationMessage(
    `${count(changes.length, 'change')} made.`,
    'Undo',
  );
  if (undo === 'Undo') await takeBack(backlog, changes);
}

async function takeBack(backlog: Backlog, changes: readonly Change[]): Promise<void> {
  await backlog.refresh();
  const back = undoChanges(changes, backlog.snapshot?.byId ?? new Map());
  if (back === undefined) {
    await vscode.window.showWarningMessage(
      'These tasks have been changed since. Nothing was undone.',
    );
    return;
  }
  if (await tellFailure(backlog.edits.apply(back)))
    await vscode.window.showInformationMessage(`${count(back.length, 'change')} taken back.`);
}
