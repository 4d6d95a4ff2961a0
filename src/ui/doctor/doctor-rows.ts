import type { Backlog } from '../../core/backlog.ts';
import {
  type Finding,
  isFixable,
  type FindingKind,
  safeChanges,
} from '../../core/doctor/finding.ts';
import type { Change } from '../../core/edit/change.ts';
import { oneLine } from '../../core/text.ts';
import type { Notice } from '../../core/snapshot.ts';
import { taskId } from '../../core/task.ts';
import {
  countBySeverity,
  describeChange,
  explainNoFix,
  KIND_WORDS,
  SEVERITY_ICONS,
  troubleSubject,
  worstOf,
} from './doctor-words.ts';
import { GONE, row, type RowContent } from '../row.ts';
import { problemText } from '../../core/doctor/problem-text.ts';

/** Findings by key and by kind, made once for each list. */
interface Index {
  readonly byKey: ReadonlyMap<string, Finding>;
  /** In the order in which they are shown. */
  readonly byKind: ReadonlyMap<FindingKind, readonly Finding[]>;
}

const indexes = new WeakMap<readonly Finding[], Index>();

/** The findings by key and by kind; kept, since every row that is drawn asks for one. */
export function findingsOf({ findings }: Backlog): Index {
  let index = indexes.get(findings);
  if (index === undefined) {
    index = {
      byKey: new Map(findings.map((finding) => [finding.key, finding])),
      byKind: groupByKind(findings),
    };
    indexes.set(findings, index);
  }
  return index;
}

function groupByKind(findings: readonly Finding[]): ReadonlyMap<FindingKind, readonly Finding[]> {
  const groups = new Map<FindingKind, Finding[]>();
  for (const finding of findings) {
    const group = groups.get(finding.trouble.kind);
    if (group === undefined) groups.set(finding.trouble.kind, [finding]);
    else group.push(finding);
  }
  return groups;
}

/** True for what is wrong with the store and is no task's trouble. */
export function isNoFinding({ kind }: Notice): boolean {
  return NO_FINDINGS.has(kind);
}

const NO_FINDINGS: ReadonlySet<Notice['kind']> = new Set([
  ...(['badConfig', 'configsDiffer', 'badEntry', 'missingId'] as const),
]);

/** The section at the end of the tree. */
export function describeDoctor(backlog: Backlog): RowContent {
  const { findings, snapshot } = backlog;
  const unread = snapshot?.notices.filter(isNoFinding).length ?? 0;
  const counts = [countBySeverity(findings), ...(unread > 0 ? [`${unread} not read`] : [])]
    .filter(Boolean)
    .join(', ');
  const color =
    findings.length > 0 ? SEVERITY_ICONS[worstOf(findings)].color : SEVERITY_ICONS.warning.color;
  return row('Doctor', counts, color === undefined ? { id: 'pulse' } : { id: 'pulse', color }, {
    flags: ['doctor', ...(safeChanges(findings).length > 0 ? ['fixableSafely'] : [])],
    collapsible: 'collapsed',
    tooltip: 'What is wrong with this backlog, and how to fix it',
  });
}

/** All findings of a kind. */
export function describeKind(backlog: Backlog, kind: FindingKind): RowContent {
  const findings = findingsOf(backlog).byKind.get(kind) ?? [];
  const { title, exarp, waves } = KIND_WORDS[kind];
  return row(title, String(findings.length), SEVERITY_ICONS[worstOf(findings)], {
    flags: ['findings', ...(findings.some(isFixable) ? ['fixable'] : [])],
    collapsible: 'collapsed',
    tooltip: `${title}\n\nexarp-go ${exarp}.\nTodo2 Waves ${waves}.`,
  });
}

/** One finding: the task it is about, and what is wrong with it. */
export function describeFinding(backlog: Backlog, key: string): RowContent {
  const finding = findingsOf(backlog).byKey.get(key);
  if (finding === undefined) return GONE;
  const [id, ...others] = finding.ids;
  const isOfMany = finding.trouble.kind === 'legacyIds' && others.length > 0;
  const task = id === undefined || isOfMany ? undefined : backlog.task(id);
  const subject = oneLine(troubleSubject(finding));
  const label = oneLine(task?.title ?? '') || subject;
  const note = problemText(finding.trouble, backlog.now);
  return row(
    label,
    label === subject ? note : `${note} · ${subject}`,
    SEVERITY_ICONS[finding.severity],
    {
      flags: ['finding', ...(isFixable(finding) ? ['fixable'] : [])],
      tooltip: [`${label} (${subject})`, note, '', ...fixLines(backlog, finding)].join('\n'),
      ...(task === undefined ? {} : { opens: task.id }),
    },
  );
}

/** What can be done about a finding, one line for each way. */
export function fixLines(backlog: Backlog, { fix }: Finding): readonly string[] {
  switch (fix.kind) {
    case 'none':
      return [explainNoFix(fix)];
    case 'changes':
      return [`Fix: ${changesLine(backlog, fix.changes)}`];
    case 'choices': {
      const begin = fix.choices.length === 1 ? 'If you want' : 'Either';
      return fix.choices.map((changes) => `${begin}: ${changesLine(backlog, changes)}`);
    }
  }
}

/** Changes that are made together, each with the task that it is made to, old → new. */
export function changesLine(backlog: Backlog, changes: readonly Change[]): string {
  return changes
    .map((change) => `${change.id}: ${describeChange(change, backlog.task(taskId(change.id)))}`)
    .join(', then ');
}
