import * as vscode from 'vscode';
import type { HandoffsState } from '../../core/handoff.ts';
import type { Backlogs } from '../backlogs.ts';
import {
  copyHandoffPrompt,
  type HandoffItem,
  handoffItems,
  isOpenHandoff,
  setHandoffStatus,
} from './handoff-commands.ts';
import { plain } from '../../core/text.ts';
import { openDocument } from '../documents.ts';
import { type LiveButton, type LiveItem, liveButton, showLiveList } from '../live-list.ts';

/** Lists every handoff, newest first, to be opened, closed, approved or reopened. */
export function showHandoffs(backlogs: Backlogs): Promise<void> {
  return showLiveList(backlogs, {
    title: 'Handoffs',
    placeholder: 'Open a handoff',
    matchOnDetail: true,
    none: 'No handoff has been written yet.',
    items: () => [
      ...handoffItems(backlogs, () => true).map(lineOf),
      ...backlogs.all.flatMap(({ handoffs }) => notesOf(handoffs.state)),
    ],
  });
}

function lineOf(item: HandoffItem): LiveItem {
  const button = (icon: string, title: string, to: 'open' | 'closed' | 'approved'): LiveButton =>
    liveButton(icon, title, () => setHandoffStatus(to)(item));
  const buttons = isOpenHandoff(item.handoff)
    ? [button('check', 'Close', 'closed'), button('verified', 'Approve', 'approved')]
    : [button('discard', 'Reopen', 'open')];
  return {
    ...item,
    buttons: [liveButton('copy', 'Copy as Prompt', () => copyHandoffPrompt(item)), ...buttons],
    open: () => openDocument('handoff', item.backlog, item.handoff.key),
  };
}

/** What of the file could not be read, at the end of the list. */
function notesOf(state: HandoffsState): LiveItem[] {
  if (state.kind === 'unreadable') {
    const { file, detail } = state.failure;
    return [
      {
        label: '$(warning) handoffs.json cannot be read',
        detail: plain(`${detail} · ${file}`),
        open: () => vscode.window.showTextDocument(vscode.Uri.file(file)),
      },
    ];
  }
  return state.bad.map(({ position, detail }) => ({
    label: `$(warning) Entry ${position} is left out: it ${detail}`,
  }));
}
