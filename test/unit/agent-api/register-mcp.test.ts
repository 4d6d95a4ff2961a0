import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { AgentCommands, type AgentCommandParts } from '../../../src/agent-api/agent-commands.ts';
import { agentNameOf } from '../../../src/agent-api/agent-name.ts';
import { clientConfigs, serverCommand } from '../../../src/agent-api/client-config.ts';
import { type McpEditor, registerMcp } from '../../../src/agent-api/register-mcp.ts';
import { Emitter } from '../../../src/core/events.ts';
import { createHolderId } from '../../../src/core/lease/holder.ts';

interface Definition {
  readonly label: string;
  readonly command: string;
  readonly args: string[];
  readonly env: Record<string, string>;
  readonly version: string;
}

interface Provider {
  provideMcpServerDefinitions(): Definition[];
  onDidChangeMcpServerDefinitions(listener: () => void): { dispose(): void };
}

interface CursorServer {
  readonly name: string;
  readonly server: { readonly command: string; readonly args: string[] };
}

/** An editor of which a test decides what it has; what it was told is read back. */
class StandIn {
  isTrusted = true;
  roots: readonly string[] = ['/srv/one'];
  readonly trusted = new Emitter<undefined>();
  readonly rooted = new Emitter<undefined>();
  readonly log: string[] = [];
  readonly calls: string[] = [];
  provider: Provider | undefined;
  providerId: string | undefined;
  isProviderGone = false;
  /** What Cursor knows, by name. */
  readonly cursorServers = new Map<string, CursorServer['server']>();
  #has: { vscode?: boolean | 'throws'; cursor?: boolean | 'throws' | 'rejects' | 'partly' };

  constructor(has: {
    vscode?: boolean | 'throws';
    cursor?: boolean | 'throws' | 'rejects' | 'partly';
  }) {
    this.#has = has;
  }

  register(): { dispose(): void } {
    return registerMcp({
      editor: this.#editor(),
      ...{ providerId: 'todo2Waves.mcp', version: '1.2.3' },
      roots: () => this.roots,
      onDidChangeRoots: this.rooted.event,
      commandFor: (root) =>
        serverCommand({ node: '/editor/node', script: '/ext/dist/mcp.cjs', root }),
      log: (line) => void this.log.push(line),
    });
  }

  /** What VS Code would start, as `label root`. */
  get offered(): readonly string[] {
    return (this.provider?.provideMcpServerDefinitions() ?? []).map(
      ({ label, args }) => `${label} ${args.at(-1) ?? ''}`,
    );
  }

  /** What Cursor would start, as `name root`. */
  get inCursor(): readonly string[] {
    return [...this.cursorServers].map(([name, { args }]) => `${name} ${args.at(-1) ?? ''}`);
  }

