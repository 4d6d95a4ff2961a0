import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { handoffTitle, type Handoff } from '../../core/handoff.ts';
import { writeHandoffPrompt } from '../../core/handoff-prompt.ts';
import { count, plain } from '../../core/text.ts';
import { taskId } from '../../core/task.ts';
import { confirm, tellFailure } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import { statusWord, STATUS_ICONS, TROUBLE, whenWords } from './handoff-row.ts';
import { revealFile } from '../reveal-file.ts';
import type { TreeNode } from '../tree-nodes.ts';
import { openDocument } from '../documents.ts';

/** A handoff and where it stands. */
export interface HandoffTarget {
  readonly backlog: Backlog;
  readonly handoff: Handoff;
}

export type HandoffFits = (handoff: Handoff) => boolean;
export const isOpenHandoff: HandoffFits = ({ status }) => status === 'open';
export const isClosedHandoff: HandoffFits = ({ status }) => status !== 'open';

/** Shows the handoff of a row, or the file where that is what cannot be read. */
export async function openHandoff(node?: TreeNode): Promise<void> {
  if (node?.kind !== 'handoff') return;
  const { state } = node.backlog.handoffs;
  if (node.key !== TROUBLE) await openDocument('handoff', node.backlog, node.key);
  else if (state.kind === 'unreadable') await revealFile(state.failure);
}

/** Sets a handoff to this status. */
export function setHandoffStatus(
  to: 'open' | 'closed' | 'approved',
): (target: HandoffTarget) => Promise<unknown> {
  return ({ backlog, handoff }) => tellFailure(backlog.handoffs.setStatus(handoff, to));
}

export async function deleteHandoff({ backlog, handoff }: HandoffTarget): Promise<void> {
  const asked = `Delete the handoff “${handoffTitle(handoff, 80)}”?`;
  const detail =
    'It is taken out of .todo2/handoffs.json. A closed handoff stays in the list and is out of the way as well.';
  if (await confirm(asked, detail, 'Delete')) await tellFailure(backlog.handoffs.remove(handoff));
}

export async function copyHandoffPrompt({ backlog, handoff }: HandoffTarget): Promise<void> {
  await vscode.env.clipboard.writeText(
    writeHandoffPrompt(handoff, backlog.root, (id) => backlog.task(taskId(id))),
  );
  void vscode.window.setStatusBarMessage('Copied: a prompt that resumes from the handoff', 4_000);
}

/** Opens the prompt for an agent, and copies it for any chat or terminal. */
export async function resumeHandoff(target: HandoffTarget): Promise<void> {
  await copyHandoffPrompt(target);
  await openDocument('resume', target.backlog, target.handoff.key);
}

/** A handoff in a quick pick. */
export type HandoffItem = vscode.QuickPickItem & HandoffTarget;

/** Every handoff that fits, newest first, whichever backlog it is of. */
export function handoffItems(backlogs: Backlogs, fits: HandoffFits): HandoffItem[] {
  return backlogs.all
    .flatMap((backlog) => {
      const { state } = backlog.handoffs;
      const found = state.kind === 'read' ? state.handoffs.filter(fits) : [];
      return found.map((handoff) => ({ backlog, handoff }));
    })
    .sort((a, b) => (b.handoff.at ?? 0) - (a.handoff.at ?? 0))
    .map(({ backlog, handoff }) => ({
      ...describe(backlog, handoff, backlogs.all.length > 1),
      backlog,
      handoff,
    }));
}

function describe(backlog: Backlog, handoff: Handoff, isOneOfMany: boolean): vscode.QuickPickItem {
  const counts = [
    ...(handoff.blockers.length > 0 ? [count(handoff.blockers.length, 'blocker')] : []),
    ...(handoff.nextSteps.length > 0 ? [count(handoff.nextSteps.length, 'next step')] : []),
    ...(handoff.inProgress.length > 0
      ? [`${count(handoff.inProgress.length, 'task')} in progress`]
      : []),
  ];
  const place = [handoff.host || 'unknown host', whenWords(handoff.at, backlog.now)];
  return {
    label: `$(${STATUS_ICONS[handoff.status]}) ${plain(handoffTitle(handoff, 90))}`,
    description: plain(
      [...(isOneOfMany ? [backlog.name] : []), ...place].filter(Boolean).join(' · '),
    ),
    detail: plain([statusWord(handoff), ...counts].join(' · ')),
  };
}
