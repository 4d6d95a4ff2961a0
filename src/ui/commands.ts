import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Workspace } from '../core/batch/tool.ts';
import type { Failure } from '../core/failure.ts';
import type { RunState } from '../core/run/run-events.ts';
import { count, oneLine, plain } from '../core/text.ts';
import { isSettled, type Task, type TaskId } from '../core/task.ts';
import { copyAnalysis } from './analysis-report.ts';
import { chooseBatch, copyBatch } from './batch-commands.ts';
import type { AgentCommandsPort } from './agent-commands-port.ts';
import { byBacklog, confirm, pickBacklog, type Target, tell, tellFailure } from './ask.ts';
import type { Backlogs } from './backlogs.ts';
import { commandsOn, type Handler, isSeveral, targetsOf } from './command-targets.ts';
import {
  adoptAll,
  adoptTask,
  changeStatus,
  changeStatuses,
  createDependent,
  deleteTask,
  editDependencies,
  editTask,
} from './edit-commands.ts';
import { fixAllSafe, fixFinding } from './doctor/doctor-fix.ts';
import { explainFailure } from './messages.ts';
import { initialise } from './initialise.ts';
import { foreignTasks } from './doctor/foreign-tasks.ts';
import {
  claim,
  claimAll,
  claimNext,
  claimWave,
  forceRelease,
  release,
  takeOver,
} from './lock-commands.ts';
import {
  copyHandoffPrompt,
  deleteHandoff,
  isClosedHandoff,
  isOpenHandoff,
  openHandoff,
  resumeHandoff,
  setHandoffStatus,
} from './handoffs/handoff-commands.ts';
import { showHandoffs } from './handoffs/handoff-list.ts';
import { pickLock } from './locks-picker.ts';
import { newTask, type Reveal } from './new-task.ts';
import { clearFilter, filterTasks, findTask, groupTasks, type TreePort } from './tree-commands.ts';
import { chooseWaveSource, repairPlan, runPlanWave, takePlan, writePlan } from './plan-commands.ts';
import { chooseWaveFor } from './plan-move.ts';
import { revealStore } from './reveal-file.ts';
import {
  changeCap,
  dryRun,
  openRunReport,
  openTaskLog,
  requeueTask,
  resumeRun,
  runWith,
  steer,
  stopRun,
  stopWave,
} from './runs/run-commands.ts';
import { cleanUpWorktrees } from './review/clean-up.ts';
import { createPullRequest } from './review/pull-request-command.ts';
import { mergeAgain, resolveConflict } from './review/conflict-commands.ts';
import type { LineComments } from './review/line-comments.ts';
import {
  acceptChanges,
  acceptSelected,
  discardChanges,
  openWorktree,
  reviewChanges,
} from './review/review-commands.ts';
import { sendBackWork } from './review/send-back.ts';
import { isResumable } from './runs/run-row.ts';
import { stopAllRuns, stopTask } from './runs/run-stops.ts';
import { writeSetting } from './settings.ts';
import { startRun } from './runs/start-run.ts';
import { isStartable } from './task-row.ts';
import { tasksOfWave, type TreeNode } from './tree-nodes.ts';
import { writeHandoff } from './handoffs/write-handoff.ts';
import { openDocument } from './documents.ts';

/** What the commands work on; the log is shown, never written here. */
export interface CommandContext {
  readonly backlogs: Backlogs;
  readonly selection: () => readonly TreeNode[];
  readonly showLog: () => void;
  readonly agents: AgentCommandsPort;
  readonly tree: TreePort;
  readonly lineComments: Pick<LineComments, keyof LineComments>;
  /** Shows the board of a backlog, and in it a task. */
  readonly openBoard: (backlog: Backlog, id?: TaskId) => Promise<void>;
  /** What batches may read below a root. */
  readonly workspace: (root: string) => Workspace;
}

