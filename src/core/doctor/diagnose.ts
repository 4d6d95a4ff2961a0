import { isLive, leaseAt } from '../lease/lease.ts';
import { compareIds, type TaskId } from '../task.ts';
import { diagnoseContent } from './content.ts';
import { diagnoseDependencies } from './dependencies.ts';
import type { DoctorInput } from './doctor-input.ts';
import { type Finding, FINDING_KINDS, type FindingKind, type Fix, type Problem } from './finding.ts';
import { withoutBlockedFixes } from './blocked-fixes.ts';
import { diagnoseIds } from './ids.ts';
import { diagnoseLocks } from './locks.ts';
import { diagnoseRows } from './rows.ts';

/**
 * Everything that is wrong with a backlog and can be known from its rows, worst kinds first, then in id order.
 *
 * Never fails and changes nothing. The same backlog has the same findings, whatever order its tasks come in. What cannot
 * be changed, since the store is only JSON, is found all the same.
 */
export function diagnose(input: DoctorInput): readonly Finding[] {
  const raw = [
    ...diagnoseDependencies(input),
    ...diagnoseRows(input),
    ...diagnoseLocks(input),
    ...diagnoseContent(input),
    ...diagnoseIds(input),
  ];
  const isJson = input.snapshot.source === 'json';
  const findings = new Map<string, Finding>();
  for (const { trouble, severity, fix } of raw) {
    const ids = tasksOf(trouble);
    const key = keyOf(trouble, ids);
    const canFix = isJson && fix.kind !== 'none' ? JSON_ONLY : withoutBlockedFixes(fix, input);
    // What is there three times is noticed twice.
    if (!findings.has(key)) findings.set(key, { key, severity, ids, trouble, fix: canFix });
  }
  return inOrder([...findings.values()]);
}

/**
 * When the findings on a snapshot may be others although nothing was written: the next lease ends, or a process has had
 * time to die. Epoch ms.
 */
export function staleAt({ snapshot, isOurs, now }: Omit<DoctorInput, 'plan' | 'processes'>): number {
  let at = now + LOOK_AGAIN_MS;
  for (const { lock } of snapshot.tasks) {
    if (lock?.until !== undefined && isLive(leaseAt(lock, isOurs, now))) at = Math.min(at, lock.until);
  }
  return at;
}

/** Asking for processes is cheap, drawing is not: soon enough for a person who waits for a row to go. */
const LOOK_AGAIN_MS = 10_000;

function tasksOf(trouble: Problem): readonly TaskId[] {
  if ('task' in trouble) return [trouble.task.id];
  if ('id' in trouble) return [trouble.id];
  if ('ids' in trouble) return trouble.ids;
  return 'members' in trouble ? trouble.members : [];
}

function keyOf(trouble: Problem, ids: readonly TaskId[]): string {
  return JSON.stringify([trouble.kind, ...partsOf(trouble, ids)]);
}

function partsOf(trouble: Problem, ids: readonly TaskId[]): readonly string[] {
  switch (trouble.kind) {
    case 'missingDependency':
      return [...ids, trouble.on];
    case 'nullColumn':
      return [...ids, trouble.column];
    case 'selfDependency':
      return [...ids, trouble.via];
    case 'orphanRow':
      return [trouble.table, trouble.owner, trouble.value];
    case 'legacyIds':
      return []; // one for all of them, however many there are
    default:
      return ids;
  }
}

const JSON_ONLY: Fix = { kind: 'none', reason: 'jsonOnly' };

const RANKS = new Map<FindingKind, number>(FINDING_KINDS.map((kind, rank) => [kind, rank]));

/** By kind, then as `compareIds` has it, whose regular expressions are run once for each finding and not for each comparison. */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings
    .map((finding) => {
      const id = firstOf(finding);
      return {
        finding,
        id,
        rank: RANKS.get(finding.trouble.kind) ?? 0,
        number: Number(/\d+/.exec(id)?.[0] ?? Infinity),
      };
    })
    .sort((a, b) => {
      if (a.rank !== b.rank) return a.rank - b.rank;
      if (a.number !== b.number) return a.number - b.number;
      return compareIds(a.id, b.id) || (a.finding.key < b.finding.key ? -1 : 1);
    })
    .map(({ finding }) => finding);
}

function firstOf({ ids, trouble }: Finding): string {
  return trouble.kind === 'orphanRow' ? trouble.owner : (ids[0] ?? '');
}
