import type { NeverNullColumn, WritableStatus } from '../edit/change.ts';
import type { Notice } from '../snapshot.ts';
import type { Task } from '../task.ts';
import type { DoctorInput, RawFinding } from './doctor-input.ts';
import type { Changes } from './finding.ts';
import { hasNoStatus, setStatus } from './set-status.ts';

/** What of a row exarp-go cannot see, cannot read, or reads as something else. */
export function diagnoseRows(input: DoctorInput): readonly RawFinding[] {
  const { snapshot } = input;
  return [
    ...snapshot.notices.flatMap((notice) => diagnoseNotice(notice, input)),
    // Words in JSON are read in every spelling; only those in the database are taken as they are.
    ...(snapshot.source === 'json' ? [] : snapshot.tasks.flatMap((task) => diagnosePriority(task))),
  ];
}

/** What the reader has noticed. What is of no task's, such as a bad configuration, is no finding. */
function diagnoseNotice(notice: Notice, input: DoctorInput): readonly RawFinding[] {
  const { snapshot } = input;
  switch (notice.kind) {
    case 'nullColumn': {
      const { id, column } = notice;
      return [
        {
          trouble: { kind: 'nullColumn', id, column },
          severity: 'error',
          fix: isNeverNull(column)
            ? { kind: 'changes', changes: [{ kind: 'fillNull', id, column }], safe: true }
            : { kind: 'none', reason: 'notOursToGuess' },
        },
      ];
    }
    case 'duplicateId':
      return [
        {
          trouble: { kind: 'duplicateId', id: notice.id },
          severity: 'error',
          fix: { kind: 'none', reason: 'notOursToGuess' },
        },
      ];
    case 'foreignProject': {
      const { id, project } = notice;
      const holder = snapshot.byId.get(id)?.lock?.holder;
      const isWiped = project === undefined && holder !== undefined;
      return [
        {
          trouble: isWiped ? { kind: 'wipedProject', id, holder } : { kind: 'foreignProject', id, project },
          severity: 'warning',
          fix: {
            kind: 'changes',
            changes: [{ kind: 'setProject', id, from: project, to: snapshot.project }],
            // A task that names another project may be that project's, where two folders share a database.
            safe: project === undefined,
          },
        },
      ];
    }
    case 'oddSpelling':
      return diagnoseSpelling(snapshot.byId.get(notice.id), input);
    case 'unknownStatus':
      return diagnoseUnknown(snapshot.byId.get(notice.id), input);
    case 'twoHolders':
      return [
        {
          trouble: { kind: 'twoHolders', id: notice.id, holder: notice.holder, other: notice.other },
          severity: 'warning',
          fix: { kind: 'none', reason: 'notOursToGuess' },
        },
      ];
    case 'badMetadata':
      return [
        {
          trouble: { kind: 'badMetadata', id: notice.id, detail: notice.detail },
          severity: 'warning',
          fix: { kind: 'none', reason: 'notOursToGuess' },
        },
      ];
    case 'orphanRow': {
      const { table, owner, value } = notice;
      return [
        {
          trouble: { kind: 'orphanRow', table, owner, value },
          severity: 'info',
          fix: { kind: 'changes', changes: [{ kind: 'removeOrphan', table, id: owner, value }], safe: true },
        },
      ];
    }
    case 'missingId':
    case 'badEntry':
    case 'badConfig':
    case 'configsDiffer':
      return [];
  }
}

function diagnoseSpelling(task: Task | undefined, { snapshot }: DoctorInput): readonly RawFinding[] {
  if (task === undefined || task.status === 'Unknown' || hasNoStatus(snapshot, task.id)) return [];
  const { id, rawStatus, status } = task;
  return [
    {
      trouble: { kind: 'statusSpelling', id, text: rawStatus, status },
      severity: 'warning',
      fix: { kind: 'changes', changes: [{ kind: 'setStatus', id, from: rawStatus, to: status }], safe: true },
    },
  ];
}

function diagnoseUnknown(task: Task | undefined, { snapshot }: DoctorInput): readonly RawFinding[] {
  if (task === undefined) return [];
  const choose = (to: WritableStatus): Changes => setStatus(task, to, snapshot);
  return [
    {
      trouble: { kind: 'unknownStatus', id: task.id, text: task.rawStatus },
      severity: 'warning',
      fix: {
        kind: 'choices',
        choices: [choose('Todo'), choose('Review'), choose('Done'), choose('Blocked'), choose('Cancelled')],
      },
    },
  ];
}

/** The words that exarp-go sorts by; whatever else it reads comes after them. */
const SORTED = new Set(['critical', 'high', 'medium', 'low']);

/** A priority that we know and exarp-go sorts last. An empty one is medium to both. */
function diagnosePriority({ id, priority, rawPriority }: Task): readonly RawFinding[] {
  const word = rawPriority.trim().toLowerCase();
  if (priority === 'other' || word === '' || SORTED.has(word)) return [];
  return [
    {
      trouble: { kind: 'prioritySpelling', id, text: rawPriority, priority },
      severity: 'info',
      // A team may have its own words on purpose: never changed without being asked for.
      fix: { kind: 'changes', changes: [{ kind: 'setPriority', id, from: rawPriority, to: priority }], safe: false },
    },
  ];
}

const NEVER_NULL: ReadonlySet<string> = new Set<NeverNullColumn>([
  'content',
  'long_description',
  'status',
  'priority',
  'completed',
]);

function isNeverNull(column: string): column is NeverNullColumn {
  return NEVER_NULL.has(column);
}
