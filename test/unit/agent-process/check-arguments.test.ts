import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import type { Agent } from '../../../src/agent-process/agents.ts';
import { PRESETS, type PresetKind } from '../../../src/agent-process/agent-presets.ts';
import { ArgumentChecks, type Ask } from '../../../src/agent-process/check-arguments.ts';

const COMMAND = '/nowhere/bin/agent';

function agentOf(kind: PresetKind): Agent {
  const { label, unattended, interactive, output } = PRESETS[kind];
  const rest = { command: COMMAND, first: [], env: {}, lacks: undefined };
  return { kind, label, unattended, interactive, output, ...rest };
}

const COPILOT_HELP = `Options:
  --output-format <format>   --no-ask-user  --no-color  --no-auto-update
  --allow-tool [<tools>...]  --model <model>  --session-id <id>  -r, --resume [<value>]`;

/** A program that answers `--help` and `--version`, and refuses arguments that have these words. */
function program(help: string, { refuses = [] as readonly string[] } = {}) {
  const asked: (readonly string[])[] = [];
  const ask: Ask = (_command, args) => {
    asked.push(args);
    if (args.includes('--version')) return Promise.resolve({ exitCode: 0, text: 'agent 1.2.3' });
    const refused = args.find((arg) => refuses.includes(arg));
    if (refused !== undefined) {
      const text = `error: unexpected argument '${refused}' found\n\nUsage: agent`;
      return Promise.resolve({ exitCode: 2, text });
    }
    return Promise.resolve({ exitCode: 0, text: help });
  };
  return { asked, ask };
}

async function misfit(kind: PresetKind, ask: Ask): Promise<string | undefined> {
  const checked = await new ArgumentChecks(ask).check(agentOf(kind), 'unattended');
  if (checked.ok) return undefined;
  assert(checked.failure.kind === 'agentNotStarted');
  assert.equal(checked.failure.command, COMMAND);
  return checked.failure.detail;
}

test('an agent whose help names every option fits, and is asked once', async () => {
  const { ask, asked } = program(COPILOT_HELP);
  const checks = new ArgumentChecks(ask);
  for (let i = 0; i < 3; i++) assert((await checks.check(agentOf('copilot'), 'unattended')).ok);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.at(-1), '--help');
});

test('an agent that refuses an argument is named with its version and its own line', async () => {
  const { ask } = program(COPILOT_HELP, { refuses: ['--no-ask-user'] });
  const said = (await misfit('copilot', ask)) ?? '';
  assert.match(said, /^GitHub Copilot 1\.2\.3 does not take the arguments/);
  assert.match(said, /\(error: unexpected argument '--no-ask-user' found\)/);
});

test('an option that the help lacks is missing where unknown options are passed over', async () => {
  const help = COPILOT_HELP.replace('--allow-tool', '--allow');
  assert.match((await misfit('copilot', program(help).ask)) ?? '', /does not name --allow-tool\b/);
});

test('an option that the help lacks is there where unknown options are refused', async () => {
  const { ask } = program(COPILOT_HELP.replace('--allow-tool', '--allow'), {
    refuses: ['--todo2-waves-no-such-option'],
  });
  assert.equal(await misfit('copilot', ask), undefined);
});

test('a part of a longer option is no name of it, and a negation is named by its option', async () => {
  const longer = COPILOT_HELP.replace('--model', '--model-provider');
  assert.match((await misfit('copilot', program(longer).ask)) ?? '', /does not name --model\b/);
  const negated = COPILOT_HELP.replace('--no-color', '--[no-]color');
  assert.equal(await misfit('copilot', program(negated).ask), undefined);
});

test('what cannot be asked, or answers with no help, is believed', async () => {
  assert.equal(await misfit('claude', () => Promise.resolve(undefined)), undefined);
  assert.equal(await misfit('claude', program('I did it.').ask), undefined);
  const crash: Ask = () => Promise.resolve({ exitCode: 1, text: 'Cannot find module x' });
  assert.equal(await misfit('claude', crash), undefined);
});

test('a custom agent is not asked: its arguments are those of its user', async () => {
  const { ask, asked } = program('');
  const custom: Agent = { ...agentOf('claude'), kind: 'custom' };
  assert((await new ArgumentChecks(ask).check(custom, 'unattended')).ok);
  assert.equal(asked.length, 0);
});

test('a program with its help in a subcommand is asked there', async () => {
  const { ask, asked } = program('Options: --json --model');
  await misfit('codex', ask);
  assert.deepEqual(asked[1], ['exec', '--help']);
});

test('a real program is asked without a shell and with an empty stdin', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'todo2-waves-'));
  const script = join(folder, 'agent.cjs');
  await writeFile(
    script,
    `process.stdin.resume().on('end', () => {
      console.error("error: unknown option '--output-format'");
      process.exit(1);
    });`,
  );
  const agent: Agent = { ...agentOf('claude'), command: process.execPath, first: [script] };
  const checked = await new ArgumentChecks().check(agent, 'unattended');
  assert(!checked.ok && checked.failure.kind === 'agentNotStarted');
  assert.match(checked.failure.detail, /unknown option '--output-format'/);
  await rm(folder, { recursive: true });
});
