import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Workspace } from '../core/batch/tool.ts';
import type { Failure } from '../core/failure.ts';
import { oneLine, plain } from '../core/text.ts';
import { isSettled, type Task, type TaskId } from '../core/task.ts';
import { copyAnalysis } from './analysis-report.ts';
import { chooseBatch, copyBatch } from './batch-commands.ts';
import type { AgentCommandsPort } from './agent-commands-port.ts';
import { confirm, pickBacklog, pickTask, tell } from './ask.ts';
import type { Backlogs } from './backlogs.ts';
import {
  adoptAll,
  adoptTask,
  changeStatus,
  createDependent,
  createTask,
  deleteTask,
  editDependencies,
  editTask,
  type Target,
} from './edit-commands.ts';
import { fixAllSafe, fixFinding } from './doctor/doctor-fix.ts';
import { explainFailure } from './messages.ts';
import { initialise } from './initialise.ts';
import { foreignTasks } from './doctor/foreign-tasks.ts';
import { claimAll, claimNext, claimWave, forceRelease, takeOver } from './lock-commands.ts';
import {
  copyHandoffPrompt,
  deleteHandoff,
  isClosedHandoff,
  isOpenHandoff,
  onHandoff,
  openHandoff,
  resumeHandoff,
  setHandoffStatus,
} from './handoffs/handoff-commands.ts';
import { showHandoffs } from './handoffs/handoff-list.ts';
import { pickLock } from './locks-picker.ts';
import { chooseWaveSource, repairPlan, runPlanWave, takePlan } from './plan-commands.ts';
import { chooseWaveFor } from './plan-move.ts';
import { revealFile } from './reveal-file.ts';
import {
  changeCap,
  dryRun,
  goOnRun,
  openTaskLog,
  pauseRun,
  requeueTask,
  resumeRun,
  runWith,
  showReport,
  showRuns,
  stopWave,
  tellFailure,
} from './run-commands.ts';
import { stopAllRuns, stopRun, stopTask } from './run-stops.ts';
import { SECTION } from './settings.ts';
import { isStartable } from './task-row.ts';
import type { TreeNode } from './tree-nodes.ts';
import { writeHandoff } from './handoffs/write-handoff.ts';
import { openDocument } from './documents.ts';
import { reasonText } from '../core/messages.ts';

/** What the commands work on; the log is shown, never written here. */
export interface CommandContext {
  readonly backlogs: Backlogs;
  readonly selection: () => readonly TreeNode[];
  readonly showLog: () => void;
  readonly agents: AgentCommandsPort;
  /** What batches may read below a root. */
  readonly workspace: (root: string) => Workspace;
}

