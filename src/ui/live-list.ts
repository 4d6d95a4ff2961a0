import * as vscode from 'vscode';
import type { Backlogs } from './backlogs.ts';

/** A button of a line, and what it does. */
export interface LiveButton extends vscode.QuickInputButton {
  readonly act: () => unknown;
}

/** A line of a list; one that opens nothing is a heading or a note. */
export interface LiveItem extends vscode.QuickPickItem {
  readonly buttons?: readonly LiveButton[];
  readonly open?: () => unknown;
}

export function liveButton(icon: string, tooltip: string, act: () => unknown): LiveButton {
  return { iconPath: new vscode.ThemeIcon(icon), tooltip, act };
}

/** Shows a list that stays true while it is open; says `none` where nothing stands in it. */
export async function showLiveList(
  backlogs: Backlogs,
  list: {
    readonly title: string;
    readonly placeholder: string;
    readonly matchOnDetail?: boolean;
    readonly none: string;
    readonly items: () => readonly LiveItem[];
  },
): Promise<void> {
  const pick = vscode.window.createQuickPick<LiveItem>();
  pick.title = list.title;
  pick.placeholder = list.placeholder;
  pick.matchOnDescription = true;
  pick.matchOnDetail = list.matchOnDetail ?? false;
  const update = (): void => {
    const items = list.items();
    pick.items = items.length > 0 ? items : [{ label: list.none, alwaysShow: true }];
  };
  update();
  const subscriptions = [
    pick,
    backlogs.onDidChange(update),
    pick.onDidTriggerItemButton(({ button }) => void (button as LiveButton).act()),
    pick.onDidAccept(() => {
      const [chosen] = pick.selectedItems;
      pick.hide();
      void chosen?.open?.();
    }),
  ];
  await new Promise<void>((resolve) => {
    pick.onDidHide(() => resolve());
    pick.show();
  });
  for (const subscription of subscriptions) subscription.dispose();
}
