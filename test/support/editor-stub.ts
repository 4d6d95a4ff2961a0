/**
 * What our code uses of the module `vscode`, for units: nothing happens, everything is remembered.
 * `use-editor-stub.ts` puts it in the place of the real one; what the real one does is for the host
 * suite.
 */
import { Emitter } from '../../src/core/events.ts';

/** The user's answers, in order; a question without one is dismissed. */
export const answers: (string | undefined)[] = [];
/** As an answer: the notice stays, and is answered by the next of `late`. */
export const STAYS = '(stays)';
export const late: ((answer: string) => void)[] = [];
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
  readonly scheme: string;
  readonly fsPath: string;
  readonly path: string;
  readonly query: string;
  constructor(path: string, scheme = 'file', query = '') {
    this.fsPath = path;
    this.path = path;
    this.scheme = scheme;
    this.query = query;
  }
  static file(path: string): Uri {
    return new Uri(path);
  }
  static parse(value: string): Uri {
    const { protocol, pathname } = new URL(value);
    return new Uri(pathname, protocol.slice(0, -1), value);
  }
  static from({ scheme, path, query }: { scheme: string; path: string; query: string }): Uri {
    return new Uri(path, scheme, query);
  }
  static joinPath({ fsPath, scheme, query }: Uri, ...parts: readonly string[]): Uri {
    return new Uri([fsPath, ...parts].join('/'), scheme, query);
  }
}

export class Position {
  readonly line: number;
  readonly character: number;
  constructor(line: number, character: number) {
    this.line = line;
    this.character = character;
  }
}

export class Range {
  readonly start: Position;
  readonly end: Position;
  constructor(...at: readonly [Position, Position] | readonly [number, number, number, number]) {
    [this.start, this.end] =
      at.length === 2 ? at : [new Position(at[0], at[1]), new Position(at[2], at[3])];
  }
}

export const ProgressLocation = { Notification: 15 } as const;
export const QuickPickItemKind = { Separator: -1, Default: 0 } as const;
export const TreeItemCollapsibleState = { None: 0, Collapsed: 1, Expanded: 2 } as const;
export class TreeItem {
  readonly label: string;
  readonly collapsibleState: number;
  constructor(label: string, collapsibleState: number) {
    this.label = label;
    this.collapsibleState = collapsibleState;
  }
}
class Named {
  readonly id: string;
  constructor(id: string) {
    this.id = id;
  }
}
export { Named as ThemeIcon, Named as ThemeColor, Named as MarkdownString };

const never = () => ({ dispose: () => undefined });

/** Values of settings, without the section they stand in. */
export const settings = new Map<string, unknown>();

interface ContentProvider {
  readonly provideTextDocumentContent: (uri: Uri) => Promise<string> | string;
}

/** What gives the texts of documents, by their scheme. */
export const contentProviders = new Map<string, ContentProvider>();

export const CommentMode = { Editing: 0, Preview: 1 } as const;
export const CommentThreadCollapsibleState = { Collapsed: 0, Expanded: 1 } as const;

/** The texts of documents, by the path of their URI. */
export const documents = new Map<string, string>();

interface Thread {
  readonly uri: Uri;
  readonly range: Range;
  comments: readonly unknown[];
  label?: string;
  readonly dispose: () => void;
}

/** The threads of comments that are shown, and where new ones can begin. */
export const threads = new Set<Thread>();
export const commenting: {
  commentingRangeProvider?: {
    provideCommentingRanges: (document: { uri: Uri; lineCount: number }) => readonly Range[];
  };
} = {};

function createCommentThread(uri: Uri, range: Range, given: readonly unknown[]): Thread {
  const thread = { uri, range, comments: given, dispose: () => void threads.delete(thread) };
  threads.add(thread);
  return thread;
}

export const comments = {
  createCommentController: () =>
    Object.assign(commenting, { createCommentThread, dispose: () => threads.clear() }),
};

export const workspace = {
  openTextDocument: ({ path }: Uri) =>
    Promise.resolve({ getText: () => documents.get(path) ?? '' }),
  registerTextDocumentContentProvider: (scheme: string, provider: ContentProvider) => {
    contentProviders.set(scheme, provider);
    return { dispose: () => contentProviders.delete(scheme) };
  },
  getConfiguration: () => ({ get: (key: string) => settings.get(key) }),
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
  executed: [] as unknown[][],
  executeCommand: (...call: unknown[]) => {
    commands.executed.push(call);
    return Promise.resolve();
  },
};

/** Other extensions that are installed, by their ids. */
export const installed = new Set<string>();

export const extensions = {
  getExtension: (id: string) => (installed.has(id) ? { id } : undefined),
};