/** Registers every command of the manifest; a test holds the two lists to each other. */
export function registerCommands(context: CommandContext): vscode.Disposable[] {
  const { backlogs, agents, lineComments, tree } = context;
  const reveal: Reveal = (backlog, id) => tree.reveal(backlog, id);
  const { onRowBacklog, onBacklog, onWave, onTask, onTasks, onTasksAtOnce, onRun, onHandoff } =
    commandsOn(backlogs);
  const showRuns = onRun('Runs', isAny, openRunReport, 'always');
  const claimOne = onTask('Claim Task', canClaim, claim);
  const handlers: Readonly<Record<string, Handler>> = {
    refresh: () => backlogs.refresh(),
    runWave: trusted(
      onWave('Run Wave', (backlog, number) =>
        startRun(backlogs, backlog, { kind: 'wave', number }),
      ),
    ),
    runTask: trusted(
      onTasksAtOnce(
        'Run Task',
        canRun,
        (target) => startTasks(backlogs, [target]),
        (targets) => startTasks(backlogs, targets),
      ),
    ),
    runAllWaves: trusted(onBacklog((backlog) => startRun(backlogs, backlog, { kind: 'all' }))),
    runWaveWithSubagents: trusted(
      onWave('Run Wave with Subagents', (backlog, wave) =>
        agents.runWaveWithSubagents(backlog, wave),
      ),
    ),
    createAgentFiles: trusted(onBacklog((backlog) => agents.createAgentFiles(backlog))),
    copyMcpConfiguration: trusted(onBacklog((backlog) => agents.copyMcpConfiguration(backlog))),
    runWaveWith: trusted((node) => runWith(backlogs, node)),
    dryRun: trusted((node) => dryRun(backlogs, node)),
    runSelected: trusted(() => runSelected(backlogs, context.selection())),
    stop: () => stopAllRuns(backlogs),
    stopRun: onRun('Stop Run', isUnended, stopRun),
    stopTask: (node) => stopTask(backlogs, node),
    stopWave: (node) => stopWave(backlogs, node),
    pauseRun: onRun('Pause Run', isRunning, steer('pause')),
    goOnRun: trusted(onRun('Go On', isPaused, steer('goOn'))),
    resumeRun: trusted(onRun('Resume Run', isResumable, resumeRun)),
    requeueTask: trusted(requeueTask),
    changeCap: onRowBacklog(changeCap),
    openRunReport: onRun('Open Run Report', isAny, openRunReport),
    openTaskLog: (node) => openTaskLog(backlogs, node),
    reviewChanges: trusted((node) => reviewChanges(backlogs, lineComments, node)),
    acceptChanges: trusted((node, selected) =>
      isSeveral(selected)
        ? acceptSelected(backlogs, targetsOf(selected))
        : acceptChanges(backlogs, node),
    ),
    resolveConflict: trusted((node) => resolveConflict(backlogs, node)),
    mergeAgain: trusted((node) => mergeAgain(backlogs, node)),
    discardChanges: trusted((node) => discardChanges(backlogs, node)),
    createPullRequest: trusted((node) => createPullRequest(backlogs, node)),
    openWorktree: trusted((node) => openWorktree(backlogs, node)),
    sendBackWork: trusted((node) => sendBackWork(backlogs, lineComments, node)),
    // These get what they are about from the editor, and check it.
    addLineComment: (reply: unknown) => lineComments.add(reply),
    editLineComment: (comment: unknown) => lineComments.edit(comment),
    saveLineComment: (comment: unknown) => lineComments.save(comment),
    cancelLineComment: (comment: unknown) => lineComments.cancel(comment),
    deleteLineComment: (comment: unknown) => lineComments.remove(comment),
    cleanUpWorktrees: trusted(onBacklog((backlog) => cleanUpWorktrees(backlogs, backlog))),
    openBoard: (node) => openBoard(context, node),
    showRuns: () => showRuns(),
    clearRun: (node) => (node?.kind === 'run' ? node.backlog.runs.clear(node.runId) : undefined),
    claimTask: trusted((node, selected) =>
      isSeveral(selected) ? claimSelected(selected) : claimOne(node),
    ),
    claimNext: trusted(onBacklog(claimNext)),
    claimWave: trusted(onWave('Claim Wave', claimWave)),
    takeOverTask: trusted(onTask('Take Over Task', isLeft, takeOver)),
    forceRelease: trusted(onTask('Force Release', isTheirs, forceRelease)),
    releaseTask: trusted(onTasks('Release Task', isOurs, release)),
    finishTask: trusted(onTasks('Mark as Finished', awaitsManualCompletion, complete)),
    giveBackTask: trusted(onTasks('Give Back', isMineInRun, release)),
    markDone: trusted(onTasks('Mark as Done', isOpen, setStatus('Done'))),
    approveWave: trusted(approveWave),
    sendBack: trusted(onTasks('Send Back', isBegun, setStatus('Todo'))),
    openTask: onTask('Open Task', isAny, ({ backlog, task }) =>
      openDocument('task', backlog, task.id),
    ),
    showTerminal: (node) =>
      node !== undefined && 'taskId' in node
        ? backlogs.of(node.backlog).showTerminal(node.taskId)
        : undefined,
    copyTaskId: (node) =>
      node !== undefined && 'taskId' in node
        ? vscode.env.clipboard.writeText(node.taskId)
        : undefined,
    writePlan: trusted(onBacklog((backlog) => writePlan(backlogs, backlog, 'main'))),
    writeSubagentsPlan: trusted(onBacklog((backlog) => writePlan(backlogs, backlog, 'subagents'))),
    runPlanWave: trusted((wave) => runPlanWave(backlogs, wave)),
    repairPlan: trusted(() => repairPlan(backlogs)),
    takePlan: trusted(() => takePlan(backlogs)),
    chooseWaveSource: trusted(onBacklog(chooseWaveSource)),
    moveToWave: trusted((node, selected) => chooseWaveFor(isSeveral(selected) ? selected : [node])),
    findTask: () => findTask(backlogs, tree),
    groupTasks: () => groupTasks(tree),
    filterTasks: () => filterTasks(tree),
    clearFilter: () => clearFilter(tree),
    showLocks: () => pickLock(backlogs),
    writeHandoff: trusted(onBacklog((backlog) => writeHandoff(backlog, 'Write Handoff'))),
    endDay: trusted(onBacklog((backlog) => writeHandoff(backlog, 'End the Day'))),
    resumeHandoff: onHandoff('Resume from Handoff', isOpenHandoff, resumeHandoff),
    showHandoffs: () => showHandoffs(backlogs),
    openHandoff: (node) => openHandoff(node),
    closeHandoff: trusted(onHandoff('Close Handoff', isOpenHandoff, setHandoffStatus('closed'))),
    approveHandoff: trusted(
      onHandoff('Approve Handoff', isOpenHandoff, setHandoffStatus('approved')),
    ),
    reopenHandoff: trusted(onHandoff('Reopen Handoff', isClosedHandoff, setHandoffStatus('open'))),
    deleteHandoff: trusted(onHandoff('Delete Handoff', isAny, deleteHandoff)),
    copyHandoffPrompt: onHandoff('Copy Handoff as Prompt', isAny, copyHandoffPrompt),
    analyse: onRowBacklog((backlog) => openDocument('analysis', backlog)),
    runBatch: trusted(
      onBacklog((backlog) => chooseBatch(backlog, context.workspace(backlog.root))),
    ),
    openBatchReport: onRowBacklog((backlog) => openDocument('batch', backlog)),
    copyBatch: onRowBacklog(copyBatch),
    copyAnalysis: onBacklog(copyAnalysis),
    doctor: onRowBacklog((backlog) => openDocument('doctor', backlog)),
    fixFinding: trusted(fixFinding),
    fixAllSafe: trusted(onRowBacklog(fixAllSafe)),
    chooseAgent: trusted(onBacklog((backlog) => chooseAgent(backlogs, backlog))),
    openSettings: () =>
      vscode.commands.executeCommand(
        'workbench.action.openSettings',
        `@ext:todo2waves.todo2-waves`,
      ),
    showLog: () => context.showLog(),
    initialise: trusted(() => initialise(backlogs)),
    newTask: trusted(onRowBacklog((backlog) => newTask(backlog, reveal))),
    newDependentTask: trusted(
      onTask('New Task', isAny, (target) => createDependent(target, reveal)),
    ),
    editTask: trusted(onTask('Edit Task', isAny, editTask)),
    editDependencies: trusted(onTask('Edit Dependencies', isAny, editDependencies)),
    changeStatus: trusted(
      onTasksAtOnce('Change Status', isChangeable, changeStatus, changeStatuses),
    ),
    deleteTask: trusted(onTask('Delete Task', isAny, deleteTask)),
    adoptTask: trusted(onTask('Adopt into This Project', isForeign, adoptTask)),
    adoptAll: trusted(onBacklog(adoptAll)),
    revealStore: (node) => revealStore(node === undefined ? backlogs.all : [node.backlog]),
  };
  return Object.entries(handlers).map(([name, handler]) =>
    vscode.commands.registerCommand(`todo2Waves.${name}`, handler),
  );
}

