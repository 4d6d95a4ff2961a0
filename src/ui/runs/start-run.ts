import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import { isProgram, type RunOutlook } from '../../core/run-forecasts.ts';
import { agentTitle } from '../../core/run/run-messages.ts';
import type { RunChoice, RunScope } from '../../core/run/run-choice.ts';
import { count, duration, oneLine, plain } from '../../core/text.ts';
import { tell, tellFailure } from '../ask.ts';
import type { Backlogs } from '../backlogs.ts';
import { showDryRun } from './show-dry-run.ts';

/** A run of more tasks than these is started only after a question, and can begin with as many. */
const MANY = 8;

/** Runs that are being started: a second press of the same button is not another run. */
const starting = new WeakMap<Backlog, Set<string>>();

/**
 * Starts a run and tells why where it could not be started. The user is asked before many agents,
 * and before the first agent at all; and where something is not committed, what the worktrees begin
 * with.
 */
export async function startRun(
  backlogs: Backlogs,
  backlog: Backlog,
  scope: RunScope,
  choice: RunChoice = {},
): Promise<void> {
  const open = starting.get(backlog) ?? new Set();
  starting.set(backlog, open);
  const key = JSON.stringify(scope);
  if (open.has(key)) return;
  open.add(key);
  try {
    const outlook = backlog.runs.forecasts.outlook(scope, choice);
    if (!outlook.ok && outlook.failure.kind === 'alreadyRunning') {
      await tellWhatRuns(backlog, scope);
      return;
    }
    // A run that cannot be started says so itself, with every reason that there may be.
    const asked = outlook.ok ? await askFirst(backlogs, backlog, outlook.value, scope) : scope;
    if (asked === 'preview') await showDryRun(backlog, scope, choice);
    else if (asked !== undefined) await start(backlog, asked, choice);
  } finally {
    open.delete(key);
  }
}

/** What to start, after the user has seen how much it is; undefined where they leave it. */
async function askFirst(
  backlogs: Backlogs,
  backlog: Backlog,
  outlook: RunOutlook,
  scope: RunScope,
): Promise<RunScope | 'preview' | undefined> {
  const { ids, agents, cap, ms, isFirstOfAgents } = outlook;
  const isFirst = isFirstOfAgents && agents.some(isProgram);
  const isMany = ids.length > MANY;
  if (!isFirst && !isMany) return scope;
  const names = await Promise.all(agents.map((kind) => nameOf(backlogs, backlog, kind)));
  const size = [
    count(ids.length, 'task'),
    names.map(oneLine).join(', '),
    `${Math.min(cap, ids.length)} at a time`,
    `about ${duration(ms)}`,
  ].join(' · ');
  const next = `Run Next ${MANY}`;
  const all = isMany ? 'Run All' : 'Run';
  const chosen = await vscode.window.showInformationMessage(
    plain(size),
    { modal: true, detail: isFirst ? FIRST : ESTIMATED },
    ...(isMany ? [next] : []),
    all,
    'Preview',
  );
  if (chosen === 'Preview') return 'preview';
  if (chosen === all) return scope;
  return chosen === next ? nextOf(backlog, outlook) : undefined;
}

const ESTIMATED =
  'The time is an estimate. Preview shows the order, the commands and the prompts; nothing is started.';

const FIRST = `This is the first run with an agent here. Each task gets a process of its own that changes files in this folder, or in a worktree of it, and that may use what you pay for. ${ESTIMATED}`;

async function nameOf(backlogs: Backlogs, backlog: Backlog, kind: string): Promise<string> {
  if (kind !== 'auto') return agentTitle(kind);
  const choices = await backlogs.of(backlog).agents();
  const found = choices.find(({ id }) => id === 'auto')?.command;
  return choices.find(({ id, command }) => id !== 'auto' && command === found)?.title ?? 'an agent';
}

/** The first of them that can start now; where there are fewer, then those that follow. */
function nextOf(backlog: Backlog, { ids }: RunOutlook): RunScope {
  const isReady = (id: (typeof ids)[number]): boolean => {
    const task = backlog.task(id);
    return task !== undefined && backlog.readinessOf(task).kind !== 'notReady';
  };
  const ready = ids.filter(isReady).slice(0, MANY);
  return {
    kind: 'tasks',
    title: `Next ${MANY}`,
    ids: ready.length > 0 ? ready : ids.slice(0, MANY),
  };
}

/** Which run has all of it already. */
async function tellWhatRuns(backlog: Backlog, scope: RunScope): Promise<void> {
  const live = backlog.runs.all.filter(({ phase }) => phase !== 'ended');
  const [run] = scope.kind === 'task' ? live.filter(({ tasks }) => tasks.has(scope.id)) : live;
  if (run === undefined) return tell({ kind: 'alreadyRunning' });
  const open = [...run.tasks.values()].filter(({ phase }) => phase !== 'ended');
  const waiting = open.filter(({ phase }) => phase === 'queued').length;
  const counts = [
    ...(open.length > waiting ? [`${open.length - waiting} at work`] : []),
    ...(waiting > 0 ? [`${waiting} waiting`] : []),
  ].join(', ');
  const message = `Nothing was started: the run “${oneLine(run.title)}” has this already (${counts}).`;
  const chosen = await vscode.window.showInformationMessage(plain(message), 'Show Run');
  if (chosen !== undefined) await vscode.commands.executeCommand('todo2Waves.runs.focus');
}

async function start({ runs }: Backlog, scope: RunScope, choice: RunChoice): Promise<void> {
  const started = await runs.start(scope, choice);
  if (started.ok) return;
  if (started.failure.kind !== 'uncommitted') {
    await tell(started.failure);
    return;
  }
  const chosen = await vscode.window.showInformationMessage(
    'You have uncommitted changes. What do the agents begin with?',
    { modal: true, detail: DETAIL },
    ...Object.keys(PLACES),
  );
  const place = chosen === undefined ? undefined : PLACES[chosen];
  if (place !== undefined) await tellFailure(runs.start(scope, { ...choice, ...place }));
}

const PLACES: Readonly<Record<string, RunChoice>> = {
  'Last Commit': { isolationStart: 'commit' },
  'My Files as They Are': { isolationStart: 'snapshot' },
  'Work in This Folder': { isolation: 'shared' },
};

const DETAIL = [
  'Each agent gets a Git worktree of its own.',
  'Last Commit: agents do not see your changes.',
  'My Files as They Are: agents see them, too. Your files stay uncommitted; commit them before you accept the work.',
  'Work in This Folder: no worktrees. All agents change the files that you have open.',
  'The setting “Worktrees Begin” answers this for every run.',
].join('\n\n');
