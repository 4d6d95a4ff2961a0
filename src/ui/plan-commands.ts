import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { KNOWN_WAVE_FILES } from '../core/plan/wave-override.ts';
import { oneLine, plain } from '../core/text.ts';
import { changeForWaves } from '../core/plan/plan-waves.ts';
import { failureText } from '../core/messages.ts';
import type { TaskId } from '../core/task.ts';
import { pickBacklog, pickOne, tell, tellFailure, valueOrTell } from './ask.ts';
import { startRun } from './runs/start-run.ts';
import type { Backlogs } from './backlogs.ts';
import { dependencyOffers, isTaken, previewAndApply, statusOffers } from './plan-apply.ts';
import { backlogOf, isWaveSource } from './plan-editor.ts';
import { explainDamage, explainRefusal } from './plan-words.ts';
import { writeSetting } from './settings.ts';
import { documentUri, keepText } from './documents.ts';
import { readWhole } from '../disk/read-whole.ts';

/** More than a plan of a hundred thousand tasks has. */
const MAX_PLAN_BYTES = 64 * 1024 * 1024;

/** What a lens of a plan runs. */
interface PlanWave {
  readonly kind: 'planWave';
  readonly backlog: Backlog;
  readonly title: string;
  readonly ids: readonly TaskId[];
}

/** Runs what a line of a plan names. */
export async function runPlanWave(backlogs: Backlogs, wave: unknown): Promise<void> {
  if (!isPlanWave(wave)) return;
  const { backlog, title, ids } = wave;
  await startRun(backlogs, backlog, { kind: 'tasks', title: oneLine(title), ids });
}

function isPlanWave(value: unknown): value is PlanWave {
  return (
    typeof value === 'object' && value !== null && 'kind' in value && value.kind === 'planWave'
  );
}

/** A plan that is open, or that the user picks, with the backlog it belongs to. */
interface Target {
  readonly backlog: Backlog;
  readonly document: vscode.TextDocument;
}

async function choosePlan(backlogs: Backlogs, title: string): Promise<Target | undefined> {
  const open = vscode.window.activeTextEditor?.document;
  if (open?.uri.fsPath.endsWith('.plan.md') === true) {
    const backlog = backlogOf(backlogs, open.uri);
    if (backlog !== undefined) return { backlog, document: open };
  }
  const backlog = await pickBacklog(backlogs);
  if (backlog === undefined) return undefined;
  const items = (await planFiles(backlog)).map((uri) => ({
    label: plain(vscode.workspace.asRelativePath(uri, false)),
    uri,
  }));
  const none = `${title}: there is no plan file. “Write Wave Plan” makes one.`;
  const picked = items.length === 1 ? items[0] : await pickOne(items, none, { title });
  return picked && { backlog, document: await vscode.workspace.openTextDocument(picked.uri) };
}

/** Where plans are, relative to the root. */
const PLAN_FOLDERS = ['.cursor/plans', 'docs', '.'] as const;

/**
 * The files in these folders by whose name they could have waves; what may not be read has none.
 */
async function planFiles(
  { root }: Backlog,
  isWanted: (path: string) => boolean = isPlan,
): Promise<vscode.Uri[]> {
  const found = await Promise.all(
    PLAN_FOLDERS.map(async (folder) => {
      const uri = vscode.Uri.joinPath(vscode.Uri.file(root), folder);
      const entries = await vscode.workspace.fs.readDirectory(uri).then(
        (all) => all,
        () => [],
      );
      return entries
        .filter(
          ([name, type]) => type !== vscode.FileType.Directory && isWanted(`${folder}/${name}`),
        )
        .map(([name]) => vscode.Uri.joinPath(uri, name));
    }),
  );
  return found.flat();
}

function isPlan(path: string): boolean {
  return path.endsWith('.plan.md');
}

/** Writes a plan file and opens it. */
export async function writePlan(
  backlogs: Backlogs,
  backlog: Backlog,
  kind: 'main' | 'subagents',
): Promise<void> {
  const services = backlogs.of(backlog);
  let written = await services.writePlan(kind);
  if (!written.ok && written.failure.kind === 'notAPlan') {
    const { instead } = written.failure;
    if (instead !== undefined) {
      const text = plain(failureText(written.failure, backlog.now));
      const write = plain(`Write ${instead}`);
      if ((await vscode.window.showWarningMessage(text, write)) !== write) return;
      written = await services.writePlan(kind, instead);
    }
  }
  const file = await valueOrTell(Promise.resolve(written));
  if (file !== undefined)
    await vscode.window.showTextDocument(vscode.Uri.file(file), { preview: false });
}

