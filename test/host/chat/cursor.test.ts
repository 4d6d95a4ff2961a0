import assert from 'node:assert/strict';
import * as vscode from 'vscode';
import type { Editor } from '../../../src/agent-api/editor.ts';
import { isCursor } from '../../../src/agent-api/editor.ts';
import { registerLanguageModelTools } from '../../../src/agent-api/lm-tools.ts';
import { openAgentChat } from '../../../src/agent-api/open-agent-chat.ts';
import { OPERATIONS } from '../../../src/agent-api/operations.ts';
import { registerParticipant } from '../../../src/agent-api/participant.ts';

const PROMPT = 'Have 2 tasks of the backlog worked on.';
const CHAT = 'workbench.action.chat.open';

/**
 * This host as Cursor would be: some commands are its own, some of ours are missing, and neither
 * `lm` nor `chat` is there.
 */
function likeCursor(hidden: readonly string[], links: 'opens' | 'declines' = 'declines') {
  const said: string[] = [];
  const editor: Editor = {
    ...vscode,
    ...{ lm: undefined, chat: undefined },
    env: {
      ...{ uriScheme: 'cursor', appName: 'Cursor' },
      openExternal: (link: vscode.Uri) => {
        said.push(`link ${link.toString(true)}`);
        return Promise.resolve(links === 'opens');
      },
      clipboard: {
        writeText: (text: string) => Promise.resolve(void said.push(`clipboard ${text}`)),
      },
    } as unknown as typeof vscode.env,
    commands: {
      ...vscode.commands,
      getCommands: async (internal?: boolean) =>
        (await vscode.commands.getCommands(internal)).filter((name) => !hidden.includes(name)),
    },
  };
  return { editor, said };
}

describe('an editor that is like Cursor', () => {
  const asked: string[] = [];
  const own: vscode.Disposable[] = [];
  before(() => {
    for (const name of ['deeplink.prompt.prefill', 'composer.newAgentChat']) {
      own.push(
        vscode.commands.registerCommand(name, (argument: unknown) => {
          asked.push(argument === undefined ? name : `${name} ${JSON.stringify(argument)}`);
        }),
      );
    }
  });
  beforeEach(() => void (asked.length = 0));
  after(() => {
    for (const each of own) each.dispose();
  });
  const log = (): void => undefined;

  it('is known by what it says of itself', () => {
    assert.equal(isCursor(likeCursor([]).editor), true);
    assert.equal(isCursor(vscode), false);
  });

  it('gets the prompt into its chat, where that command is there', async () => {
    const { editor, said } = likeCursor([]);
    assert.deepEqual(await openAgentChat(editor, PROMPT, { log }), { kind: 'chat' });
    assert.deepEqual([said, asked], [[], []]);
  });

  it('gets it by its command for links, where that is missing', async () => {
    const { editor, said } = likeCursor([CHAT]);
    assert.deepEqual(await openAgentChat(editor, PROMPT, { log }), { kind: 'deeplink' });
    assert.deepEqual(
      [said, asked],
      [[], [`deeplink.prompt.prefill ${JSON.stringify({ text: PROMPT })}`]],
    );
  });

  it('gets it as a link, where both are missing', async () => {
    const { editor, said } = likeCursor([CHAT, 'deeplink.prompt.prefill'], 'opens');
    assert.deepEqual(await openAgentChat(editor, PROMPT, { log }), { kind: 'deeplink' });
    assert.deepEqual(said, [`link cursor://anysphere.cursor-deeplink/prompt?text=${PROMPT}`]);
    assert.deepEqual(asked, []);
  });

  it('gets it by the clipboard and an empty chat, where a person declines the link', async () => {
    const { editor, said } = likeCursor([CHAT, 'deeplink.prompt.prefill']);
    assert.deepEqual(await openAgentChat(editor, PROMPT, { log }), {
      kind: 'clipboard',
      isChatOpen: true,
    });
    assert.equal(said.at(-1), `clipboard ${PROMPT}`);
    assert.deepEqual(asked, ['composer.newAgentChat']);
  });

  it('gets it by the clipboard alone, where nothing of that is there', async () => {
    const { editor, said } = likeCursor([CHAT, 'deeplink.prompt.prefill', 'composer.newAgentChat']);
    assert.deepEqual(await openAgentChat(editor, PROMPT, { log }), {
      kind: 'clipboard',
      isChatOpen: false,
    });
    assert.equal(said.at(-1), `clipboard ${PROMPT}`);
    assert.deepEqual(asked, []);
  });

  it('is offered no participant and no tools, as it has no place for them', () => {
    const never = (): never => assert.fail('it was asked for');
    const { editor } = likeCursor([]);
    const parts = { editor, log: never, reportBug: never };
    assert.deepEqual(
      registerLanguageModelTools({ ...parts, operations: OPERATIONS, served: never }),
      [],
    );
    const people = {
      words: {} as never,
      toolFor: never,
      subagentHostsOf: never,
      current: never,
      backlogs: never,
      ready: never,
    };
    assert.equal(registerParticipant({ ...parts, ...people }), undefined);
  });
});
