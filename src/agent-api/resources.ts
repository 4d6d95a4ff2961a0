import type { Backlog } from '../core/backlog.ts';
import { compareIds, isSettled, type Task, taskId } from '../core/task.ts';
import { oneLine } from '../core/text.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import { wavesOf } from './look-operations.ts';
import { reportedOn, titleOf, viewOf } from './task-view.ts';

export const WAVES_URI = 'waves://waves';
export const TASK_TEMPLATE = 'waves://tasks/{id}';
const TASK_PREFIX = 'waves://tasks/';

/** More tasks than this are found through `waves_list`. */
const MAX_TASKS = 2_000;

export interface ListedResource {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description?: string;
  readonly mimeType: 'application/json';
}

/** The address of a task; any id makes one, and `idOf` reads it back. */
export function taskUri(id: string): string {
  return `${TASK_PREFIX}${encodeURIComponent(id.toWellFormed())}`;
}

/** The waves first, then every open task in id order. */
export function listResources(backlog: Backlog): readonly ListedResource[] {
  const tasks = (backlog.snapshot?.tasks ?? [])
    .filter(({ status }) => !isSettled(status))
    .toSorted((a, b) => compareIds(a.id, b.id));
  return [
    {
      uri: WAVES_URI,
      name: 'waves',
      title: 'Waves',
      mimeType: 'application/json',
      description: 'The open tasks as waves, with what each waits for and who holds it',
    },
    ...tasks.slice(0, MAX_TASKS).map((task): ListedResource => ({
      uri: taskUri(task.id),
      name: task.id,
      mimeType: 'application/json',
      title: `${oneLine(task.id)} ${titleOf(task)}`,
    })),
  ];
}

/**
 * What stands at each of these addresses, as JSON; undefined where there is no such resource now.
 * Stays the same as time passes.
 */
export async function readResources(
  served: AgentBacklog,
  uris: readonly string[],
): Promise<ReadonlyMap<string, string | undefined>> {
  const { backlog } = served;
  const { plan } = backlog;
  const tasks = new Map<string, Task>();
  for (const uri of uris) {
    const id = idOf(uri);
    const task = id === undefined ? undefined : backlog.task(taskId(id));
    if (task !== undefined) tasks.set(uri, task);
  }
  // Asked for once for all of them, since each question goes to another process.
  const ids = new Set([...tasks.values()].flatMap(reportedOn));
  const results = await served.results([...ids]);
  return new Map(
    uris.map((uri) => {
      const task = tasks.get(uri);
      if (task !== undefined)
        return [uri, asJson(viewOf(served, task, { results, now: undefined }))];
      const isThere = uri === WAVES_URI && plan !== undefined;
      return [uri, isThere ? asJson(wavesOf(backlog, plan, {}, undefined)) : undefined];
    }),
  );
}

function idOf(uri: string): string | undefined {
  if (!uri.startsWith(TASK_PREFIX)) return undefined;
  try {
    return decodeURIComponent(uri.slice(TASK_PREFIX.length));
  } catch {
    return undefined; // a stray %, so no address that we made
  }
}

function asJson(value: object): string {
  return JSON.stringify(value, undefined, 2);
}
