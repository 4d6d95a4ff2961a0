import * as vscode from 'vscode';
import type { Backlogs } from '../backlogs.ts';
import {
  copyHandoffPrompt,
  type HandoffItem,
  handoffItems,
  isOpenHandoff,
  setHandoffStatus,
  type HandoffTarget,
} from './handoff-commands.ts';
import { plain } from '../../core/text.ts';
import { openDocument } from '../documents.ts';

/** Something to say about a file, and the file to look at. */
type NoteItem = vscode.QuickPickItem & { readonly file?: string };

/**
 * Lists every handoff, newest first; each can be opened, and closed, approved or reopened by its
 * buttons.
 */
export async function showHandoffs(backlogs: Backlogs): Promise<void> {
  const pick = vscode.window.createQuickPick<HandoffItem | NoteItem>();
  pick.title = 'Handoffs';
  pick.placeholder = 'Open a handoff';
  pick.matchOnDescription = true;
  pick.matchOnDetail = true;
  const update = (): void => {
    const items = [...handoffItems(backlogs, () => true).map(withButtons), ...notesOf(backlogs)];
    pick.items =
      items.length > 0 ? items : [{ label: 'No handoff has been written yet.', alwaysShow: true }];
  };
  update();
  const subscriptions = [
    pick,
    backlogs.onDidChange(update),
    pick.onDidTriggerItemButton(({ item, button }) => {
      if ('handoff' in item && 'act' in button) void (button as ItemButton).act(item);
    }),
    pick.onDidAccept(() => {
      const [chosen] = pick.selectedItems;
      pick.hide();
      if (chosen !== undefined && 'handoff' in chosen)
        void openDocument('handoff', chosen.backlog, chosen.handoff.key);
      else if (chosen?.file !== undefined)
        void vscode.window.showTextDocument(vscode.Uri.file(chosen.file));
    }),
  ];
  await new Promise<void>((resolve) => {
    pick.onDidHide(() => resolve());
    pick.show();
  });
  for (const subscription of subscriptions) subscription.dispose();
}

type ItemButton = vscode.QuickInputButton & {
  readonly act: (target: HandoffTarget) => Promise<void>;
};

function withButtons(item: HandoffItem): HandoffItem {
  const button = (icon: string, tooltip: string, act: ItemButton['act']): ItemButton => ({
    iconPath: new vscode.ThemeIcon(icon),
    tooltip,
    act,
  });
  const isOpen = isOpenHandoff(item.handoff);
  const buttons = [
    button('copy', 'Copy as Prompt', copyHandoffPrompt),
    ...(isOpen
      ? [
          button('check', 'Close', (target) => setHandoffStatus(target, 'closed')),
          button('verified', 'Approve', (target) => setHandoffStatus(target, 'approved')),
        ]
      : [button('discard', 'Reopen', (target) => setHandoffStatus(target, 'open'))]),
  ];
  return { ...item, buttons };
}

/** What of the files could not be read, at the end of the list. */
function notesOf(backlogs: Backlogs): NoteItem[] {
  return backlogs.all.flatMap((backlog): NoteItem[] => {
    const { state } = backlog.handoffs;
    if (state.kind === 'unreadable') {
      const { file, detail } = state.failure;
      return [
        {
          label: '$(warning) handoffs.json cannot be read',
          detail: plain(`${detail} · ${file}`),
          file,
        },
      ];
    }
    return state.bad.map(({ position, detail }) => ({
      label: `$(warning) Entry ${position} is left out: it ${detail}`,
    }));
  });
}
