import type { Editor } from '../../src/agent-api/editor.ts';

/** What a command of an editor does when it is asked. */
export type Doing = 'works' | 'fails' | 'hangs';

/** An editor of which only this much is there. */
export interface StandIn {
  /** `cursor` if absent. */
  readonly uriScheme?: string;
  readonly appName?: string;
  readonly commands?: Readonly<Record<string, Doing>>;
  /** What comes of opening a link; they are declined if absent. */
  readonly links?: 'opens' | 'declines' | 'throws';
  /**
   * What a person answers, first to last: the label of a button, or the labels that they pick in a
   * list.
   */
  readonly answers?: readonly (string | readonly string[])[];
}

/** The parts of an editor that open chats and ask people. */
export type AskingEditor = Pick<Editor, 'commands' | 'env' | 'Uri' | 'window'>;

/**
 * Stands in for the editor where there is none like it, Cursor above all: it remembers, in order,
 * what was done to it.
 */
export function standInEditor(spec: StandIn = {}): {
  readonly editor: AskingEditor;
  readonly said: string[];
} {
  const said: string[] = [];
  const { uriScheme = 'cursor', appName = 'Cursor', commands = {}, links = 'declines' } = spec;
  const answers = [...(spec.answers ?? [])];
  const message = (text: string, ...rest: readonly unknown[]): Promise<unknown> => {
    said.push(`message ${text}`);
    return Promise.resolve(
      rest.some((each) => typeof each === 'string') ? answers.shift() : undefined,
    );
  };
  const editor = {
    env: {
      uriScheme,
      appName,
      openExternal: (link: { toString(): string }) => {
        said.push(`open ${link.toString()}`);
        if (links === 'throws') throw new Error('no links here');
        return Promise.resolve(links === 'opens');
      },
      clipboard: {
        writeText: (text: string) => {
          said.push(`clipboard ${text}`);
          return Promise.resolve();
        },
      },
    },
    Uri: { parse: (text: string) => ({ toString: () => text }) },
    commands: {
      getCommands: () => Promise.resolve(Object.keys(commands)),
      executeCommand: (name: string, argument: unknown) => {
        said.push(argument === undefined ? name : `${name} ${JSON.stringify(argument)}`);
        switch (commands[name]) {
          case 'works':
            return Promise.resolve();
          case 'hangs':
            return new Promise(() => undefined);
          default:
            return Promise.reject(new Error('it failed'));
        }
      },
    },
    window: {
      showInformationMessage: message,
      showWarningMessage: message,
      showQuickPick: (
        items: readonly { readonly label: string }[],
        { title }: { readonly title: string },
      ) => {
        said.push(`list ${title}`);
        const picked = answers.shift();
        const isPicked = ({ label }: { readonly label: string }): boolean =>
          picked?.includes(label) === true;
        return Promise.resolve(
          typeof picked === 'string' ? items.find(isPicked) : picked && items.filter(isPicked),
        );
      },
    },
  };
  return { editor: editor as unknown as AskingEditor, said };
}
