import type { Backlog } from '../core/backlog.ts';
import type { Unreadable } from '../core/failure.ts';
import { oneLine } from '../core/plan/text.ts';
import { unreadableWords } from './explain.ts';
import { type Click, row, type RowContent } from './row.ts';

const RETRY: Click = { title: 'Try Again', command: 'todo2Waves.refresh' };
const REVEAL: Click = { title: 'Reveal File', command: 'todo2Waves.revealStore' };
const LOG: Click = { title: 'Show Log', command: 'todo2Waves.showLog' };

/** The one thing to do about a store that cannot be read. All of them are read again by themselves when they have changed. */
const ACTIONS: Readonly<Record<Unreadable['cause'], Click>> = {
  notADatabase: REVEAL,
  encrypted: REVEAL,
  malformed: REVEAL,
  permission: REVEAL,
  empty: RETRY,
  truncated: RETRY,
  noTasksTable: RETRY,
  busy: RETRY,
  io: LOG,
};

const WARNING = { id: 'warning', color: 'list.warningForeground' };

/** True where what is shown is not what is there: the store cannot be read, or it takes very long. */
export function hasStoreRow(backlog: Backlog): boolean {
  return backlog.store.kind === 'unreadable' || backlog.slowSince !== undefined;
}

/** A row that says what is wrong with a store and, with a click, does the one thing there is to do about it. */
export function describeStore(backlog: Backlog): RowContent {
  const { store } = backlog;
  if (store.kind === 'unreadable') {
    const { failure } = store;
    const click = ACTIONS[failure.cause];
    const name = failure.file.split(/[\\/]/).at(-1) ?? failure.file;
    return row(`${oneLine(name)} ${unreadableWords(failure.cause)}`, `${click.title} · ${failure.detail}`, WARNING, {
      click,
    });
  }
  if (backlog.slowSince !== undefined) {
    return row('Reading takes long', LOG.title, { id: 'loading~spin' }, { click: LOG });
  }
  switch (store.kind) {
    case 'loading':
      return row('Reading …', '', { id: 'loading~spin' });
    case 'missing':
      return row('No backlog here', 'neither .todo2/todo2.db nor .todo2/state.todo2.json', { id: 'info' });
    case 'ready':
      return row('Nothing to do', 'the backlog has no tasks', { id: 'info' });
  }
}
