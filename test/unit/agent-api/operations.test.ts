import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { CHAT_COMMANDS } from '../../../src/agent-api/chat-request.ts';
import { OPERATIONS } from '../../../src/agent-api/operations.ts';
import { PARTICIPANT_ID } from '../../../src/agent-api/participant.ts';
import { manifestTool } from '../../support/manifest-tools.ts';

interface Tool {
  readonly name: string;
  readonly toolReferenceName: string;
  readonly canBeReferencedInPrompt: boolean;
}

interface Manifest {
  readonly contributes: {
    readonly languageModelTools: readonly Tool[];
    readonly chatParticipants: readonly {
      id: string;
      name: string;
      commands: readonly { name: string }[];
    }[];
  };
}

const file = new URL('../../../package.json', import.meta.url);
const manifest = JSON.parse(readFileSync(file, 'utf8')) as Manifest;

test('the manifest describes every operation as a tool, with the schema that the operation itself is checked by', () => {
  // Through JSON, as the editor gets it.
  const tools = JSON.parse(JSON.stringify(OPERATIONS.map(manifestTool))) as readonly Tool[];
  // `GOLDEN=write npm run unit` writes it anew, as for golden files.
  if (process.env['GOLDEN'] === 'write') {
    const whole = {
      ...manifest,
      contributes: { ...manifest.contributes, languageModelTools: tools },
    };
    writeFileSync(file, `${JSON.stringify(whole, undefined, 2)}\n`);
    return;
  }
  assert.deepEqual(manifest.contributes.languageModelTools, tools);
});

test('the names of the tools are such as the editor takes, and no two are alike', () => {
  const tools = manifest.contributes.languageModelTools;
  assert.ok(tools.length > 5);
  for (const { name, toolReferenceName, canBeReferencedInPrompt } of tools) {
    assert.match(name, /^waves_[a-z_]{2,40}$/);
    assert.doesNotMatch(name, /^(copilot|vscode)_/);
    assert.match(toolReferenceName, /^[a-zA-Z]+$/);
    // Without both of them a tool is not offered to agents, and with one of them alone the manifest
    // is refused.
    assert.equal(canBeReferencedInPrompt, true);
  }
  assert.equal(new Set(tools.map(({ name }) => name)).size, tools.length);
  assert.equal(new Set(tools.map(({ toolReferenceName }) => toolReferenceName)).size, tools.length);
});

test('the participant has the id and the commands that the code answers to', () => {
  const [participant, ...others] = manifest.contributes.chatParticipants;
  assert.deepEqual(others, []);
  assert.equal(participant?.id, PARTICIPANT_ID);
  assert.equal(participant.name, 'waves');
  assert.deepEqual(
    participant.commands.map(({ name }) => name),
    CHAT_COMMANDS,
  );
});
