import { addNote, claimTask, nextTask, releaseTask, renewTask } from './claim-operations.ts';
import { completeTask } from './complete-operation.ts';
import { readHandoffs, writeHandoff } from './handoff-operations.ts';
import { doctor, explainNotReady, listWaves, showTask } from './look-operations.ts';
import type { Operation } from './operation.ts';
import { analyse, writePlans } from './plan-operations.ts';

/** Everything that an agent can do with a backlog, in the order in which it is offered. */
export const OPERATIONS: readonly Operation[] = [
  ...[listWaves, showTask, nextTask, claimTask, renewTask, releaseTask, completeTask, addNote],
  ...[explainNotReady, writePlans, analyse, readHandoffs, writeHandoff, doctor],
];