/** Registers every command of the manifest; a test holds the two lists to each other. */
export function registerCommands(context: CommandContext): vscode.Disposable[] {
  const { backlogs, agents } = context;
  const handlers: Readonly<
    Record<string, (node?: TreeNode, selected?: readonly TreeNode[]) => unknown>
  > = {
    refresh: () => backlogs.refresh(),
    runWave: (node) => trusted(() => runWave(backlogs, node)),
    runTask: (node) =>
      trusted(() =>
        onTask(node, backlogs, 'Run Task', canRun, ({ backlog, task }) =>
          tellFailure(backlog.runs.start({ kind: 'task', id: task.id })),
        ),
      ),
    runAllWaves: () =>
      trusted(() =>
        onBacklog(backlogs, (backlog) => tellFailure(backlog.runs.start({ kind: 'all' }))),
      ),
    runWaveWithSubagents: (node) => trusted(() => runWaveWithSubagents(context, node)),
    createAgentFiles: () =>
      trusted(() => onBacklog(backlogs, (backlog) => agents.createAgentFiles(backlog))),
    copyMcpConfiguration: () =>
      trusted(() => onBacklog(backlogs, (backlog) => agents.copyMcpConfiguration(backlog))),
    runWaveWith: (node) => trusted(() => runWith(backlogs, node)),
    dryRun: (node) => trusted(() => dryRun(backlogs, node)),
    runSelected: () => trusted(() => runSelected(context)),
    stop: () => stopAllRuns(backlogs),
    stopRun: (node) => stopRun(backlogs, node),
    stopTask: (node) => stopTask(backlogs, node),
    stopWave: (node) => stopWave(backlogs, node),
    pauseRun: (node) => pauseRun(backlogs, node),
    goOnRun: (node) => trusted(() => goOnRun(backlogs, node)),
    resumeRun: (node) => trusted(() => resumeRun(backlogs, node)),
    requeueTask: (node) => trusted(() => requeueTask(node)),
    changeCap: (node) => changeCap(backlogs, node),
    openRunReport: (node) => showReport(backlogs, node),
    openTaskLog: (node) => openTaskLog(backlogs, node),
    showRuns: () => showRuns(backlogs),
    clearRun: (node) => (node?.kind === 'run' ? node.backlog.runs.clear(node.runId) : undefined),
    claimTask: (node, selected) =>
      trusted(() =>
        isSeveral(selected)
          ? claimSelected(selected)
          : onTask(node, backlogs, 'Claim Task', canClaim, claim),
      ),
    claimNext: () => trusted(() => onBacklog(backlogs, claimNext)),
    claimWave: (node) =>
      trusted(() =>
        node?.kind === 'wave'
          ? claimWave(node.backlog, node.number)
          : onWave(backlogs, 'Claim Wave', (backlog, number) => claimWave(backlog, number)),
      ),
    takeOverTask: (node) =>
      trusted(() => onTask(node, backlogs, 'Take Over Task', isLeft, takeOver)),
    forceRelease: (node) =>
      trusted(() => onTask(node, backlogs, 'Force Release', isTheirs, forceRelease)),
    releaseTask: (node, selected) =>
      trusted(() => onTasks(node, selected, backlogs, 'Release Task', isOurs, release)),
    finishTask: (node, selected) =>
      trusted(() =>
        onTasks(node, selected, backlogs, 'Mark as Finished', awaitsManualCompletion, complete),
      ),
    giveBackTask: (node, selected) =>
      trusted(() => onTasks(node, selected, backlogs, 'Give Back', isMineInRun, release)),
    markDone: (node, selected) =>
      trusted(() =>
        onTasks(node, selected, backlogs, 'Mark as Done', isOpen, (target) =>
          setStatus(target, 'Done'),
        ),
      ),
    approveWave: (node) => trusted(() => approveWave(node)),
    sendBack: (node, selected) =>
      trusted(() =>
        onTasks(node, selected, backlogs, 'Send Back', isBegun, (target) =>
          setStatus(target, 'Todo'),
        ),
      ),
    openTask: (node) =>
      onTask(
        node,
        backlogs,
        'Open Task',
        () => true,
        ({ backlog, task }) => openDocument('task', backlog, task.id),
      ),
    showTerminal: (node) =>
      node !== undefined && 'taskId' in node
        ? backlogs.of(node.backlog).showTerminal(node.taskId)
        : undefined,
    copyTaskId: (node) =>
      node !== undefined && 'taskId' in node
        ? vscode.env.clipboard.writeText(node.taskId)
        : undefined,
    writePlan: () =>
      trusted(() => onBacklog(backlogs, (backlog) => writePlan(backlogs, backlog, 'main'))),
    writeSubagentsPlan: () =>
      trusted(() => onBacklog(backlogs, (backlog) => writePlan(backlogs, backlog, 'subagents'))),
    runPlanWave: (wave) => trusted(() => runPlanWave(wave)),
    repairPlan: () => trusted(() => repairPlan(backlogs)),
    takePlan: () => trusted(() => takePlan(backlogs)),
    chooseWaveSource: () => trusted(() => chooseWaveSource(backlogs)),
    moveToWave: (node, selected) =>
      trusted(() => moveSelected(isSeveral(selected) ? selected : [node])),
    showLocks: () =>
      pickLock(backlogs, {
        release,
        forceRelease: (target) => trusted(() => forceRelease(target)),
      }),
    writeHandoff: () => trusted(() => writeHandoff(backlogs, 'Write Handoff')),
    endDay: () => trusted(() => writeHandoff(backlogs, 'End the Day')),
    resumeHandoff: (node) =>
      onHandoff(node, backlogs, 'Resume from Handoff', isOpenHandoff, resumeHandoff),
    showHandoffs: () => showHandoffs(backlogs),
    openHandoff: (node) => openHandoff(node),
    closeHandoff: (node) =>
      trusted(() =>
        onHandoff(node, backlogs, 'Close Handoff', isOpenHandoff, (it) =>
          setHandoffStatus(it, 'closed'),
        ),
      ),
    approveHandoff: (node) =>
      trusted(() =>
        onHandoff(node, backlogs, 'Approve Handoff', isOpenHandoff, (it) =>
          setHandoffStatus(it, 'approved'),
        ),
      ),
    reopenHandoff: (node) =>
      trusted(() =>
        onHandoff(node, backlogs, 'Reopen Handoff', isClosedHandoff, (it) =>
          setHandoffStatus(it, 'open'),
        ),
      ),
    deleteHandoff: (node) =>
      trusted(() => onHandoff(node, backlogs, 'Delete Handoff', () => true, deleteHandoff)),
    copyHandoffPrompt: (node) =>
      onHandoff(node, backlogs, 'Copy Handoff as Prompt', () => true, copyHandoffPrompt),
    analyse: (node) => onBacklogOf(node, backlogs, (backlog) => openDocument('analysis', backlog)),
    runBatch: () =>
      trusted(() =>
        onBacklog(backlogs, (backlog) => chooseBatch(backlog, context.workspace(backlog.root))),
      ),
    openBatchReport: (node) =>
      onBacklogOf(node, backlogs, (backlog) => openDocument('batch', backlog)),
    copyBatch: (node) => onBacklogOf(node, backlogs, copyBatch),
    copyAnalysis: () => onBacklog(backlogs, copyAnalysis),
    doctor: (node) => onBacklogOf(node, backlogs, (backlog) => openDocument('doctor', backlog)),
    fixFinding: (node) => trusted(() => fixFinding(node)),
    fixAllSafe: (node) => trusted(() => fixAllSafe(backlogs, node)),
    chooseAgent: () =>
      trusted(() => onBacklog(backlogs, (backlog) => chooseAgent(backlogs, backlog))),
    openSettings: () =>
      vscode.commands.executeCommand(
        'workbench.action.openSettings',
        `@ext:todo2waves.todo2-waves`,
      ),
    showLog: () => context.showLog(),
    initialise: () => trusted(() => initialise(backlogs)),
    newTask: (node) => trusted(() => createTask(backlogs, node)),
    newDependentTask: (node) =>
      trusted(() => onTask(node, backlogs, 'New Task', isAny, createDependent)),
    editTask: (node) =>
      trusted(() =>
        onTask(node, backlogs, 'Edit Task', isAny, (target) => editTask(target, claim)),
      ),
    editDependencies: (node) =>
      trusted(() => onTask(node, backlogs, 'Edit Dependencies', isAny, editDependencies)),
    changeStatus: (node) =>
      trusted(() =>
        onTask(node, backlogs, 'Change Status', isAny, (target) => changeStatus(target, claim)),
      ),
    deleteTask: (node) => trusted(() => onTask(node, backlogs, 'Delete Task', isAny, deleteTask)),
    adoptTask: (node) =>
      trusted(() => onTask(node, backlogs, 'Adopt into This Project', isForeign, adoptTask)),
    adoptAll: () => trusted(() => adoptAll(backlogs)),
    revealStore: (node) => revealStore(backlogs, node),
  };
  return Object.entries(handlers).map(([name, handler]) =>
    // The editor passes the row, and as a second argument all rows that are selected with it.
    vscode.commands.registerCommand(
      `todo2Waves.${name}`,
      (node?: TreeNode, selected?: readonly TreeNode[]) => handler(node, selected),
    ),
  );
}

