import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { HandoffDraft } from '../../core/handoff.ts';
import { count, oneLine, plain, firstOf } from '../../core/text.ts';
import type { Task } from '../../core/task.ts';
import { tell, tellFailure, valueOrTell } from '../ask.ts';
import { dayWords, recentRuns, runInHandoff } from './handoff-runs.ts';
import { openDocument } from '../documents.ts';

/**
 * Asks for the words of a handoff, shows what goes in with them, writes it, and only then releases
 * the locks that the user chooses. At the end of a day the summary begins with the results of the
 * runs.
 */
export async function writeHandoff(
  backlog: Backlog,
  title: 'Write Handoff' | 'End the Day',
): Promise<void> {
  const { state } = backlog.handoffs;
  if (state.kind === 'unreadable') {
    // Before anything is typed that could then not be written.
    await tell(state.failure);
    return;
  }
  const git = backlog.gitStatus();
  const ask = (
    step: number,
    prompt: string,
    example: string,
    more: Partial<vscode.InputBoxOptions> = {},
  ) =>
    vscode.window.showInputBox({
      title: `${title} (${step}/${STEPS})`,
      prompt,
      placeHolder: example,
      ignoreFocusOut: true, // looking something up elsewhere must not throw away what is typed
      ...more,
    });
  const summary = await ask(
    1,
    'What is the state of the work?',
    'Half of the parser is done, its tests are red',
    {
      validateInput: (text) => (text.trim() === '' ? 'A handoff needs a summary.' : undefined),
      ...(title === 'End the Day' ? afterwards(dayWords(recentRuns(backlog))) : {}),
    },
  );
  if (summary === undefined) return;
  const blockers = await ask(
    2,
    'What is in the way? Several with ; between them. Enter for nothing.',
    'No access to …',
  );
  if (blockers === undefined) return;
  const nextSteps = await ask(
    3,
    'What comes next? Several with ; between them. Enter for nothing.',
    'Write …; check …',
  );
  if (nextSteps === undefined) return;
  const parts = await pickParts(backlog, await git, title);
  if (parts === undefined) return;
  const draft = {
    summary: summary.trim(),
    blockers: listed(blockers),
    nextSteps: listed(nextSteps),
  };
  const key = await valueOrTell(backlog.handoffs.write({ ...draft, ...parts }));
  if (key === undefined) return;
  for (const id of parts.released) await tellFailure(backlog.claims.release(id));
  await openDocument('handoff', backlog, key);
}

const STEPS = 4;

/** The cursor stands behind what is there already. */
function afterwards(text: string): Partial<vscode.InputBoxOptions> {
  if (text === '') return {};
  const value = `${text} `;
  return { value, valueSelection: [value.length, value.length] };
}

function listed(text: string): readonly string[] {
  return text
    .split(';')
    .map((each) => each.trim())
    .filter(Boolean);
}

type Parts = Pick<HandoffDraft, 'inProgress' | 'runs' | 'held' | 'released' | 'git'>;

/** Shows what goes into the handoff; undefined where the user cancels. */
async function pickParts(
  backlog: Backlog,
  git: HandoffDraft['git'],
  title: string,
): Promise<Parts | undefined> {
  const inProgress = (backlog.snapshot?.tasks ?? []).filter(
    (task) => task.status === 'In Progress',
  );
  const ours = backlog
    .liveLocks()
    .flatMap(({ task, lease }) => (lease.kind === 'ours' ? [task] : []));
  const runs = recentRuns(backlog);
  const byHand = ours.filter((task) => backlog.runs.of(task.id) === undefined);
  const part = (
    id: string,
    label: string,
    detail: string,
  ): vscode.QuickPickItem & { readonly id: string } => ({
    id,
    label,
    detail: plain(detail),
    picked: true,
  });
  const items = [
    ...(inProgress.length > 0
      ? [part('tasks', count(inProgress.length, 'task') + ' in progress', named(inProgress))]
      : []),
    ...(runs.length > 0
      ? [part('runs', count(runs.length, 'run') + ' of agents', dayWords(runs))]
      : []),
    ...(git === undefined ? [] : [part('git', 'State of the working copy', gitWords(git))]),
    ...(byHand.length > 0
      ? [part('release', `Release my ${count(byHand.length, 'claim')}`, named(byHand))]
      : []),
  ];
  const picked =
    items.length === 0
      ? []
      : await vscode.window.showQuickPick(items, {
          title: `${title} (${STEPS}/${STEPS})`,
          placeHolder: 'What else goes in, and which locks are released',
          canPickMany: true,
          ignoreFocusOut: true,
        });
  if (picked === undefined) return undefined;
  const wants = (id: string): boolean => picked.some((item) => item.id === id);
  const released = wants('release') ? byHand.map((task) => task.id) : [];
  return {
    inProgress: wants('tasks') ? inProgress : [],
    runs: wants('runs') ? runs.map(runInHandoff) : [],
    git: wants('git') ? git : undefined,
    held: ours.map((task) => task.id).filter((id) => !released.includes(id)),
    released,
  };
}

function named(tasks: readonly Task[]): string {
  return firstOf(tasks, 5, (task) => oneLine(task.title) || task.id);
}

function gitWords({ branch, uncommittedFiles = 0 }: NonNullable<HandoffDraft['git']>): string {
  const files =
    uncommittedFiles === 0 ? 'everything committed' : count(uncommittedFiles, 'uncommitted file');
  return branch === undefined ? files : `${branch}, ${files}`;
}
