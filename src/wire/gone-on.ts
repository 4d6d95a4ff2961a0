import { evidenceOf, type RunState } from '../core/run/run-events.ts';
import type { TaskId } from '../core/task.ts';
import type { Repository } from '../git/repository.ts';
import { readRecords } from '../git/worktree-records.ts';
import { ownerOf } from './run-place.ts';

export const GONE_ON = 'A later run has gone on with this work. Decide about it there.';

/** True where the worktree of a task is that of a later run by now. */
export async function isGoneOnWith(
  { commonDir }: Pick<Repository, 'commonDir'>,
  run: RunState,
  id: TaskId,
): Promise<boolean> {
  const branch = evidenceOf(run.tasks.get(id)?.outcome)?.changes?.branch;
  const record = (await readRecords(commonDir)).find((each) => each.branch === branch);
  return record !== undefined && record.owner !== ownerOf(run.runId, id);
}
