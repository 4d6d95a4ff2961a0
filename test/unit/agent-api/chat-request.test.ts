import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChatWish,
  readChatRequest,
  writeRunRequest,
} from '../../../src/agent-api/chat-request.ts';

const HELP: ChatWish = { kind: 'help' };
const run = (wave?: number): ChatWish => ({ kind: 'run', wave });
const explain = (id?: string): ChatWish => ({ kind: 'explain', id });

const cases: readonly [command: string | undefined, prompt: string, wish: ChatWish][] = [
  [undefined, '', { kind: 'status' }],
  ['status', '', { kind: 'status' }],
  ['status', 'run wave 2', { kind: 'status' }],
  [undefined, 'status please', { kind: 'status' }],
  [undefined, 'Who holds what?', { kind: 'status' }],
  ['explain', 'T-12', explain('T-12')],
  ['explain', 'why is `T-12` not ready?', explain('T-12')],
  ['explain', 'harbour', explain('harbour')],
  ['explain', '', explain()],
  [undefined, 'why is T-12 not ready?', explain('T-12')],
  [undefined, 'T-12', explain('T-12')],
  ['plan', '', { kind: 'plan' }],
  [undefined, 'Write the plans', { kind: 'plan' }],
  ['run', '', run()],
  ['run', 'wave 2', run(2)],
  ['run', '2', run(2)],
  ['run', 'all waves', run()],
  [undefined, 'Run wave 0', run(0)],
  [undefined, 'run everything!', run()],
  ['run', 'wave 2 of backlog 3', { kind: 'run', wave: 2, backlog: 3 }],
  [undefined, 'run all waves of backlog 1', { kind: 'run', wave: undefined, backlog: 1 }],
  // Nothing starts by a guess.
  ['run', 'T-12', HELP],
  ['run', 'wave two', HELP],
  ['run', 'wave 2 but only the easy ones', HELP],
  ['run', 'wave -1', HELP],
  ['run', 'wave 99999999', HELP],
  [undefined, 'should I run wave 2?', HELP],
  [undefined, 'please run wave 2', HELP],
  ['unknown', 'hello', HELP],
];
for (const [command, prompt, wish] of cases) {
  test(`@waves ${command === undefined ? '' : `/${command} `}${prompt} is ${JSON.stringify(wish)}`, () =>
    assert.deepEqual(readChatRequest(command, prompt), wish));
}

test('what a command writes into the chat is read as it was meant', () => {
  assert.equal(writeRunRequest(3, undefined), '@waves /run wave 3');
  for (const backlog of [undefined, 2]) {
    const [, command, prompt = ''] =
      /^@waves \/(\w+) (.*)$/.exec(writeRunRequest(3, backlog)) ?? [];
    const wish = { kind: 'run', wave: 3, ...(backlog === undefined ? {} : { backlog }) };
    assert.deepEqual(readChatRequest(command, prompt), wish);
  }
});
