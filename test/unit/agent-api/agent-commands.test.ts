import assert from 'node:assert/strict';
import test from 'node:test';
import { AgentCommands } from '../../../src/agent-api/agent-commands.ts';
import { type Failure } from '../../../src/core/failure.ts';
import { fail, ok } from '../../../src/core/result.ts';
import { tasks } from '../../support/backlog.ts';
import { fakeBacklog } from '../../support/fake-backlog.ts';
import { type StandIn, standInEditor } from '../../support/stand-in-editor.ts';

interface Setup extends StandIn {
  /** Cursor's way if absent. */
  readonly follows?: boolean;
  readonly isChatOff?: boolean;
  readonly send?: 'prefill' | 'send';
  readonly atOnce?: number;
  /** Files of agents that are there already. */
  readonly files?: readonly string[];
  readonly planFails?: boolean;
  readonly backlogs?: 1 | 2;
}

/** The commands in an editor that is made up, and all that they did, in order. */
function rig(setup: Setup = {}) {
  const { editor, said } = standInEditor(setup);
  const files = new Set(setup.files);
  const told: Failure[] = [];
  const other = fakeBacklog({ tasks: tasks('x'), root: '/other' });
  const backlog = fakeBacklog({ tasks: tasks('a', 'b', '?c', 'd < a') });
  const commands = new AgentCommands({
    ...{ editor, backlogs: () => (setup.backlogs === 2 ? [other, backlog] : [backlog]) },
    follows: () => setup.follows ?? true,
    isChatOff: () => setup.isChatOff ?? false,
    settingsOf: () => ({ send: setup.send ?? 'prefill', atOnce: setup.atOnce ?? 4 }),
    writeSubagentsPlan: () => {
      said.push('plan');
      return Promise.resolve(
        setup.planFails === true
          ? fail({ kind: 'writeFailed', file: 'plan', detail: 'full' })
          : ok('/plan.md'),
      );
    },
    writeNew: (_root, folder, name) => {
      const path = `${folder}/${name}`;
      if (files.has(path)) return Promise.resolve(ok(false));
      files.add(path);
      said.push(`write ${path}`);
      return Promise.resolve(ok(true));
    },
    isThere: (_root, folder, name) => Promise.resolve(files.has(`${folder}/${name}`)),
    tell: (failure) => Promise.resolve(void told.push(failure)),
    log: () => undefined,
  });
  return { commands, backlog, said, told };
}

const CHAT = 'workbench.action.chat.open';
const RUNNER = '.cursor/agents/wave-task-runner.md';

test('where a chat may start subagents, it is opened with the request ready to be sent, or sent, as the settings say', async () => {
  const ready = rig({ follows: false, commands: { [CHAT]: 'works' } });
  await ready.commands.runWaveWithSubagents(ready.backlog, 0);
  assert.deepEqual(ready.said, [`${CHAT} {"query":"@waves /run wave 0","isPartialQuery":true}`]);
  const sent = rig({ follows: false, commands: { [CHAT]: 'works' }, send: 'send', backlogs: 2 });
  await sent.commands.runWaveWithSubagents(sent.backlog, 0);
  assert.deepEqual(sent.said, [
    `${CHAT} {"query":"@waves /run wave 0 of backlog 2","isPartialQuery":false}`,
  ]);
  assert.deepEqual(
    [...ready.backlog.asked, ...sent.backlog.asked],
    [],
    'the run starts with the request',
  );
});

for (const [how, setup] of [
  ['has none', {}],
  ['has one that fails', { commands: { [CHAT]: 'fails' } }],
  // It takes the command all the same, and does nothing.
  ['has it switched off', { commands: { [CHAT]: 'works' }, isChatOff: true }],
] as const) {
  test(`an editor for chats that ${how} puts the request onto the clipboard, and says so`, async () => {
    const { commands: each, backlog, said } = rig({ follows: false, ...setup });
    await each.runWaveWithSubagents(backlog, 0);
    assert.equal(said.at(-2), 'clipboard @waves /run wave 0');
    assert.match(said.at(-1) ?? '', /^message .*“@waves \/run wave 0” is on the clipboard\.$/);
  });
}

test('a wave of which nothing can start opens nothing', async () => {
  for (const follows of [true, false]) {
    const { commands, backlog, said, told } = rig({ follows, commands: { [CHAT]: 'works' } });
    await commands.runWaveWithSubagents(backlog, 1);
    await commands.runWaveWithSubagents(backlog, 7);
    assert.deepEqual([said, told.map(({ kind }) => kind)], [[], ['nothingToRun', 'nothingToRun']]);
  }
});

test('where subagents are asked for, the plan is written and a run is started that follows them', async () => {
  const { commands, backlog, said } = rig({ files: [RUNNER] });
  await commands.runWaveWithSubagents(backlog, 0);
  assert.deepEqual(said, ['plan']);
  assert.equal(backlog.asked.length, 1);
  assert.match(backlog.asked[0] ?? '', /^start Wave 0: a b \(/);
});

test('without a plan no run is started', async () => {
  const { commands, backlog, told } = rig({ files: [RUNNER], planFails: true });
  await commands.runWaveWithSubagents(backlog, 0);
  assert.deepEqual(
    told.map(({ kind }) => kind),
    ['writeFailed'],
  );
  assert.deepEqual(backlog.asked, []);
});

test('the role that prompts name is created first where a person wants it; without an answer nothing happens', async () => {
  const created = rig({ answers: ['Create Agent Files'] });
  await created.commands.runWaveWithSubagents(created.backlog, 0);
  const writes = [`write ${RUNNER}`, 'write .cursor/agents/wave-verifier.md'];
  assert.deepEqual(created.said.slice(1), [...writes, 'plan']);

  const without = rig({ answers: ['Go On Without'] });
  await without.commands.runWaveWithSubagents(without.backlog, 0);
  assert.deepEqual(without.said.slice(1), ['plan']);

  const left = rig();
  await left.commands.runWaveWithSubagents(left.backlog, 0);
  assert.deepEqual([left.said.slice(1), left.backlog.asked], [[], []]);
});

test('files of agents are created in the folders that a person picks, and over no file', async () => {
  const { commands, backlog, said } = rig({
    files: ['.claude/agents/wave-verifier.md'],
    answers: [['.github/agents', '.claude/agents']],
  });
  await commands.createAgentFiles(backlog);
  assert.deepEqual(said.slice(1), [
    'write .github/agents/wave-task-runner.agent.md',
    'write .github/agents/wave-verifier.agent.md',
    'write .claude/agents/wave-task-runner.md',
    'message 3 files created. 1 file had that name already, and is as before.',
  ]);
});
