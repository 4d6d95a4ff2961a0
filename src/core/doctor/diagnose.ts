import { isLive, leaseAt } from '../lease/lease.ts';
import { compareIds, type TaskId } from '../task.ts';
import { diagnoseContent } from './content.ts';
import { diagnoseDependencies } from './dependencies.ts';
import type { DoctorInput } from './doctor-input.ts';
import {
  type Finding,
  FINDING_KINDS,
  type FindingKind,
  type Fix,
  type Problem,
} from './finding.ts';
import { withoutBlockedFixes } from './blocked-fixes.ts';
import { diagnoseIds } from './ids.ts';
import { diagnoseLocks } from './locks.ts';
import { diagnoseRows } from './rows.ts';

/**
 * All findings on the rows of a backlog, worst kinds first, then in id order.
 *
 * Never fails and changes nothing. The same tasks in any order give the same findings. In a store
 * that is only JSON, problems are found and have no fix.
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
    const key = JSON.stringify([trouble.kind, ...partsOf(trouble, ids)]);
    const canFix = isJson && fix.kind !== 'none' ? JSON_ONLY : withoutBlockedFixes(fix, input);
    if (!findings.has(key)) findings.set(key, { key, severity, ids, trouble, fix: canFix });
  }
  return inOrder([...findings.values()]);
}

/**
 * When the findings on a snapshot may change without a write: the next lease ends, or it is time to
 * check processes again. Epoch ms.
 */
export function staleAt({
  snapshot,
  isOurs,
  now,
}: Omit<DoctorInput, 'plan' | 'processes'>): number {
  let at = now + LOOK_AGAIN_MS;
  for (const { lock } of snapshot.tasks) {
    if (lock?.until !== undefined && isLive(leaseAt(lock, isOurs, now)))
      at = Math.min(at, lock.until);
  }
  return at;
}

/**
 * Checking processes is cheap, drawing is not; soon enough for a user who waits for a row to go.
 */
const LOOK_AGAIN_MS = 10_000;

function tasksOf(trouble: Problem): readonly TaskId[] {
  if ('task' in trouble) return [trouble.task.id];
  if ('id' in trouble) return [trouble.id];
  if ('ids' in trouble) return trouble.ids;
  return 'members' in trouble ? trouble.members : [];
}

function partsOf(trouble: Problem, ids: readonly TaskId[]): readonly string[] {
  switch (trouble.kind) {
    case 'missingDependency':
      return [...ids, trouble.on];
    case 'nullColumn':
      return [...ids, trouble.column];
    case 'duplicateId':
      return [...ids, String(trouble.position)];
    case 'selfDependency':
      return [...ids, trouble.via];
    case 'orphanRow':
      return [trouble.table, trouble.owner, trouble.value];
    case 'legacyIds':
      return []; // one finding for all of them
    default:
      return ids;
  }
}

const JSON_ONLY: Fix = { kind: 'none', reason: 'jsonOnly' };

const RANKS = new Map<FindingKind, number>(FINDING_KINDS.map((kind, rank) => [kind, rank]));

/**
 * By kind, then in the order of `compareIds`, whose regular expressions run once for each finding
 * and not per comparison.
 */
function inOrder(findings: readonly Finding[]): readonly Finding[] {
  return findings
    .map((finding) => {
      const id =
        finding.trouble.kind === 'orphanRow' ? finding.trouble.owner : (finding.ids[0] ?? '');
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