/** Shows the problems of a plan and its repaired text, and writes that where the user agrees. */
export async function repairPlan(backlogs: Backlogs): Promise<void> {
  const target = await choosePlan(backlogs, 'Repair Plan');
  if (target === undefined) return;
  const { backlog, document } = target;
  const { name } = backlog;
  // Where the waves come from this very file, they are its author's, and stay.
  const isSource = isWaveSource(backlog, document.uri);
  const plan = isSource ? backlog.plan : backlog.computedPlan;
  if (plan === undefined) return;
  if (document.isDirty) {
    await vscode.window.showWarningMessage('Save the plan first: what is not saved would be lost.');
    return;
  }
  const { uri } = document;
  const read = await readWhole(uri.fsPath, { root: backlog.root, mostBytes: MAX_PLAN_BYTES });
  if (!read.ok) {
    await tell({ kind: 'unreadable', file: uri.fsPath, ...read.failure });
    return;
  }
  const existing = read.value?.bytes.toString('utf8') ?? '';
  // YAML is for those who work on plans only.
  const [{ isPlanOf, readPlan }, { repairPlan: repair, undoneDamage }] = await Promise.all([
    import('../core/plan/read-plan.ts'),
    import('../core/plan/repair-plan.ts'),
  ]);
  const readBefore = readPlan(existing);
  if (!isPlanOf(readBefore, (id) => backlog.snapshot?.byId.has(id as TaskId) === true)) {
    await tell({ kind: 'notAPlan', file: uri.fsPath });
    return;
  }
  const date = new Date(backlog.now).toLocaleDateString('sv-SE');
  const text = repair({ title: name, rootName: name, plan, date, existing });
  const damage = undoneDamage(readBefore, text).map(explainDamage);
  if (text === existing) {
    await vscode.window.showInformationMessage('Nothing is wrong with this plan.');
    return;
  }
  const preview = documentUri('plan', backlog.root, keepText(text));
  await vscode.commands.executeCommand('vscode.diff', uri, preview, 'Plan ↔ repaired');
  const why = damage.length === 0 ? 'It is not what the backlog says any more' : damage.join('; ');
  const answer = await vscode.window.showInformationMessage(
    plain(`${why}. Write it as shown?`),
    'Repair',
  );
  if (answer !== 'Repair') return;
  await tellFailure(backlogs.of(backlog).replacePlan(uri.fsPath, existing, text));
}

/** Shows the statuses and dependencies that a plan would change, and makes what is chosen. */
export async function takePlan(backlogs: Backlogs): Promise<void> {
  const target = await choosePlan(backlogs, 'Take Plan into Backlog');
  if (target === undefined) return;
  const { backlog, document } = target;
  const { snapshot, options } = backlog;
  if (snapshot === undefined) return;
  const [{ readPlan }, { statusMoves }] = await Promise.all([
    import('../core/plan/read-plan.ts'),
    import('../core/plan/status-moves.ts'),
  ]);
  const read = readPlan(document.getText());
  const { moves, unknown } = statusMoves(read, snapshot.byId);
  const notes = unknown.slice(0, 10).map((id) => `${oneLine(id)} is not in the backlog`);
  const free = moves.filter(({ task }) => !isTaken(backlog, task.id));
  if (free.length < moves.length)
    notes.push(`${moves.length - free.length} tasks are being worked on and stay as they are`);
  const waves = changeForWaves(snapshot.tasks, read.waves ?? [], options.waves);
  const added = waves.kind === 'possible' ? waves.added : [];
  if (waves.kind === 'refused') {
    notes.push('The waves cannot be taken over:');
    notes.push(...waves.refusals.slice(0, 10).map((refusal) => explainRefusal(backlog, refusal)));
  }
  const freeAdded = added.filter(({ id }) => !isTaken(backlog, id));
  if (freeAdded.length < added.length) {
    notes.push(
      `${added.length - freeAdded.length} dependencies are left out with them: the waves will not be those of the plan`,
    );
  }
  const offers = [...statusOffers(backlog, free), ...dependencyOffers(backlog, freeAdded)];
  await previewAndApply(backlog, 'Take Plan into Backlog', offers, notes);
}

/** Lets the user choose where the waves come from. */
export async function chooseWaveSource(backlog: Backlog): Promise<void> {
  const root = vscode.Uri.file(backlog.root);
  const hasWaves = (path: string): boolean =>
    isPlan(path) || KNOWN_WAVE_FILES.some((known) => known === path);
  const found = await planFiles(backlog, hasWaves);
  const files = found.map(({ path }) => path.slice(root.path.replace(/\/$/, '').length + 1));
  const now = backlog.plan?.asked?.file;
  const items = [
    { label: 'Computed', description: 'from the dependencies', value: undefined },
    ...files.map((file) => ({
      label: plain(file),
      description: file === now ? 'now' : '',
      value: file,
    })),
  ];
  const picked = await vscode.window.showQuickPick(items, {
    title: 'Where do the waves come from?',
  });
  if (picked !== undefined) await writeSetting(backlog.root, 'waveSource', picked.value);
}
