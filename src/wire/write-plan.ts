import type { Backlog } from '../core/backlog.ts';
import type { Failure } from '../core/failure.ts';
import { writeMainPlan } from '../core/plan/main-plan.ts';
import { isPlanOf, readPlan } from '../core/plan/read-plan.ts';
import { mainPlanFile, otherPlanFile, SUBAGENTS_PLAN_FILE } from '../core/plan/slug.ts';
import { writeSubagentsPlan } from '../core/plan/subagents-plan.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { planPath, readPlanFile, writePlanFile } from '../store/files/plan-files.ts';

/**
 * Writes one of the two plan files of a backlog, and returns its absolute path. Where a file that is
 * not ours has the name of the main plan, `as` agrees to the other name of the failure.
 */
export async function writePlan(
  backlog: Backlog,
  kind: 'main' | 'subagents',
  as?: string,
): Promise<Result<string, Failure>> {
  const { root, name, plan } = backlog;
  if (plan === undefined) return fail({ kind: 'nothingToRun' });
  if (kind === 'subagents') {
    const text = writeSubagentsPlan({ title: name, rootName: name, plan });
    if (!text.ok) return text;
    const there = await readPlanFile(root, SUBAGENTS_PLAN_FILE);
    if (!there.ok) return there;
    if (there.value?.trim() && !/^# Parallel Execution Plan\b/m.test(there.value)) {
      return fail({ kind: 'notAPlan', file: planPath(root, SUBAGENTS_PLAN_FILE) });
    }
    const written = await writePlanFile(root, SUBAGENTS_PLAN_FILE, text.value);
    return written.ok ? ok(written.value.file) : written;
  }
  const date = new Date().toLocaleDateString('sv-SE');
  const ids = new Set<string>(backlog.snapshot?.tasks.map(({ id }) => id));
  const state = async (file: string): Promise<Result<'free' | 'ours' | 'foreign', Failure>> => {
    const there = await readPlanFile(root, file);
    if (!there.ok) return there;
    // A user's notes or an editor's plan may have that name; an empty file may be replaced.
    if (there.value === undefined || there.value.trim() === '') return ok('free');
    return ok(isPlanOf(readPlan(there.value), (id) => ids.has(id)) ? 'ours' : 'foreign');
  };
  let file = mainPlanFile(name);
  const first = await state(file);
  if (!first.ok) return first;
  if (first.value === 'foreign') {
    const other = otherPlanFile(name);
    const second = await state(other);
    if (!second.ok) return second;
    // What was chosen once is written again without a question.
    if (second.value !== 'ours' && (second.value === 'foreign' || as !== other)) {
      const instead = second.value === 'free' ? other : undefined;
      return fail({ kind: 'notAPlan', file: planPath(root, file), instead });
    }
    file = other;
  }
  const written = await writePlanFile(root, file, (existing) =>
    writeMainPlan({
      title: name,
      rootName: name,
      plan,
      date,
      ...(existing === undefined ? {} : { existing }),
    }),
  );
  return written.ok ? ok(written.value.file) : written;
}