/** Hidden commands can still be called, so trust is asked for here and not only in the manifest. */
async function trusted(action: () => Promise<unknown>): Promise<void> {
  if (vscode.workspace.isTrusted) await action();
  else await tell({ kind: 'readOnly', cause: { kind: 'untrusted' } });
}

/** The file of the row's backlog, or of the first one that cannot be read. */
async function revealStore(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  for (const { store } of node === undefined ? backlogs.all : [node.backlog]) {
    if (store.kind !== 'unreadable') continue;
    await revealFile(store.failure);
    return;
  }
}

async function onBacklog(
  backlogs: Backlogs,
  action: (backlog: Backlog) => Promise<unknown>,
): Promise<void> {
  await onBacklogOf(undefined, backlogs, action);
}

/** The backlog of a row; without a row the one that there is, or that the user picks. */
async function onBacklogOf(
  node: TreeNode | undefined,
  backlogs: Backlogs,
  action: (backlog: Backlog) => Promise<unknown>,
): Promise<void> {
  const backlog = node?.backlog ?? (await pickBacklog(backlogs));
  if (backlog !== undefined) await action(backlog);
}

async function onTask(
  node: TreeNode | undefined,
  backlogs: Backlogs,
  title: string,
  fits: (backlog: Backlog, task: Task) => boolean,
  action: (target: Target) => Promise<unknown>,
): Promise<void> {
  if (node !== undefined && 'taskId' in node) {
    const task = node.backlog.task(node.taskId);
    if (task === undefined) await tell({ kind: 'noSuchTask', id: node.taskId });
    else await action({ backlog: node.backlog, task });
    return;
  }
  const target = await pickTask(backlogs, title, fits);
  if (target !== undefined) await action(target);
}

