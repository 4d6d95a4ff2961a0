import type { Backlog } from '../core/backlog.ts';
import { count, oneLine } from '../core/text.ts';
import type { TaskId } from '../core/task.ts';
import { type BlockReason, inNoWave, type Wave } from '../core/waves/waves.ts';
import { describeBatch, describeStep } from './batch-rows.ts';
import { explainFailure, explainNotice } from './messages.ts';
import { describeHandoff } from './handoffs/handoff-row.ts';
import {
  describeDoctor,
  describeFinding,
  describeKind,
  isNoFinding,
} from './doctor/doctor-rows.ts';
import { SEVERITY_ICONS } from './doctor/doctor-words.ts';
import { GONE, type Icon, row, type RowContent, type RowView } from './row.ts';
import { describeRun, pastRunsOf } from './runs/run-row.ts';
import { describeRunWave } from './runs/run-wave-row.ts';
import { describeHolder, describeLock } from './lock-rows.ts';
import { describeStore } from './store-row.ts';
import { describeTask } from './task-row.ts';
import { explainAsked } from './plan-words.ts';
import { titleOf } from './wait-words.ts';
import { type Grouping, isFiltered, type TreeLook, WHOLE } from './tree-look.ts';
import { type RowGroup, shownOfWave, tasksOfBundle, type TreeNode } from './tree-nodes.ts';
import { waveNumberOf } from './wave-keys.ts';
import type { WaveProgress } from '../core/waves/wave-progress.ts';
import { clockTime, unreadableText } from '../core/messages.ts';

/** Describes one row of the tree as it is right now. */
export function describeNode(node: TreeNode, view: RowView, look: TreeLook = WHOLE): RowContent {
  const { backlog } = node;
  switch (node.kind) {
    case 'backlog':
      return describeBacklog(backlog);
    case 'run':
      return describeRun(backlog, node.runId);
    case 'runWave':
      return describeRunWave(backlog, node.runId, node.wave);
    case 'holder':
      return describeHolder(backlog, node.holder);
    case 'lock':
      return describeLock(backlog, node.taskId);
    case 'wave': {
      const wave = backlog.plan?.waves.find((w) => w.number === node.number);
      return wave === undefined ? GONE : describeWave(backlog, wave, look);
    }
    case 'bundle':
      return describeBundle(backlog, node, look);
    case 'group':
      return describeGroup(backlog, node.group);
    case 'task': {
      const task = backlog.task(node.taskId);
      return task === undefined ? GONE : describeTask(backlog, task, view);
    }
    case 'notice': {
      const notice = backlog.snapshot?.notices[node.index];
      if (notice === undefined) return GONE;
      return row(explainNotice(notice), '', SEVERITY_ICONS.warning);
    }
    case 'broken':
      return describeBroken(backlog, node.index);
    case 'handoff':
      return describeHandoff(backlog, node.key);
    case 'batch':
      return describeBatch(backlog);
    case 'batchStep':
      return describeStep(backlog, node.index);
    case 'doctor':
      return describeDoctor(backlog);
    case 'findings':
      return describeKind(backlog, node.of);
    case 'finding':
      return describeFinding(backlog, node.key);
    case 'message':
      return describeStore(backlog);
  }
}

function describeBacklog(backlog: Backlog): RowContent {
  const trouble = backlogTrouble(backlog);
  const icon: Icon =
    trouble === undefined
      ? { id: 'root-folder' }
      : { id: 'warning', color: 'list.warningForeground' };
  return row(backlog.name, trouble ?? backlogSummary(backlog), icon, { collapsible: 'expanded' });
}

/** What concerns all rows of a backlog: that they are old, or that nothing can be claimed. */
export function backlogTrouble(backlog: Backlog): string | undefined {
  const { store, snapshot, claimsFailure } = backlog;
  if (snapshot === undefined) return undefined;
  if (store.kind === 'unreadable') {
    return `Showing what was read at ${clockTime(snapshot.readAt)}. ${unreadableText(store.failure)}`;
  }
  if (backlog.slowSince !== undefined) {
    return `Showing what was read at ${clockTime(snapshot.readAt)}. Reading again takes long: a slow or busy disk.`;
  }
  return claimsFailure === undefined
    ? undefined
    : explainFailure(claimsFailure, backlog.now).message;
}

