import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { FOLLOW_UP_MOST } from '../../core/run/follow-up.ts';
import { sendBackText } from '../../core/run/send-back.ts';
import type { Task } from '../../core/task.ts';
import { count, plain } from '../../core/text.ts';
import { tell, tellFailure, valueOrTell } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import type { TreeNode } from '../tree-nodes.ts';
import type { LineComments } from './line-comments.ts';
import { isInConflict, isToDiscard, nameOf, workOf, type WorkTarget } from './work-target.ts';

/** Asks for a comment, and has the same agent go on with its work on a task. */
export async function sendBackWork(
  backlogs: Backlogs,
  comments: Pick<LineComments, 'of' | 'clear'>,
  node: TreeNode | undefined,
): Promise<void> {
  const fits = (work: WorkTarget): boolean => isToDiscard(work) || isInConflict(work);
  const target = await workOf(backlogs, node, 'Send Back', fits);
  if (target?.id === undefined) return;
  const { backlog, run, id } = target;
  const services = backlogs.of(backlog);
  if (!(await tellFailure(services.reviews.mayGoOn(run, id)))) return;
  const work = { runId: run.runId, id };
  const lines = comments.of(backlog.root, work);
  const comment = await askComment(nameOf(target), lines.length);
  if (comment === undefined) return;
  const text = sendBackText(comment, lines);
  if (text.length > FOLLOW_UP_MOST) {
    const size = `${text.length} characters are more than the ${FOLLOW_UP_MOST} that an agent gets at once.`;
    const message = `Nothing was sent: ${size} Delete or shorten some comments.`;
    return void vscode.window.showWarningMessage(message);
  }
  const task = backlog.task(id);
  if (task === undefined) return tell({ kind: 'noSuchTask', id });
  if (!(await startOn(target, task, text))) return;
  await comments.clear(backlog.root, work);
  await tellFailure(services.addNote(id, `Sent back by the reviewer.\n\n${text}`));
  const message = `${nameOf(target)} was sent back: its agent goes on with it.`;
  void vscode.window.showInformationMessage(plain(message));
}

/** The comment of the user; it may be empty where there are comments on lines. */
async function askComment(name: string, lines: number): Promise<string | undefined> {
  const also =
    lines === 0
      ? 'To comment on lines, use the + beside them in Review Changes.'
      : `${count(lines, 'comment')} on lines will be sent with it.`;
  return vscode.window.showInputBox({
    title: plain(`Send Back ${name}`),
    prompt: also,
    placeHolder:
      lines === 0 ? 'What is to be changed?' : 'What else is to be changed? May be empty.',
    ignoreFocusOut: true,
    validateInput: (value) =>
      value.trim() === '' && lines === 0 ? 'Write what is to be changed.' : undefined,
  });
}

/** Starts the run; a task that was in Review is so again where that fails. */
async function startOn(
  { backlog, run, id }: WorkTarget,
  task: Task,
  text: string,
): Promise<boolean> {
  if (id === undefined) return false;
  const isOpen = task.status === 'Todo' || task.status === 'In Progress';
  if (!isOpen && !(await tellFailure(backlog.edits.setStatus(task, 'Todo')))) return false;
  const started = await valueOrTell(backlog.runs.sendBack(run.runId, id, text));
  if (started === undefined && !isOpen) await restore(backlog, task);
  return started !== undefined;
}

async function restore(backlog: Backlog, { id, status }: Task): Promise<void> {
  const now = backlog.task(id);
  if (now?.status === 'Todo' && (status === 'Review' || status === 'Done'))
    await tellFailure(backlog.edits.setStatus(now, status));
}