/** As `onTask`, and where several rows are selected, for each of them that it fits. */
async function onTasks(
  node: TreeNode | undefined,
  selected: readonly TreeNode[] | undefined,
  ...rest: Parameters<typeof onTask> extends [unknown, ...infer Rest] ? Rest : never
): Promise<void> {
  if (!isSeveral(selected)) {
    await onTask(node, ...rest);
    return;
  }
  const [, , fits, action] = rest;
  for (const { backlog, ...row } of selected) {
    const task = 'taskId' in row ? backlog.task(row.taskId) : undefined;
    if (task !== undefined && fits(backlog, task)) await action({ backlog, task });
  }
}

async function runWave(backlogs: Backlogs, node: TreeNode | undefined): Promise<void> {
  if (node?.kind === 'wave') {
    await tellFailure(node.backlog.runs.start({ kind: 'wave', number: node.number }));
    return;
  }
  await onWave(backlogs, 'Run Wave', (backlog, number) =>
    tellFailure(backlog.runs.start({ kind: 'wave', number })),
  );
}

async function runWaveWithSubagents(
  { backlogs, agents }: CommandContext,
  node: TreeNode | undefined,
): Promise<void> {
  const run = (backlog: Backlog, number: number): Promise<void> =>
    agents.runWaveWithSubagents(backlog, number);
  if (node?.kind === 'wave') await run(node.backlog, node.number);
  else await onWave(backlogs, 'Run Wave with Subagents', run);
}

async function onWave(
  backlogs: Backlogs,
  title: string,
  action: (backlog: Backlog, number: number) => Promise<unknown>,
): Promise<void> {
  await onBacklog(backlogs, async (backlog) => {
    const items = (backlog.plan?.waves ?? []).map((wave) => {
      const progress = backlog.progressOf(wave);
      return {
        label: `Wave ${wave.number}`,
        description: `${progress.ready} of ${progress.total} ready`,
        detail: plain(
          wave.tasks
            .slice(0, 6)
            .map((task) => task.title || task.id)
            .join(' · '),
        ),
        number: wave.number,
      };
    });
    if (items.length === 0) {
      await tell({ kind: 'nothingToRun' });
      return;
    }
    const picked = await vscode.window.showQuickPick(items, { title });
    if (picked !== undefined) await action(backlog, picked.number);
  });
}