/** The state of a backlog in a few words, as in “81 open, 12 ready, 2 running”. */
export function backlogSummary(backlog: Backlog): string {
  const { plan } = backlog;
  if (plan === undefined) return '';
  const inWaves = [...plan.waves.flatMap((wave) => wave.tasks), ...inNoWave(plan)];
  const open = inWaves.length + plan.blocked.length;
  const ready = inWaves.filter(
    (task) =>
      backlog.readinessOf(task).kind === 'ready' &&
      backlog.runs.failedPartOf(task.id) === undefined,
  ).length;
  const held = backlog.liveLocks().length;
  return [
    `${open} open`,
    `${ready} ready`,
    ...(held > 0 ? [`${held} locked`] : []),
    ...(plan.asked === undefined ? [] : [explainAsked(plan.asked)]),
    ...(plan.options.numbering === 'exarp' && plan.asked?.kind !== 'used'
      ? ['numbered as exarp-go does']
      : []),
  ].join(' · ');
}

/** exarp-go's wave numbers of these tasks, where one differs; tasks in cycles have none. */
function levelNote(backlog: Backlog, wave: Wave): readonly string[] {
  if (backlog.plan?.asked?.kind === 'used') return [];
  const levels = wave.tasks.flatMap((task) => backlog.plan?.exarpLevelOf.get(task.id) ?? []);
  if (levels.every((level) => level === wave.number)) return [];
  const [least, most] = levels.reduce(
    ([a, b], level) => [Math.min(a, level), Math.max(b, level)],
    [Infinity, 0],
  );
  return [least === most ? `exarp-go: wave ${least}` : `exarp-go: waves ${least}–${most}`];
}

/** What a wave is called: when its turn is, then its number. */
export function waveLabel(backlog: Backlog, number: number): string {
  const place = backlog.plan?.waves.findIndex((wave) => wave.number === number) ?? -1;
  return `${['Now', 'Next'][place] ?? 'Later'} · wave ${number}`;
}

function describeWave(backlog: Backlog, wave: Wave, look: TreeLook): RowContent {
  const progress = backlog.progressOf(wave);
  const parts = [
    ...(isFiltered(look)
      ? [`${shownOfWave(backlog, wave.number, look).length} of ${progress.total} shown`]
      : []),
    ...progressWords(progress),
  ];
  const isWhollyInReview = progress.review === progress.total;
  const ofRuns = wave.tasks.flatMap((task) => backlog.runs.of(task.id)?.tasks.get(task.id) ?? []);
  const isRunning = ofRuns.length > 0;
  const icon: Icon = ofRuns.some(({ phase }) => phase !== 'queued')
    ? { id: 'sync~spin', color: 'charts.blue' }
    : isWhollyInReview
      ? { id: 'eye', color: 'charts.purple' }
      : progress.ready > 0
        ? { id: 'layers', color: 'charts.green' }
        : { id: 'layers', color: 'disabledForeground' };
  const label = waveLabel(backlog, wave.number);
  const all = count(progress.total, 'task');
  return row(label, parts.join(' · '), icon, {
    spoken: [label, all, ...parts].join(', '),
    tooltip: [label, [all, ...parts].join(' · '), ...levelNote(backlog, wave)].join('\n'),
    flags: [
      'wave',
      ...(progress.ready + progress.failed > 0 ? ['runnableWave'] : []),
      ...(progress.review > 0 ? ['reviewableWave'] : []),
      ...(isRunning ? ['runningWave'] : []),
    ],
    collapsible: wave.number === backlog.plan?.waves[0]?.number ? 'expanded' : 'collapsed',
  });
}

function progressWords(progress: WaveProgress): readonly string[] {
  return [
    ...(progress.running > 0 ? [`${progress.running} at work`] : []),
    ...(progress.failed > 0 ? [`${progress.failed} failed`] : []),
    ...(progress.review > 0 ? [`${progress.review} to review`] : []),
    ...(progress.ready > 0 ? [`${progress.ready} ready`] : []),
    ...(progress.waiting > 0 ? [`${progress.waiting} waiting`] : []),
  ];
}