/** Hidden commands can still be called, so trust is asked for here and not only in the manifest. */
function trusted(handler: Handler): Handler {
  return async (node, selected) => {
    if (vscode.workspace.isTrusted) await handler(node, selected);
    else await tell({ kind: 'readOnly', cause: { kind: 'untrusted' } });
  };
}

/** With the task of the row, where that has one. */
async function openBoard({ backlogs, openBoard: open }: CommandContext, node?: TreeNode) {
  const backlog = node?.backlog ?? (await pickBacklog(backlogs));
  if (backlog !== undefined)
    await open(backlog, node !== undefined && 'taskId' in node ? node.taskId : undefined);
}

async function runSelected(backlogs: Backlogs, selected: readonly TreeNode[]): Promise<void> {
  const [node] = selected;
  if (node?.kind === 'wave' && !isSeveral(selected))
    await startRun(backlogs, node.backlog, { kind: 'wave', number: node.number });
  else await startTasks(backlogs, targetsOf(selected));
}

/** Starts one run for all of these of a backlog. */
async function startTasks(backlogs: Backlogs, targets: readonly Target[]): Promise<void> {
  for (const [backlog, own] of byBacklog(targets)) {
    const ids = own.map(({ task }) => task.id);
    const [only, ...more] = ids;
    if (only === undefined) continue;
    const title = count(ids.length, 'task');
    await startRun(
      backlogs,
      backlog,
      more.length === 0 ? { kind: 'task', id: only } : { kind: 'tasks', title, ids },
    );
  }
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

function complete({ backlog, task }: Target): Promise<unknown> {
  return tellFailure(backlog.edits.complete(task));
}

function setStatus(to: 'Todo' | 'Done'): (target: Target) => Promise<unknown> {
  return ({ backlog, task }) => tellFailure(backlog.edits.setStatus(task, to));
}

/** Marks each task in Review as Done by itself; names those that changed meanwhile. */
async function approveWave(node?: TreeNode): Promise<void> {
  if (node?.kind !== 'wave') return;
  const { backlog, number } = node;
  const inReview = tasksOfWave(backlog, number).filter(({ status }) => status === 'Review');
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
  if (picked !== undefined) await writeSetting(backlog.root, 'agent', picked.id);
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
const isRunning = (_: Backlog, { phase, paused }: RunState): boolean =>
  phase === 'running' && paused === undefined;
const isPaused = (_: Backlog, { phase, paused }: RunState): boolean =>
  phase === 'running' && paused !== undefined;
const isUnended = (_: Backlog, { phase }: RunState): boolean => phase !== 'ended';
/** What others hold or an agent works on keeps its status until they are done. */
const isChangeable = (backlog: Backlog, task: Task): boolean =>
  backlog.leaseOf(task).kind !== 'theirs' && backlog.runs.of(task.id) === undefined;
const isBegun = (_: Backlog, task: Task): boolean => task.status !== 'Todo';
