/**
 * What our code uses of the module `vscode`, for units: nothing happens, everything is remembered. `use-editor-stub.ts` puts it in
 * the place of the real one; what the real one does is for the host suite.
 */
import { Emitter } from '../../src/core/events.ts';

/** What a person answers, first to last; a question that nobody has an answer for is dismissed. */
export const answers: (string | undefined)[] = [];
/** Every message that was shown, with its buttons. */
export const shown: {
  readonly message: string;
  readonly detail: string | undefined;
  readonly buttons: readonly string[];
}[] = [];
/** Folders of the window; replaced by a test, which then fires `foldersChanged`. */
export const folders: { readonly uri: Uri }[] = [];
export const foldersChanged = new Emitter<undefined>();
export const trustGranted = new Emitter<undefined>();
export const trust = { isTrusted: true };

type Listener<T> = (event: T) => void;

export class EventEmitter<T> {
  readonly #emitter = new Emitter<T>();
  readonly event = (listener: Listener<T>) => this.#emitter.event(listener);
  fire(event: T): void {
    this.#emitter.fire(event);
  }
  dispose(): void {
    this.#emitter.dispose();
  }
}

export class Uri {
  readonly scheme = 'file';
  readonly fsPath: string;
  constructor(path: string) {
    this.fsPath = path;
  }
  static file(path: string): Uri {
    return new Uri(path);
  }
}

export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 } as const;
class Named {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}
export { Named as ThemeIcon, Named as ThemeColor, Named as MarkdownString };

const never = () => ({ dispose: () => undefined });

export const workspace = {
  get isTrusted() {
    return trust.isTrusted;
  },
  get workspaceFolders() {
    return folders;
  },
  onDidChangeWorkspaceFolders: foldersChanged.event,
  onDidGrantWorkspaceTrust: trustGranted.event,
  onDidChangeConfiguration: never,
};

export const commands = {
  registered: new Map<string, (...args: unknown[]) => unknown>(),
  registerCommand(name: string, handler: (...args: unknown[]) => unknown) {
    commands.registered.set(name, handler);
    return { dispose: () => commands.registered.delete(name) };
  },
  executeCommand: () => Promise.resolve(),
};

interface PickItem {
  readonly label: string;
  readonly description?: string;
}

/** Every list that was shown, as its lines; a person chooses by what a label ends with. */
export const lists: (readonly PickItem[])[] = [];

function pickOne(items: readonly PickItem[]): Promise<PickItem | undefined> {
  lists.push(items);
  const answer = answers.shift();
  return Promise.resolve(answer === undefined ? undefined : items.find((item) => item.label.endsWith(answer)));
}

function ask(
  message: string,
  ...rest: readonly (string | { readonly detail?: string })[]
): Promise<string | undefined> {
  const buttons = rest.filter((part) => typeof part === 'string');
  const detail = rest.find((part) => typeof part === 'object')?.detail;
  shown.push({ message, detail, buttons });
  return Promise.resolve(buttons.length === 0 ? undefined : answers.shift());
}

export const window = {
  createTreeView: () => ({ selection: [], dispose: () => undefined, message: undefined, badge: undefined }),
  showWarningMessage: ask,
  showInformationMessage: ask,
  showQuickPick: pickOne,
  showInputBox: () => Promise.resolve(answers.shift()),
};
