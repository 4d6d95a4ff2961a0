import type { Backlog } from '../core/backlog.ts';
import type { Unreadable } from '../core/failure.ts';
import { type Click, row, type RowContent } from './row.ts';
import { unreadableText, UNREADABLE } from '../core/messages.ts';

const RETRY: Click = { title: 'Try Again', command: 'todo2Waves.refresh' };
const REVEAL: Click = { title: 'Reveal File', command: 'todo2Waves.revealStore' };
const LOG: Click = { title: 'Show Log', command: 'todo2Waves.showLog' };

/**
 * The one thing to do about a store that cannot be read. All of them are read again by themselves
 * when they have changed.
 */
const ACTIONS: Readonly<Record<Unreadable['cause'], Click>> = {
  notADatabase: REVEAL,
  encrypted: REVEAL,
  lfsPointer: RETRY,
  malformed: REVEAL,
  permission: REVEAL,
  empty: RETRY,
  truncated: RETRY,
  noTasksTable: RETRY,
  busy: RETRY,
  io: LOG,
};

const ERROR = { id: 'error', color: 'charts.red' };
const WARNING = { id: 'warning', color: 'list.warningForeground' };

/**
 * True where what is shown is not what is there: the store cannot be read, or it takes very long.
 */
export function hasStoreRow(backlog: Backlog): boolean {
  return backlog.store.kind === 'unreadable' || backlog.slowSince !== undefined;
}

/** A row on the state of a store; a click does the one thing there is to do about it. */
export function describeStore(backlog: Backlog): RowContent {
  const { store } = backlog;
  if (store.kind === 'unreadable') {
    const { failure } = store;
    const click = ACTIONS[failure.cause];
    // Above rows that are old a message says what is wrong, so that the row is its button.
    if (backlog.snapshot === undefined)
      return row('Cannot be read', unreadableText(failure), ERROR, { click });
    const name = failure.file.split(/[\\/]/).at(-1) ?? failure.file;
    return row(click.title, `${name} ${UNREADABLE[failure.cause]}`, WARNING, { click });
  }
  if (backlog.slowSince !== undefined) {
    return row(LOG.title, 'reading takes long', { id: 'loading~spin' }, { click: LOG });
  }
  switch (store.kind) {
    case 'loading':
      return row('Reading …', '', { id: 'loading~spin' });
    case 'missing':
      return row('No backlog here', 'neither .todo2/todo2.db nor .todo2/state.todo2.json', {
        id: 'info',
      });
    case 'ready':
      return row('Nothing to do', 'the backlog has no tasks', { id: 'info' });
  }
}
