import { fileConflictsJson } from '../analysis/exarp-json.ts';
import type { Finding } from '../doctor/finding.ts';
import type { Change } from '../edit/change.ts';
import type { Failure } from '../failure.ts';
import { count, oneLine } from '../text.ts';
import { type BatchTool, ToolTrouble } from './tool.ts';

/** The kinds of findings that are about locks. */
const LOCK_KINDS: ReadonlySet<string> = new Set<Finding['trouble']['kind']>([
  'twoHolders',
  'deadOwner',
  'lockedTodo',
  'unheldProgress',
  'expiredLock',
  'lockedAfterwards',
  'unleasedLock',
]);

export const conflictDetection: BatchTool = {
  id: 'conflict_detection',
  title: 'Conflicts among tasks at work',
  run: ({ conflicts }) => {
    const { overlaps, files } = conflicts;
    const found = overlaps.length + files.length;
    return {
      summary:
        found === 0
          ? 'No tasks at work are in each other’s way'
          : `${count(found, 'conflict')} among tasks at work`,
      lines: [
        ...overlaps.map(
          ({ id, on }) =>
            `${oneLine(id)} and ${oneLine(on)}, which it depends on, are both In Progress`,
        ),
        ...files.map(
          ({ ids, files: names }) =>
            `${ids.map(oneLine).join(', ')} all name ${names.map(oneLine).join(', ')}`,
        ),
      ],
      output: {
        task_overlap: overlaps.map(({ id, on }) => ({ task_id: id, dep_task_id: on })),
        file: fileConflictsJson(conflicts),
      },
      wantsLook: found > 0,
    };
  },
};

/** Another process changed the lock first, which is no failure. */
const MEANWHILE: ReadonlySet<string> = new Set<Failure['kind']>([
  'changedMeanwhile',
  'lockLost',
  'held',
  'noSuchTask',
]);

/**
 * Releases expired locks of processes of this machine that are gone: the safe fixes of the doctor,
 * and nothing else. Each is written only while the lock is unchanged.
 */
export const deadAgentCleanup: BatchTool = {
  id: 'dead_agent_cleanup',
  title: 'Locks of processes that are gone',
  run: async ({ backlog }, signal) => {
    const dead = backlog.findings.filter(({ trouble }) => trouble.kind === 'deadOwner');
    const changes = dead.flatMap(({ fix }) =>
      fix.kind === 'changes' && fix.safe ? fix.changes : [],
    );
    const released: Change[] = [];
    // One by one: a lock that was renewed meanwhile must not block the others.
    for (const change of changes) {
      // No further write after a cancellation.
      signal.throwIfAborted();
      const applied = await backlog.edits.apply([change]);
      if (applied.ok) released.push(change);
      else if (!MEANWHILE.has(applied.failure.kind)) {
        throw new ToolTrouble(
          `${count(released.length, 'lock')} released; the next could not be: ${applied.failure.kind}`,
        );
      }
    }
    const left = dead.length - released.length;
    const parts = [
      ...(released.length > 0
        ? [`${count(released.length, 'lock')} of processes that are gone released`]
        : []),
      ...(left > 0 ? [`${left} left alone: their lease runs, or they changed meanwhile`] : []),
    ];
    return {
      summary: parts.length === 0 ? 'No process that holds a lock is gone' : parts.join(', '),
      lines: dead.flatMap(({ trouble }) =>
        trouble.kind === 'deadOwner'
          ? [
              `${oneLine(trouble.task.id)}: ${oneLine(trouble.lease.lock.holder)} does not run any more`,
            ]
          : [],
      ),
      output: { released: released.map(({ id }) => id), left: dead.flatMap(({ ids }) => ids).filter((id) => !released.some((each) => each.id === id)) }, // prettier-ignore
      wantsLook: left > 0,
    };
  },
};

export const lockHealth: BatchTool = {
  id: 'lock_health',
  title: 'Locks and statuses',
  run: ({ backlog }) => {
    const found = backlog.findings.filter(({ trouble }) => LOCK_KINDS.has(trouble.kind));
    const live = backlog.liveLocks().length;
    return {
      summary: `${count(live, 'lock')} in force${found.length === 0 ? '' : `, ${count(found.length, 'finding')}`}`,
      lines: found.map(
        ({ trouble, ids }) =>
          `${ids.map(oneLine).join(', ')}: ${KIND_WORDS[trouble.kind] ?? trouble.kind}`,
      ),
      output: {
        live_locks: live,
        findings: found.map(({ trouble, ids }) => ({ kind: trouble.kind, task_ids: ids })),
      },
      wantsLook: found.length > 0,
    };
  },
};

const KIND_WORDS: Readonly<Partial<Record<Finding['trouble']['kind'], string>>> = {
  twoHolders: 'two holders at once',
  deadOwner: 'its holder does not run any more',
  lockedTodo: 'Todo under a lock that runs',
  unheldProgress: 'In Progress without a lock',
  expiredLock: 'its lease has ended',
  lockedAfterwards: 'still locked after the work',
  unleasedLock: 'assigned without an end',
};

export const staleLockCheck: BatchTool = {
  id: 'stale_lock_check',
  title: 'Locks whose lease has ended',
  run: ({ backlog, snapshot }) => {
    const locked = snapshot.tasks.filter(({ lock }) => lock !== undefined);
    const stale = locked.filter((task) =>
      ['expired', 'stale'].includes(backlog.leaseOf(task).kind),
    );
    const endless = locked.filter((task) => backlog.leaseOf(task).kind === 'unleased');
    return {
      summary:
        stale.length + endless.length === 0
          ? 'No lock has outlived its lease'
          : `${count(stale.length, 'lock')} past the lease, ${endless.length} without an end`,
      lines: [...stale, ...endless].map(
        ({ id, lock }) => `${oneLine(id)}: ${oneLine(lock?.holder ?? '')}`,
      ),
      output: {
        stale: stale.map(({ id }) => id),
        unleased: endless.map(({ id }) => id),
        total: locked.length,
      },
      wantsLook: stale.length > 0,
    };
  },
};
