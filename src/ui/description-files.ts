import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import { type Task, type TaskId, taskId } from '../core/task.ts';
import type { Backlogs } from './backlogs.ts';
import { explainFailure } from './messages.ts';
import { formatQuery, parseQuery } from './documents.ts';

/**
 * Scheme of the documents that hold a task's description: the only ones that the user can write.
 */
export const DESCRIPTION_SCHEME = 'todo2-waves-description';

/** The last version of a description that an editor has. */
interface ToldContent {
  readonly text: string;
  /**
   * Grows only when the description itself changes: exarp-go gives all tasks a new date with each
   * change of one.
   */
  readonly mtime: number;
}

/**
 * The descriptions of tasks as files, so that a real editor edits them and saving writes them. They
 * have a scheme of their own, because an editor saves only to a file system; `documents.ts` serves
 * content, which is read-only.
 *
 * The editor itself asks what to do where the text changed while the user edited it: it compares
 * `mtime` before it writes. A change between that check and the write is detected under the write
 * lock.
 */
export class DescriptionFiles implements vscode.FileSystemProvider, Disposable {
  readonly #backlogs: Backlogs;
  readonly #told = new Map<string, ToldContent>();
  readonly #changed = new vscode.EventEmitter<vscode.FileChangeEvent[]>();
  readonly #disposables: readonly Disposable[];

  readonly onDidChangeFile = this.#changed.event;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#disposables = [
      this.#changed,
      vscode.workspace.registerFileSystemProvider(DESCRIPTION_SCHEME, this, {
        isCaseSensitive: true,
      }),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#told.delete(uri.toString())),
      backlogs.onDidChange(() => this.#look()),
    ];
  }

  stat(uri: vscode.Uri): vscode.FileStat {
    const { text, mtime } = this.#tell(uri, this.#find(uri).task);
    return { type: vscode.FileType.File, ctime: 0, mtime, size: Buffer.byteLength(text) };
  }

  readFile(uri: vscode.Uri): Uint8Array {
    return Buffer.from(this.#tell(uri, this.#find(uri).task).text);
  }

  async writeFile(uri: vscode.Uri, content: Uint8Array): Promise<void> {
    const { backlog, task } = this.#find(uri);
    const from = this.#told.get(uri.toString())?.text ?? task.description;
    const to = Buffer.from(content).toString('utf8');
    if (to === from) return;
    const written = await backlog.edits.apply([{ kind: 'setDescription', id: task.id, from, to }]);
    if (written.ok) this.#told.set(uri.toString(), this.#next(uri, to));
    else
      throw vscode.FileSystemError.Unavailable(
        explainFailure(written.failure, backlog.now).message,
      );
  }

  watch(): Disposable {
    // The backlog is followed anyway.
    return { dispose: () => undefined };
  }

  readDirectory(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  createDirectory(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  delete(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  rename(): never {
    throw vscode.FileSystemError.NoPermissions();
  }

  dispose(): void {
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #find(uri: vscode.Uri): { readonly backlog: Backlog; readonly task: Task } {
    const found = this.#lookUp(uri);
    if (found === undefined) throw vscode.FileSystemError.FileNotFound(uri);
    return found;
  }

  #lookUp(uri: vscode.Uri): { readonly backlog: Backlog; readonly task: Task } | undefined {
    const { root, key } = parseQuery(uri.query);
    const backlog = this.#backlogs.all.find((each) => each.root === root);
    const task = backlog?.task(taskId(key));
    return backlog === undefined || task === undefined ? undefined : { backlog, task };
  }

  #tell(uri: vscode.Uri, { description }: Task): ToldContent {
    const told = this.#told.get(uri.toString());
    if (told?.text === description) return told;
    const next = this.#next(uri, description);
    this.#told.set(uri.toString(), next);
    return next;
  }

  #next(uri: vscode.Uri, text: string): ToldContent {
    return { text, mtime: Math.max(Date.now(), (this.#told.get(uri.toString())?.mtime ?? 0) + 1) };
  }

  #look(): void {
    for (const { uri } of vscode.workspace.textDocuments) {
      const task = uri.scheme === DESCRIPTION_SCHEME ? this.#lookUp(uri)?.task : undefined;
      if (task === undefined || this.#told.get(uri.toString())?.text === task.description) continue;
      this.#changed.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    }
  }
}

/** Opens the description of a task in an editor whose save writes it. */
export async function openDescription({ root }: Backlog, id: TaskId): Promise<void> {
  const path = `/${encodeURIComponent(id.toWellFormed())}.description.md`;
  const uri = vscode.Uri.from({ scheme: DESCRIPTION_SCHEME, path, query: formatQuery(root, id) });
  await vscode.window.showTextDocument(uri, { preview: false });
}