async function runSelected({ selection }: CommandContext): Promise<void> {
  const [node] = selection();
  if (node?.kind === 'wave')
    await tellFailure(node.backlog.runs.start({ kind: 'wave', number: node.number }));
  else if (node !== undefined && 'taskId' in node) {
    const task = node.backlog.task(node.taskId);
    if (task !== undefined)
      await tellFailure(node.backlog.runs.start({ kind: 'task', id: task.id }));
  }
}

async function claim({ backlog, task }: Target): Promise<void> {
  const readiness = backlog.readinessOf(task);
  const waits =
    readiness.kind === 'notReady'
      ? readiness.reasons.filter((r) => r.kind !== 'unleased' && r.kind !== 'held')
      : [];
  if (waits.length > 0) {
    const why = waits.map((reason) => reasonText(reason, backlog.now)).join('\n');
    if (!(await confirm(`“${task.title || task.id}” is not ready. Claim it anyway?`, why, 'Claim')))
      return;
  }
  const first = await backlog.claims.claim(task.id);
  if (first.ok) return;
  if (first.failure.kind !== 'unleased') {
    await tell(first.failure);
    return;
  }
  const asked = `${task.id} is assigned to ${first.failure.holder} with no expiry. Take it over?`;
  if (!(await confirm(asked, 'Its holder is not notified.', 'Take Over'))) return;
  const second = await backlog.claims.claim(task.id, 'takeUnleased');
  if (!second.ok) await tell(second.failure);
}

/** Claims the tasks of several rows, all of a backlog or none. */
async function claimSelected(selected: readonly TreeNode[]): Promise<void> {
  const idsOf = new Map<Backlog, Set<TaskId>>();
  for (const node of selected) {
    const ids = idsOf.get(node.backlog) ?? new Set();
    idsOf.set(node.backlog, ids);
    if ('taskId' in node) ids.add(node.taskId);
  }
  for (const [backlog, ids] of idsOf) if (ids.size > 0) await claimAll(backlog, [...ids]);
}

/** Moves the tasks of the rows that are of one backlog to a wave that the user picks. */
async function moveSelected(rows: readonly (TreeNode | undefined)[]): Promise<void> {
  const tasks = rows.filter((node) => node?.kind === 'task');
  const [first] = tasks;
  if (first === undefined) return;
  const ids = tasks.filter(({ backlog }) => backlog === first.backlog).map((node) => node.taskId);
  await chooseWaveFor(first.backlog, ids);
}

async function complete({ backlog, task }: Target): Promise<void> {
  await tellFailure(backlog.edits.complete(task));
}

async function release({ backlog, task }: Target): Promise<void> {
  const released = await backlog.claims.release(task.id);
  if (!released.ok) await tell(released.failure);
}

async function setStatus({ backlog, task }: Target, to: 'Todo' | 'Done'): Promise<void> {
  const set = await backlog.edits.setStatus(task, to);
  if (!set.ok) await tell(set.failure);
}

/**
 * Marks everything in Review as Done, one short transaction each; tasks that changed meanwhile stay
 * and are named.
 */
