import type { TaskId } from '../../task.ts';
import { evidenceOf, type RunState } from '../run-events.ts';

/** Of the latest attempts at a task, so many files count. */
const MOST_ATTEMPTS = 3;
const MOST_FILES = 200;

/**
 * The files that the latest attempts at each task touched, the latest first; none where it was never
 * worked on. Attempts in a folder that others work in do not count: their files are those of all. A
 * run that is in `runs` twice counts once.
 */
export function touchedEarlier(
  runs: readonly RunState[],
  { foldCase }: { readonly foldCase: boolean },
): (id: TaskId) => readonly string[] {
  const attempts = new Map<TaskId, { readonly endedAt: number; readonly files: readonly string[] }[]>(); // prettier-ignore
  for (const run of new Map(runs.map((each) => [each.runId, each])).values())
    for (const { id, earlier, outcome } of run.tasks.values())
      for (const each of [...earlier.map((attempt) => attempt.outcome), outcome]) {
        const evidence = evidenceOf(each);
        if (evidence?.changes === undefined || evidence.files.length === 0) continue;
        const { endedAt, files } = evidence;
        const latest = [...(attempts.get(id) ?? []), { endedAt, files }];
        latest.sort((a, b) => b.endedAt - a.endedAt);
        attempts.set(id, latest.slice(0, MOST_ATTEMPTS));
      }
  return (id) => {
    const all = (attempts.get(id) ?? []).flatMap(({ files }) => files.slice(0, MOST_FILES));
    const named = all.map((file) => (foldCase ? file.toLowerCase() : file));
    return [...new Set(named)].slice(0, MOST_FILES);
  };
}