/** The row of tasks of a wave that have something in common. */
function describeBundle(
  backlog: Backlog,
  node: Extract<TreeNode, { kind: 'bundle' }>,
  look: TreeLook,
): RowContent {
  const tasks = tasksOfBundle(backlog, node, look);
  if (tasks.length === 0 || look.groupBy === 'none') return GONE;
  const number = waveNumberOf(backlog, node.key);
  const words = progressWords(backlog.progressOf({ number, tasks }));
  return row(node.name, words.join(' · '), BUNDLE_ICONS[look.groupBy], {
    spoken: [node.name, count(tasks.length, 'task'), ...words].join(', '),
    collapsible: 'collapsed',
  });
}

const BUNDLE_ICONS: Readonly<Record<Exclude<Grouping, 'none'>, Icon>> = {
  tag: { id: 'tag' },
  epic: { id: 'list-tree' },
  priority: { id: 'arrow-circle-up' },
};

function describeGroup(backlog: Backlog, group: RowGroup): RowContent {
  const { plan, snapshot } = backlog;
  const asked = plan?.asked?.kind === 'used' ? plan.asked : undefined;
  switch (group) {
    case 'leftOut':
      return row(
        asked === undefined ? 'Not in the Waves' : 'Not in the Plan',
        `${plan === undefined ? 0 : inNoWave(plan).length} open, in none of its waves`,
        { id: 'question' },
        COLLAPSED,
      );
    case 'broken':
      return row(
        'Dependencies Not Kept',
        `${asked?.broken.length ?? 0}: these tasks wait all the same`,
        SEVERITY_ICONS.warning,
        COLLAPSED,
      );
    case 'blocked':
      return row(
        blockedLabel(backlog),
        `${plan?.blocked.length ?? 0} in no wave`,
        { id: 'sync-ignored', color: 'charts.orange' },
        COLLAPSED,
      );
    case 'settled': {
      const done = plan?.settled.filter((task) => task.status === 'Done').length ?? 0;
      const cancelled = (plan?.settled.length ?? 0) - done;
      const counts = [`${done} done`, ...(cancelled > 0 ? [`${cancelled} cancelled`] : [])].join(
        ' · ',
      );
      return row('Finished', counts, { id: 'pass-filled', color: 'testing.iconPassed' }, COLLAPSED);
    }
    case 'pastRuns':
      return row('Past Runs', String(pastRunsOf(backlog).length), { id: 'history' }, COLLAPSED);
    case 'notices': {
      const count = snapshot?.notices.filter(isNoFinding).length ?? 0;
      return row('Left out or not read', String(count), SEVERITY_ICONS.warning, COLLAPSED);
    }
  }
}

/** Blocked is a status; what cannot be put into a wave is something else. */
function blockedLabel({ plan }: Backlog): string {
  const isCircle = (plan?.blocked ?? []).map(({ reason: { kind } }) => CIRCLES.has(kind));
  if (isCircle.every(Boolean)) return 'In a Circle';
  return isCircle.some(Boolean) ? 'In a Circle or Missing Something' : 'Missing Something';
}

const CIRCLES: ReadonlySet<BlockReason['kind']> = new Set(['cycle', 'behindCycle']);

/** What waits for what, and in which waves of the plan they are. */
function describeBroken(backlog: Backlog, index: number): RowContent {
  const { plan } = backlog;
  const broken = plan?.asked?.kind === 'used' ? plan.asked.broken[index] : undefined;
  if (plan === undefined || broken === undefined) return GONE;
  const { id, on } = broken;
  const place = (task: TaskId): string => {
    const wave = plan.waveOf.get(task);
    return wave === undefined ? 'in none' : `wave ${wave}`;
  };
  const label = oneLine(backlog.task(id)?.title ?? '') || oneLine(id);
  return row(
    label,
    `${place(id)}, waits for ${titleOf(backlog, on)}, ${place(on)}`,
    SEVERITY_ICONS.warning,
    {
      opens: id,
    },
  );
}

const COLLAPSED = { collapsible: 'collapsed' } as const;
