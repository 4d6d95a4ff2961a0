import type { Backlog } from '../../core/backlog.ts';
import type { RunChoice, RunScope } from '../../core/run/run-choice.ts';
import type { TaskId } from '../../core/task.ts';
import { valueOrTell } from '../ask.ts';
import { keepText, openDocument } from '../documents.ts';
import { dryRunDocument } from './dry-run-document.ts';

/** Shows what a run would do; nothing is started. */
export async function showDryRun(
  backlog: Backlog,
  scope: RunScope,
  choice: RunChoice,
): Promise<void> {
  const report = await valueOrTell(backlog.runs.forecasts.dryRun(scope, choice));
  if (report === undefined) return;
  const titleOf = (id: TaskId): string | undefined => backlog.task(id)?.title;
  const text = dryRunDocument(report, { titleOf, now: backlog.now });
  await openDocument('dryRun', backlog, keepText(text));
}