/** The addresses that were opened outside of the editor. */
export const opens: string[] = [];

export const env = {
  openExternal: ({ query }: Uri) => {
    opens.push(query);
    return Promise.resolve(true);
  },
};

interface PickItem {
  readonly label: string;
  readonly description?: string;
}

/**
 * Every list that was shown, as its lines; a person chooses by what a label ends with, several in a
 * list that allows it by such endings with `|` between them.
 */
export const lists: (readonly PickItem[])[] = [];

function pickOne(
  items: readonly PickItem[],
  options: { readonly canPickMany?: boolean } = {},
): Promise<PickItem | readonly PickItem[] | undefined> {
  lists.push(items);
  const answer = answers.shift();
  const find = (ending: string): PickItem | undefined =>
    items.find((item) => item.label.endsWith(ending));
  if (answer === undefined) return Promise.resolve(undefined);
  if (options.canPickMany !== true) return Promise.resolve(find(answer));
  return Promise.resolve(answer.split('|').flatMap((ending) => find(ending) ?? []));
}

function ask(
  message: string,
  ...rest: readonly (string | { readonly detail?: string })[]
): Promise<string | undefined> {
  const buttons = rest.filter((part) => typeof part === 'string');
  const detail = rest.find((part) => typeof part === 'object')?.detail;
  shown.push({ message, detail, buttons });
  const answer = buttons.length === 0 ? undefined : answers.shift();
  if (answer === STAYS) return new Promise((resolve) => late.push(resolve));
  return Promise.resolve(answer);
}

/** The input boxes that were made, to be used by a test as a person would. */
export const inputBoxes: InputBox[] = [];

class InputBox {
  readonly accepted = new Emitter<undefined>();
  readonly pressed = new Emitter<unknown>();
  readonly hidden = new Emitter<undefined>();
  readonly onDidAccept = this.accepted.event;
  readonly onDidTriggerButton = this.pressed.event;
  readonly onDidHide = this.hidden.event;
  readonly onDidChangeValue = never;
  buttons: readonly unknown[] = [];
  value = '';
  validationMessage: string | undefined;
  show = (): void => undefined;
  hide = (): void => this.hidden.fire(undefined);
  dispose = (): void => undefined;
}

/** The quick picks that were made with `createQuickPick`, to be used by a test as a person would. */
export const quickPicks: QuickPick[] = [];

class QuickPick {
  readonly accepted = new Emitter<undefined>();
  readonly hidden = new Emitter<undefined>();
  readonly onDidAccept = this.accepted.event;
  readonly onDidHide = this.hidden.event;
  readonly onDidTriggerItemButton = never;
  items: readonly PickItem[] = [];
  selectedItems: readonly PickItem[] = [];
  value = '';
  show = (): void => undefined;
  hide = (): void => this.hidden.fire(undefined);
  dispose = (): void => undefined;
}

/** What views were asked to show. */
export const reveals: unknown[] = [];
/** What becomes of the next of them: an error, or nothing at all. */
export const unheeded: ('dropped' | Error)[] = [];

interface InputOptions {
  readonly title?: string;
  readonly prompt?: string;
  readonly validateInput?: (value: string) => string | undefined;
}

/** What was asked for in an input box. */
export const inputs: InputOptions[] = [];

/** The documents that were shown, and where in them, the line counted from 1. */
export const opened: string[] = [];

export const window = {
  showTextDocument: ({ fsPath }: Uri, { selection }: { readonly selection: Range }) => {
    opened.push(`${fsPath}:${selection.start.line + 1}`);
    return Promise.resolve();
  },
  createInputBox: () => {
    const box = new InputBox();
    inputBoxes.push(box);
    return box;
  },
  createQuickPick: () => {
    const pick = new QuickPick();
    quickPicks.push(pick);
    return pick;
  },
  createTreeView: () => {
    let selection: readonly unknown[] = [];
    return {
      reveal: (node: unknown) => {
        reveals.push(node);
        const answer = unheeded.shift();
        if (answer === undefined) selection = [node];
        return answer instanceof Error ? Promise.reject(answer) : Promise.resolve();
      },
      get selection() {
        return selection;
      },
      dispose: () => undefined,
      message: undefined,
      badge: undefined,
    };
  },
  showWarningMessage: ask,
  showInformationMessage: ask,
  showQuickPick: pickOne,
  /** Nobody cancels it. */
  withProgress: <T>(_: unknown, body: (progress: unknown, token: unknown) => Promise<T>) =>
    body({ report: () => undefined }, { onCancellationRequested: () => undefined }),
  showInputBox: (asked: InputOptions) => {
    inputs.push(asked);
    return Promise.resolve(answers.shift());
  },
};
