import type { RunState } from '../run/run-events.ts';
import { pushTo } from '../push-to.ts';
import { isSettled, type Task, type TaskId } from '../task.ts';
import type { PlanDifference } from './alignment.ts';

/**
 * A status that a task may really have by now, and what speaks for it. Nothing is written for it.
 */
export interface Inference {
  readonly id: TaskId;
  readonly from: Task['status'];
  readonly to: 'In Progress' | 'Review' | 'Todo';
  readonly why: readonly (
    | { readonly kind: 'commit'; readonly subject: string }
    | { readonly kind: 'run'; readonly runId: string }
    | { readonly kind: 'plan'; readonly file: string }
    | { readonly kind: 'children'; readonly count: number }
    | { readonly kind: 'untouched'; readonly forMs: number }
  )[];
}

export interface Evidence {
  readonly commits: readonly { readonly subject: string; readonly at: number }[];
  readonly runs: readonly RunState[];
  readonly plans: readonly PlanDifference[];
  readonly now: number;
  /** After this long without a change, a task In Progress without a lock counts as abandoned. */
  readonly staleMs: number;
}

const CLOSES = /\b(?:clos|fix|resolv|complet|finish|done|implement)/i;

/**
 * What commits, runs, plans and children say of open tasks. In the order of the tasks; linear in
 * all of them.
 */
export function inferProgress(tasks: readonly Task[], evidence: Evidence): readonly Inference[] {
  const { commits, runs, plans, now, staleMs } = evidence;
  const open = tasks.filter(({ status }) => status === 'Todo' || status === 'In Progress');
  const ids = new Set<string>(open.map(({ id }) => id));
  const subjects = new Map<string, string[]>();
  for (const { subject } of commits) {
    // Each once: a subject may repeat an id many times.
    for (const word of new Set(subject.match(/[\p{L}\p{N}_-]+/gu))) {
      if (/\d/.test(word) && ids.has(word)) pushTo(subjects, word, subject);
    }
  }
  const succeeded = new Map<string, string>();
  for (const run of runs) {
    for (const { id, outcome } of run.tasks.values())
      if (outcome?.kind === 'succeeded') succeeded.set(id, run.runId);
  }
  const children = new Map<TaskId, Task[]>();
  for (const task of tasks) if (task.parentId !== undefined) pushTo(children, task.parentId, task);
  const inPlan = new Map(
    plans.flatMap(({ kind, id, file }) => (kind === 'doneInPlan' ? [[id, file] as const] : [])),
  );

  return open.flatMap((task): readonly Inference[] => {
    const { id, status, modifiedAt, lock } = task;
    const said = subjects.get(id) ?? [];
    const kids = children.get(id) ?? [];
    const why: Inference['why'][number][] = said
      .slice(0, 3)
      .map((subject) => ({ kind: 'commit', subject }));
    const runId = succeeded.get(id);
    const file = inPlan.get(id);
    if (runId !== undefined) why.push({ kind: 'run', runId });
    if (file !== undefined) why.push({ kind: 'plan', file });
    const isWholeDone = kids.length > 0 && kids.every((kid) => isSettled(kid.status));
    if (isWholeDone) why.push({ kind: 'children', count: kids.length });
    const isFinished =
      runId !== undefined ||
      file !== undefined ||
      isWholeDone ||
      said.some((each) => CLOSES.test(each));
    if (isFinished) return [{ id, from: status, to: 'Review', why }];
    if (why.length > 0)
      return status === 'Todo' ? [{ id, from: status, to: 'In Progress', why }] : [];
    const forMs = modifiedAt === undefined ? 0 : now - modifiedAt;
    if (status !== 'In Progress' || lock !== undefined || forMs <= staleMs) return [];
    return [{ id, from: status, to: 'Todo', why: [{ kind: 'untouched', forMs }] }];
  });
}