  #editor(): McpEditor {
    const { vscode, cursor } = this.#has;
    // eslint-disable-next-line @typescript-eslint/no-this-alias -- the getter of the workspace looks at the stand-in
    const standIn = this;
    const editor = {
      EventEmitter: Emitter,
      workspace: {
        get isTrusted() {
          return standIn.isTrusted;
        },
        onDidGrantWorkspaceTrust: this.trusted.event,
      },
      ...(vscode === undefined
        ? {}
        : {
            lm: {
              registerMcpServerDefinitionProvider: (id: string, provider: Provider) => {
                if (vscode === 'throws') throw new Error('not today');
                this.providerId = id;
                this.provider = provider;
                return { dispose: () => (this.isProviderGone = true) };
              },
            },
            McpStdioServerDefinition: function (
              this: object,
              ...[label, command, args, env, version]: [
                string,
                string,
                string[],
                Record<string, string>,
                string,
              ]
            ) {
              Object.assign(this, { label, command, args, env, version } satisfies Definition);
            },
          }),
      ...(cursor === undefined ? {} : { cursor: { mcp: this.#cursorMcp(cursor) } }),
    };
    return editor as unknown as McpEditor;
  }

  #cursorMcp(how: true | false | 'throws' | 'rejects' | 'partly'): object {
    const registerServer = ({ name, server }: CursorServer): unknown => {
      this.calls.push(`register ${name}`);
      if (how === 'throws') throw new Error('no servers here');
      this.cursorServers.set(name, server);
      return how === 'rejects' ? Promise.reject(new Error('the user said no')) : undefined;
    };
    const unregisterServer = (name: string): unknown => {
      this.calls.push(`unregister ${name}`);
      if (how === 'throws') throw new Error('no servers here');
      this.cursorServers.delete(name);
      return undefined;
    };
    return how === 'partly' ? { registerServer } : { registerServer, unregisterServer };
  }
}

describe('the server is offered to VS Code', () => {
  test('under the id of the manifest, with the root, the command and our version', () => {
    const editor = new StandIn({ vscode: true });
    editor.register();
    assert.equal(editor.providerId, 'todo2Waves.mcp');
    const [definition, ...others] = editor.provider?.provideMcpServerDefinitions() ?? [];
    assert.deepEqual(others, []);
    const { label, command, args, env, version } = definition ?? assert.fail();
    assert.deepEqual(
      { label, command, args, env, version },
      {
        label: 'Todo2 Waves',
        command: '/editor/node',
        args: ['/ext/dist/mcp.cjs', '--root', '/srv/one'],
        env: { ELECTRON_RUN_AS_NODE: '1' },
        version: '1.2.3',
      },
    );
  });

  test('once for each root, with a name that tells them apart, and anew when the roots change', () => {
    const editor = new StandIn({ vscode: true });
    editor.register();
    let changes = 0;
    editor.provider?.onDidChangeMcpServerDefinitions(() => {
      changes += 1;
    });
    editor.roots = ['/srv/one', 'C:\\work\\two\\'];
    editor.rooted.fire(undefined);
    assert.equal(changes, 1);
    assert.deepEqual(editor.offered, [
      'Todo2 Waves: one /srv/one',
      'Todo2 Waves: two C:\\work\\two\\',
    ]);
    editor.roots = [];
    editor.rooted.fire(undefined);
    assert.deepEqual([changes, editor.offered], [2, []]);
  });

  test('not in a workspace that is not trusted, and at once when it is', () => {
    const editor = new StandIn({ vscode: true });
    editor.isTrusted = false;
    editor.register();
    let changes = 0;
    editor.provider?.onDidChangeMcpServerDefinitions(() => {
      changes += 1;
    });
    assert.deepEqual(editor.offered, []);
    editor.isTrusted = true;
    editor.trusted.fire(undefined);
    assert.deepEqual([changes, editor.offered], [1, ['Todo2 Waves /srv/one']]);
  });

  test('and taken back with the window', () => {
    const editor = new StandIn({ vscode: true });
    editor.register().dispose();
    assert(editor.isProviderGone);
    editor.rooted.fire(undefined);
    editor.trusted.fire(undefined);
  });

  test('which may refuse: the log says so, and nothing else happens', () => {
    const editor = new StandIn({ vscode: 'throws' });
    editor.register().dispose();
    assert.deepEqual(editor.log, ['The editor did not take the MCP server: not today']);
  });
});

describe('the server is offered to Cursor', () => {
  test('by name, one for each root, without those that went', () => {
    const editor = new StandIn({ cursor: true });
    const registered = editor.register();
    assert.deepEqual(editor.inCursor, ['todo2-waves /srv/one']);
    editor.roots = ['/srv/one', '/srv/two'];
    editor.rooted.fire(undefined);
    assert.deepEqual(editor.inCursor, ['todo2-waves /srv/one', 'todo2-waves-2 /srv/two']);
    editor.roots = ['/srv/two'];
    editor.rooted.fire(undefined);
    assert.deepEqual(editor.inCursor, ['todo2-waves /srv/two']);
    registered.dispose();
    assert.deepEqual(editor.inCursor, []);
  });

  test('and is told nothing twice', () => {
    const editor = new StandIn({ cursor: true });
    editor.register();
    editor.rooted.fire(undefined);
    editor.trusted.fire(undefined);
    assert.deepEqual(editor.calls, ['register todo2-waves']);
  });

  test('not in a workspace that is not trusted, and at once when it is', () => {
    const editor = new StandIn({ cursor: true });
    editor.isTrusted = false;
    editor.register();
    assert.deepEqual(editor.calls, []);
    editor.isTrusted = true;
    editor.trusted.fire(undefined);
    assert.deepEqual(editor.inCursor, ['todo2-waves /srv/one']);
  });

  test('which may throw or reject: the log says so, and the next change tries again', async () => {
    const throwing = new StandIn({ cursor: 'throws' });
    const registered = throwing.register();
    throwing.rooted.fire(undefined);
    registered.dispose();
    const failed = 'cursor.mcp.registerServer todo2-waves failed: no servers here';
    assert.deepEqual(throwing.log, [failed, failed]);
    assert.deepEqual(throwing.calls, ['register todo2-waves', 'register todo2-waves']);
    const rejecting = new StandIn({ cursor: 'rejects' });
    rejecting.register();
    await new Promise((resolve) => setImmediate(resolve));
    assert.deepEqual(rejecting.log, [
      'cursor.mcp.registerServer todo2-waves failed: the user said no',
    ]);
  });
});

test('an editor that has both ways is told once, by its own, and one that has neither, or a part of one, is left alone', () => {
  const both = new StandIn({ vscode: true, cursor: true });
  both.register();
  assert.deepEqual([both.offered, both.inCursor], [[], ['todo2-waves /srv/one']]);
  for (const editor of [new StandIn({}), new StandIn({ cursor: 'partly' })]) {
    editor.register().dispose();
    assert.deepEqual([editor.calls, editor.log], [[], []]);
  }
});

describe('the command that copies the configuration', () => {
  const server = serverCommand({
    node: '/editor/node',
    script: '/storage/mcp.cjs',
    root: '/srv/one',
  });

  /** What a person sees who picks a client by its title. */
  async function copy(
    title: string | undefined,
    of = server,
  ): Promise<{ copied: string[]; info: string[]; warned: string[] }> {
    const [copied, info, warned] = [[] as string[], [] as string[], [] as string[]];
    const parts = {
      editor: {
        env: {
          clipboard: { writeText: (text: string) => Promise.resolve(void copied.push(text)) },
        },
        window: {
          showQuickPick: (items: { label: string }[]) =>
            Promise.resolve(items.find(({ label }) => label === title)),
          showInformationMessage: (text: string) => Promise.resolve(void info.push(text)),
          showWarningMessage: (text: string) => Promise.resolve(void warned.push(text)),
        },
      },
    };
    await new AgentCommands(parts as unknown as AgentCommandParts).copyMcpConfiguration(of);
    return { copied, info, warned };
  }

  test('puts the text of each client onto the clipboard and says where it goes', async () => {
    for (const { title, place, text } of clientConfigs(server)) {
      assert.deepEqual(await copy(title), {
        copied: [text],
        info: [`The configuration for ${title} is on the clipboard. It goes into ${place}.`],
        warned: [],
      });
    }
  });

  test('says what the client would replace', async () => {
    const odd = serverCommand({ node: 'node', script: '/storage/mcp.cjs', root: '/${x}' });
    const { copied, info, warned } = await copy('Cursor', odd);
    assert.deepEqual([copied.length, info], [1, []]);
    assert.match(warned[0] ?? '', /but: \/\$\{x\} contains "\$\{"/);
  });

  test('does nothing where no client is picked', async () => {
    assert.deepEqual(await copy(undefined), { copied: [], info: [], warned: [] });
  });
});

test('whatever a client calls itself, the name in its locks is one that every reader takes apart alike', () => {
  const names: readonly [given: string | undefined, name: string][] = [
    ['claude-code', 'claude_code'],
    ['Visual Studio Code', 'Visual_Studio_Code'],
    ['codex-mcp-client', 'codex_mcp_client'],
    ['a\u0000b\u001b[31m\nc\u202e', 'ab31m_c'],
    ['../../etc', 'etc'],
    [`'; DROP TABLE tasks; --`, 'DROP_TABLE_tasks'],
    ['x'.repeat(500), 'x'.repeat(32)],
    ['日本', 'mcp'],
    ['---', 'mcp'],
    ['', 'mcp'],
    [undefined, 'mcp'],
  ];
  for (const [given, name] of names) {
    assert.equal(agentNameOf(given), name);
    assert.match(createHolderId(agentNameOf(given), 'host', 7), /^[A-Za-z0-9._]+-host-7$/);
  }
});
