import { taskId } from '../../src/core/task.ts';
import { lock } from './backlog.ts';
import { fakeBacklog, NOW, type FakeBacklog } from './fake-backlog.ts';
import { DESK, type Orphan, read, type Row, type Store } from './doctor-fixtures.ts';

const MINUTE = 60_000;

const id = (n: number): string => `T-${1_790_000_000_000 + n}`;

const rows: readonly Row[] = [
  { id: id(1), title: 'Let plugins add commands', dependencies: [id(2)] },
  { id: id(2), title: 'Icon themes as the first plugin', dependencies: [id(1)] },
  { id: id(3), title: 'Start again on an error', dependencies: [id(3)] },
  { id: id(4), title: null },
  {
    id: id(5),
    title: 'Cache forecasts',
    project: null,
    status: 'In Progress',
    lock: lock('codex-studio-9', NOW + MINUTE),
  },
  { id: id(6), title: 'Read the configuration', project: 'me/skycast' },
  {
    id: id(7),
    title: 'Parse arguments',
    status: 'in progress',
    lock: lock('claude-desk-300', NOW + 20 * MINUTE),
  },
  { id: id(8), title: 'Draw bars', status: 'Parked' },
  { id: id(9), title: 'Write the man page', lock: lock('cursor-studio-8123', NOW + 90 * MINUTE) },
  { id: id(10), title: 'Show the week', status: 'In Progress' },
  {
    id: id(11),
    title: 'Work offline',
    status: 'In Progress',
    lock: lock('cursor-studio-7', NOW - 40 * MINUTE),
  },
  { id: id(12), title: 'Set up', status: 'Done', lock: lock('cursor-studio-7', NOW + 10 * MINUTE) },
  { id: id(13), title: 'Translate', status: 'In Progress', lock: lock('anna', undefined) },
  { id: id(14), title: 'Warn of storms', dependencies: [id(404)] },
  { id: id(15), title: 'Release 1.0', createdAt: NOW - 2 },
  { id: id(16), title: 'release  1.0', createdAt: NOW - 1 },
  { id: id(17), title: 'Broken notes', fault: 'Unexpected token' },
  { id: 'AUTO-20260105', title: 'Nightly' },
  { id: id(18), title: 'Fetch the forecast', priority: 'P0' },
  { id: 'T-12', title: 'From the old days' },
];

const orphans: readonly Orphan[] = [{ table: 'task_tags', owner: id(500), value: 'ui' }];

/**
 * A store with one trouble of nearly every kind, on the machine `desk` where the process 300 is
 * gone.
 */
export const BROKEN: Store = { rows, orphans };

/** A backlog over a store that is not as it should be. */
export function brokenBacklog(
  store: Store = BROKEN,
  more: FakeBacklog = {},
): ReturnType<typeof fakeBacklog> {
  const snapshot = read(store);
  const notices = [
    ...snapshot.notices,
    { kind: 'duplicateId', id: taskId(id(1)), title: 'Another one', position: 2 } as const,
    { kind: 'badConfig', file: '.exarp/config.yaml', detail: 'not YAML' } as const,
  ];
  const state = {
    kind: 'ready',
    snapshot: store === BROKEN ? { ...snapshot, notices } : snapshot,
  } as const;
  return fakeBacklog({ store: state, processes: DESK, ...more });
}
