import assert from 'node:assert/strict';
import test from 'node:test';
import { openAgentChat } from '../../../src/agent-api/open-agent-chat.ts';
import { standInEditor } from '../../support/stand-in-editor.ts';

const PROMPT = 'Have 2 tasks worked on: .todo2/waves/briefs/x/1.md & 2.md';
const log = (): void => undefined;

const ways: readonly [
  name: string,
  editor: Parameters<typeof standInEditor>[0],
  opened: object,
  happened: readonly string[],
][] = [
  [
    'a chat that can be opened with a prompt',
    { commands: { 'workbench.action.chat.open': 'works', 'deeplink.prompt.prefill': 'works' } },
    { kind: 'chat' },
    [
      `workbench.action.chat.open ${JSON.stringify({ query: PROMPT, isPartialQuery: true, mode: 'agent' })}`,
    ],
  ],
  [
    'a chat that refuses, and a command for links',
    { commands: { 'workbench.action.chat.open': 'fails', 'deeplink.prompt.prefill': 'works' } },
    { kind: 'deeplink' },
    ['workbench.action.chat.open', `deeplink.prompt.prefill ${JSON.stringify({ text: PROMPT })}`],
  ],
  [
    'a chat that never answers, and a command for links',
    { commands: { 'workbench.action.chat.open': 'hangs', 'deeplink.prompt.prefill': 'works' } },
    { kind: 'deeplink' },
    ['workbench.action.chat.open', 'deeplink.prompt.prefill'],
  ],
  [
    'links alone',
    { links: 'opens' },
    { kind: 'deeplink' },
    [`open cursor://anysphere.cursor-deeplink/prompt?text=${encodeURIComponent(PROMPT)}`],
  ],
  [
    'an empty chat alone, where the link is declined',
    { links: 'declines', commands: { 'composer.newAgentChat': 'works' } },
    { kind: 'clipboard', isChatOpen: true },
    ['open cursor:', `clipboard ${PROMPT}`, 'composer.newAgentChat'],
  ],
  [
    'links that throw, and nothing else',
    { links: 'throws' },
    { kind: 'clipboard', isChatOpen: false },
    ['open cursor:', `clipboard ${PROMPT}`],
  ],
  [
    'no way at all',
    { uriScheme: 'other' },
    { kind: 'clipboard', isChatOpen: false },
    [`clipboard ${PROMPT}`],
  ],
];

for (const [name, spec, opened, happened] of ways) {
  test(`a prompt reaches the agent of an editor that has ${name}`, async () => {
    const { editor, said } = standInEditor(spec);
    assert.deepEqual(await openAgentChat(editor, PROMPT, { log, ms: 10 }), opened);
    assert.equal(said.length, happened.length, said.join('\n'));
    for (const [i, line] of happened.entries()) assert.ok(said[i]?.startsWith(line), said[i]);
  });
}

test('what is too long for a link goes by the clipboard', async () => {
  const { editor, said } = standInEditor({ links: 'opens' });
  const long = 'ä'.repeat(2_000);
  assert.deepEqual(await openAgentChat(editor, long, { log, ms: 10 }), {
    kind: 'clipboard',
    isChatOpen: false,
  });
  assert.deepEqual(said, [`clipboard ${long}`]);
});