async function approveWave(node: TreeNode | undefined): Promise<void> {
  if (node?.kind !== 'wave') return;
  const { backlog, number } = node;
  const tasks = backlog.plan?.waves.find((wave) => wave.number === number)?.tasks ?? [];
  const inReview = tasks.filter((t) => t.status === 'Review');
  const asked = `Mark ${inReview.length} tasks of wave ${number} as Done?`;
  const titles = inReview.map((task) => oneLine(task.title) || task.id).join('\n');
  // Several at once, and the waves move up when it is done: a second click in the same place must
  // not start the next one.
  if (inReview.length > 1 && !(await confirm(asked, titles, 'Mark as Done'))) return;
  const refused: Failure[] = [];
  for (const task of inReview) {
    const set = await backlog.edits.setStatus(task, 'Done');
    if (!set.ok) refused.push(set.failure);
  }
  const [first, ...more] = refused;
  if (first === undefined) return;
  const others = more.length === 0 ? '' : ` ${more.length} more could not be marked either.`;
  void vscode.window.showWarningMessage(plain(explainFailure(first, backlog.now).message + others));
}

async function writePlan(
  backlogs: Backlogs,
  backlog: Backlog,
  kind: 'main' | 'subagents',
): Promise<void> {
  const written = await backlogs.of(backlog).writePlan(kind);
  if (!written.ok) {
    await tell(written.failure);
    return;
  }
  await vscode.window.showTextDocument(vscode.Uri.file(written.value), { preview: false });
}

async function chooseAgent(backlogs: Backlogs, backlog: Backlog): Promise<void> {
  const choices = await backlogs.of(backlog).agents();
  const picked = await vscode.window.showQuickPick(
    choices.map((choice) => ({
      label: choice.isChosen ? `$(check) ${choice.title}` : choice.title,
      description: choice.id,
      detail:
        choice.command === undefined
          ? choice.id === 'custom'
            ? 'not set'
            : 'not installed'
          : plain(choice.command),
      id: choice.id,
    })),
    { title: 'Which agent works on the tasks of this folder?' },
  );
  if (picked === undefined) return;
  const root = vscode.Uri.file(backlog.root);
  const isOneOfMany =
    (vscode.workspace.workspaceFolders?.length ?? 0) > 1 &&
    vscode.workspace.getWorkspaceFolder(root);
  const target = isOneOfMany
    ? vscode.ConfigurationTarget.WorkspaceFolder
    : vscode.ConfigurationTarget.Workspace;
  await vscode.workspace.getConfiguration(SECTION, root).update('agent', picked.id, target);
}

const canRun = (backlog: Backlog, task: Task): boolean =>
  !isSettled(task.status) &&
  isStartable(backlog.readinessOf(task)) &&
  backlog.runs.of(task.id) === undefined;
const canClaim = (backlog: Backlog, task: Task): boolean =>
  (task.status === 'Todo' || task.status === 'In Progress') &&
  backlog.leaseOf(task).kind !== 'ours';
const isTheirs = (backlog: Backlog, task: Task): boolean =>
  task.lock !== undefined && !backlog.isOurs(task.lock.holder);
const isLeft = (backlog: Backlog, task: Task): boolean =>
  isTheirs(backlog, task) && canClaim(backlog, task) && backlog.leaseOf(task).kind !== 'theirs';
const isSeveral = (selected: readonly TreeNode[] | undefined): selected is readonly TreeNode[] =>
  selected !== undefined && selected.length > 1;
const isOurs = (backlog: Backlog, task: Task): boolean =>
  task.lock !== undefined && backlog.isOurs(task.lock.holder);
const awaitsManualCompletion = (backlog: Backlog, { id }: Task): boolean =>
  backlog.runs.awaitsManualCompletion(id);
const isMineInRun = (backlog: Backlog, { id }: Task): boolean =>
  backlog.runs.awaitsManualCompletion(id) &&
  backlog.runs.of(id)?.tasks.get(id)?.agent.agentMode === 'human';
const isAny = (): boolean => true;
const isForeign = ({ snapshot }: Backlog, task: Task): boolean =>
  snapshot !== undefined && foreignTasks(snapshot).has(task.id);
const isOpen = (_: Backlog, task: Task): boolean => !isSettled(task.status);
const isBegun = (_: Backlog, task: Task): boolean => task.status !== 'Todo';
