import type * as vscode from 'vscode';
import { type Disposable, type Event, together } from '../core/events.ts';
import { SERVER_NAME, type ServerCommand } from './client-config.ts';
import { messageOf } from '../core/text.ts';

/** What of the editor is needed; forks leave parts of it out, or add a namespace of their own. */
export type McpEditor = Pick<typeof vscode, 'workspace' | 'EventEmitter'> & {
  readonly lm?: Partial<typeof vscode.lm> | undefined;
  readonly McpStdioServerDefinition?: typeof vscode.McpStdioServerDefinition | undefined;
  /** Cursor's own. */
  readonly cursor?: unknown;
};

export interface McpRegistrationParts {
  readonly editor: McpEditor;
  /** As `contributes.mcpServerDefinitionProviders` has it. */
  readonly providerId: string;
  readonly version: string;
  /** The folders that have a backlog, absolute. */
  readonly roots: () => readonly string[];
  readonly onDidChangeRoots: Event<unknown>;
  readonly commandFor: (root: string) => ServerCommand;
  readonly log: (line: string) => void;
}

/** A server of ours as an editor is told of it. */
interface Offered {
  readonly name: string;
  readonly label: string;
  readonly server: ServerCommand;
}

/**
 * Makes the server known to the agents of the editor: to Cursor by name, to VS Code by a provider
 * that it asks; one that has both ways would show each tool twice. None in a workspace that is not
 * trusted. An editor that has neither way goes without; where one refuses, the log says so.
 */
export function registerMcp(parts: McpRegistrationParts): Disposable {
  return offerToCursor(parts) ?? offerToVsCode(parts) ?? { dispose: () => undefined };
}

function offered({ editor, roots, commandFor }: McpRegistrationParts): readonly Offered[] {
  if (!editor.workspace.isTrusted) return [];
  return roots().map((root, index) => {
    const folder = root.split(/[\\/]/).filter(Boolean).at(-1) ?? root;
    return {
      name: index === 0 ? SERVER_NAME : `${SERVER_NAME}-${index + 1}`,
      label: index === 0 && roots().length === 1 ? 'Todo2 Waves' : `Todo2 Waves: ${folder}`,
      server: commandFor(root),
    };
  });
}

function offerToVsCode(parts: McpRegistrationParts): Disposable | undefined {
  const { editor, providerId, version, onDidChangeRoots, log } = parts;
  const { lm, McpStdioServerDefinition: Definition } = editor;
  if (
    typeof lm?.registerMcpServerDefinitionProvider !== 'function' ||
    typeof Definition !== 'function'
  )
    return undefined;
  const changed = new editor.EventEmitter<void>();
  const tell = (): void => changed.fire();
  try {
    const registration = lm.registerMcpServerDefinitionProvider(providerId, {
      onDidChangeMcpServerDefinitions: changed.event,
      provideMcpServerDefinitions: () =>
        offered(parts).map(({ label, server: { command, args, env } }) => {
          return new Definition(label, command, [...args], { ...env }, version);
        }),
    });
    return together(
      registration,
      onDidChangeRoots(tell),
      editor.workspace.onDidGrantWorkspaceTrust(tell),
      changed,
    );
  } catch (error) {
    changed.dispose();
    log(`The editor did not take the MCP server: ${messageOf(error)}`);
    return undefined;
  }
}

/** https://cursor.com/docs/extension-api: both are there or the namespace is of another kind. */
interface CursorMcp {
  registerServer(config: {
    name: string;
    server: { command: string; args: string[]; env: Record<string, string> };
  }): unknown;
  unregisterServer(name: string): unknown;
}

function offerToCursor(parts: McpRegistrationParts): Disposable | undefined {
  const { editor, onDidChangeRoots, log } = parts;
  const mcp = cursorMcpIn(editor.cursor);
  if (mcp === undefined) return undefined;
  /** What Cursor was told, by name. */
  const told = new Map<string, string>();
  const attempt = (what: string, work: () => unknown): boolean => {
    try {
      const answer = work();
      // Some builds answer with a promise.
      if (answer instanceof Promise)
        answer.catch((error: unknown) => log(`${what} failed: ${messageOf(error)}`));
      return true;
    } catch (error) {
      log(`${what} failed: ${messageOf(error)}`);
      return false;
    }
  };
  const forget = (name: string): void => {
    told.delete(name);
    attempt(`cursor.mcp.unregisterServer ${name}`, () => mcp.unregisterServer(name));
  };
  const update = (): void => {
    const now = new Map(offered(parts).map(({ name, server }) => [name, server]));
    for (const [name, text] of [...told]) if (keyOf(now.get(name)) !== text) forget(name);
    for (const [name, command] of now) {
      if (told.has(name)) continue;
      const server = { command: command.command, args: [...command.args], env: { ...command.env } };
      const isTold = attempt(`cursor.mcp.registerServer ${name}`, () =>
        mcp.registerServer({ name, server }),
      );
      if (isTold) told.set(name, keyOf(command));
    }
  };
  update();
  const forgetAll = { dispose: () => [...told.keys()].forEach(forget) };
  return together(
    onDidChangeRoots(update),
    editor.workspace.onDidGrantWorkspaceTrust(update),
    forgetAll,
  );
}

/** The same for the same server. */
function keyOf(server: ServerCommand | undefined): string {
  return server === undefined ? '' : JSON.stringify([server.command, server.args, server.env]);
}

function cursorMcpIn(cursor: unknown): CursorMcp | undefined {
  const mcp = isObject(cursor) ? cursor['mcp'] : undefined;
  if (!isObject(mcp)) return undefined;
  const isWhole =
    typeof mcp['registerServer'] === 'function' && typeof mcp['unregisterServer'] === 'function';
  return isWhole ? (mcp as unknown as CursorMcp) : undefined;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
