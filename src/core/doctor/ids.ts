import { compareIds, type TaskId } from '../task.ts';
import type { DoctorInput, RawFinding } from './doctor-input.ts';
import type { Problem } from './finding.ts';

/** Lower numbers are of an older scheme, which exarp-go offers to clean up. */
export const FIRST_MODERN = 1_000_000;

/**
 * Ids that exarp-go would not create. They are reported and never changed: other files refer to
 * them.
 */
export function diagnoseIds({ snapshot }: DoctorInput): readonly RawFinding[] {
  const findings: RawFinding[] = [];
  const legacy: TaskId[] = [];
  for (const { id } of snapshot.tasks) {
    const form = formOf(id);
    if (form === 'legacy') legacy.push(id);
    else if (form !== undefined) findings.push(finding({ kind: 'oddId', id, form }, 'warning'));
  }
  if (legacy.length > 0)
    findings.push(finding({ kind: 'legacyIds', ids: legacy.sort(compareIds) }, 'info'));
  return findings;
}

function finding(trouble: Problem, severity: 'warning' | 'info'): RawFinding {
  return { trouble, severity, fix: { kind: 'none', reason: 'idsStay' } };
}

function formOf(id: TaskId): 'automation' | 'legacy' | 'notANumber' | 'other' | undefined {
  const digits = /^T-(\d+)$/.exec(id)?.[1];
  if (digits !== undefined) return Number(digits) < FIRST_MODERN ? 'legacy' : undefined;
  if (id.startsWith('AUTO-')) return 'automation';
  return id === 'T-NaN' || id === 'T-undefined' ? 'notANumber' : 'other';
}
