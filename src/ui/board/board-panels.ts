import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { FromBoard } from '../../core/board/board-messages.ts';
import { readFromBoard } from '../../core/board/board-shapes.ts';
import type { Disposable } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import { plain } from '../../core/text.ts';
import type { Backlogs } from '../backlogs.ts';
import { callsOf, perform } from './board-actions.ts';
import { BOARD_FOLDER, boardPage, rootOfState } from './board-page.ts';
import { BoardSession } from './board-session.ts';

/** The kind of panel, as the manifest has it to bring it back after a reload. */
export const BOARD_VIEW = 'todo2Waves.board';

export interface BoardParts {
  readonly backlogs: Backlogs;
  readonly extension: vscode.Uri;
  readonly clock: Clock;
  readonly reportBug: (error: unknown) => void;
}

/** The boards of this window, one for each backlog. */
export class BoardPanels implements Disposable {
  readonly #parts: BoardParts;
  readonly #panels = new Map<
    string,
    { readonly panel: vscode.WebviewPanel; show(id: string): void }
  >();

  constructor(parts: BoardParts) {
    this.#parts = parts;
  }

  /** Shows the board of a backlog, and in it a task. */
  open({ root }: Backlog, id?: string): void {
    const known = this.#panels.get(root);
    if (known !== undefined) known.panel.reveal();
    else
      this.#fill(
        vscode.window.createWebviewPanel(BOARD_VIEW, 'Waves', vscode.ViewColumn.Active),
        root,
      );
    if (id !== undefined) this.#panels.get(root)?.show(id);
  }

  /** Fills a panel that the editor has brought back after a reload. */
  restore(panel: vscode.WebviewPanel, state: unknown): void {
    const root = rootOfState(state) ?? this.#parts.backlogs.all[0]?.root;
    if (root === undefined || this.#panels.has(root)) panel.dispose();
    else this.#fill(panel, root);
  }

  dispose(): void {
    for (const { panel } of this.#panels.values()) panel.dispose();
  }

  #fill(panel: vscode.WebviewPanel, root: string): void {
    const { backlogs, extension, clock, reportBug } = this.#parts;
    const backlog = (): Backlog | undefined => backlogs.all.find((each) => each.root === root);
    const name = root.split(/[\\/]/).filter(Boolean).at(-1) ?? root;
    /** Of a task that is to be shown as soon as the board can. */
    let wanted: string | undefined;
    let isReady = false;
    const post = (message: unknown): void => void panel.webview.postMessage(message);
    const session = new BoardSession({
      name,
      backlog,
      services: (of) => backlogs.of(of),
      clock,
      isTrusted: () => vscode.workspace.isTrusted,
      isVisible: () => panel.visible,
      post,
    });
    const show = (id: string): void => {
      if (isReady) post({ kind: 'show', id });
      else wanted = id;
    };
    const subscriptions: readonly Disposable[] = [
      panel.webview.onDidReceiveMessage((value: unknown) => {
        const message = readFromBoard(value);
        if (message === undefined) return;
        session.receive(message);
        if (message.kind === 'ready') {
          isReady = true;
          if (wanted !== undefined) show(wanted);
          wanted = undefined;
        }
        const at = backlog();
        if (at !== undefined) this.#act(at, message).catch(reportBug);
      }),
      panel.onDidChangeViewState(() => {
        // A hidden page is thrown away, and asks for everything when it is made again.
        if (!panel.visible) isReady = false;
        session.changed();
      }),
      backlogs.onDidChange(() => session.changed()),
      backlogs.onDidChangeActivity(() => session.changed()),
      session,
    ];
    panel.onDidDispose(() => {
      this.#panels.delete(root);
      for (const subscription of subscriptions) subscription.dispose();
    });
    this.#panels.set(root, { panel, show });
    panel.title = backlogs.all.length > 1 ? `Waves: ${plain(name)}` : 'Waves';
    panel.webview.options = {
      enableScripts: true,
      localResourceRoots: [vscode.Uri.joinPath(extension, ...BOARD_FOLDER)],
    };
    panel.webview.html = boardPage(panel.webview, extension, root);
  }

  async #act(backlog: Backlog, message: FromBoard): Promise<void> {
    if (message.kind === 'cap') {
      if (vscode.workspace.isTrusted) backlog.runs.setCap(message.cap);
    } else if (message.kind === 'saveSvg') await saveSvg(backlog, message);
    else await perform(callsOf(backlog, message));
  }
}

/** Saves a picture where the user says. */
async function saveSvg(
  { root }: Backlog,
  { name, svg }: Extract<FromBoard, { readonly kind: 'saveSvg' }>,
): Promise<void> {
  const defaultUri = vscode.Uri.joinPath(vscode.Uri.file(root), `waves-${name}.svg`);
  const filters = { 'SVG picture': ['svg'] };
  const file = await vscode.window.showSaveDialog({ title: 'Save as SVG', defaultUri, filters });
  if (file !== undefined) await vscode.workspace.fs.writeFile(file, Buffer.from(svg));
}
