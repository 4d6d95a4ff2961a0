import type { Backlog } from '../../core/backlog.ts';
import {
  handoffTitle,
  handoffToShow,
  type Handoff,
  type HandoffStatus,
} from '../../core/handoff.ts';
import { oneLine } from '../../core/text.ts';
import { type Click, GONE, row, type RowContent } from '../row.ts';
import { clockTime } from '../../core/messages.ts';

/**
 * What the tree has to say of handoffs: the key of the one to show, `TROUBLE` for a file that
 * cannot be read, or nothing.
 */
export function handoffRow(backlog: Backlog): string | undefined {
  const { state } = backlog.handoffs;
  return state.kind === 'unreadable'
    ? TROUBLE
    : handoffToShow(state, backlog.host, backlog.now)?.key;
}

const OPEN: Click = { title: 'Open Handoff', command: 'todo2Waves.openHandoff' };

/** No key of a handoff has a line break in front. */
export const TROUBLE = '\ntrouble';

/** The handoff of this key as it is now. */
export function findHandoff(backlog: Backlog, key: string): Handoff | undefined {
  const { state } = backlog.handoffs;
  return state.kind === 'read' ? state.handoffs.find((handoff) => handoff.key === key) : undefined;
}

/** Describes the row of a handoff, or of a file of handoffs that cannot be read. */
export function describeHandoff(backlog: Backlog, key: string): RowContent {
  const { state } = backlog.handoffs;
  if (key === TROUBLE) {
    if (state.kind !== 'unreadable') return GONE;
    const icon = { id: 'warning', color: 'list.warningForeground' };
    const { file, detail } = state.failure;
    // The name first: a narrow side bar shows little more.
    return row('handoffs.json cannot be read', `${detail} · ${file}`, icon, { click: OPEN });
  }
  const handoff = findHandoff(backlog, key);
  if (handoff === undefined) return GONE;
  const from =
    handoff.host === '' || handoff.host === backlog.host ? '' : ` from ${oneLine(handoff.host)}`;
  const when = whenWords(handoff.at, backlog.now);
  return row(
    `Handoff${from}`,
    [handoffTitle(handoff), when].filter(Boolean).join(' · '),
    { id: 'comment' },
    {
      flags: ['handoff', ...(handoff.status === 'open' ? ['openHandoff'] : [])],
      click: OPEN,
    },
  );
}

/** A time in the past, kept short: “14:05”, “Nov 22, 14:05”; empty where it is not known. */
export function whenWords(at: number | undefined, now: number): string {
  if (at === undefined) return '';
  const [day, today] = [new Date(at), new Date(now)];
  if (day.toDateString() === today.toDateString()) return clockTime(at);
  const year = day.getFullYear() === today.getFullYear() ? {} : ({ year: 'numeric' } as const);
  const date = day.toLocaleDateString([], { month: 'short', day: 'numeric', ...year });
  return `${date}, ${clockTime(at)}`;
}

/** The status of a handoff in a word. */
export function statusWord(handoff: Handoff): string {
  return handoff.status === 'other' ? oneLine(handoff.rawStatus) : handoff.status;
}

/** The icon of each status, as a name of the editor's own. */
export const STATUS_ICONS: Readonly<Record<HandoffStatus, string>> = {
  open: 'comment',
  closed: 'check',
  approved: 'verified',
  other: 'question',
};
