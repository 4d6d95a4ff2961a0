import type { IsOurs } from '../lease/lease.ts';
import type { Processes } from '../ports.ts';
import type { Snapshot } from '../snapshot.ts';
import type { Plan } from '../waves/waves.ts';
import type { Fix, Problem, Severity } from './finding.ts';

/** A backlog at one moment, and what a diagnosis needs besides. */
export interface DoctorInput {
  readonly snapshot: Snapshot;
  /** The waves of this snapshot. */
  readonly plan: Plan;
  readonly isOurs: IsOurs;
  /** Epoch ms. */
  readonly now: number;
  readonly processes: Processes;
}

/** A finding of one part of the doctor. */
export interface RawFinding {
  readonly trouble: Problem;
  readonly severity: Severity;
  readonly fix: Fix;
}
