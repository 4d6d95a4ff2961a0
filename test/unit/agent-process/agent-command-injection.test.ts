import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { chmod, mkdir, mkdtemp, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join, relative } from 'node:path';
import test, { after, before } from 'node:test';
import type { Job } from '../../../src/core/ports.ts';
import { writePromptText, type PromptContext } from '../../../src/core/run/attempt/prompt-text.ts';
import { inline } from '../../../src/core/markdown.ts';
import { createReader } from '../../../src/agent-process/output/agent-output.ts';
import {
  buildCommand,
  type AgentCommand,
  type CommandRequest,
} from '../../../src/agent-process/agent-command.ts';
import { PRESET_KINDS, PRESETS } from '../../../src/agent-process/agent-presets.ts';
import { findAgent, type Agent, type AgentPreference } from '../../../src/agent-process/agents.ts';
import { writePromptFile } from '../../../src/agent-process/prompt.ts';
import { aJob, aTask, fencedBlocks } from '../../support/agent-jobs.ts';
import { injectionCorpus, type Hostile } from '../../support/injection-corpus.ts';
import { plain, oneLine } from '../../../src/core/text.ts';

/** `PROOF=full` gives each text a process of its own for each agent, else all of them share one. */
const FULL = process.env['PROOF'] === 'full';
const MODES = ['unattended', 'interactive'] as const;
const SESSION = '11111111-2222-4333-8444-555555555555';
const posix = { skip: process.platform === 'win32' };

let base: string;
let root: string;
let canary: string;
let corpus: readonly Hostile[];
let agents: readonly Agent[];

before(async () => {
  base = await mkdtemp(join(tmpdir(), 'todo2-waves-'));
  root = join(base, 'work space');
  canary = join(base, 'canary');
  corpus = injectionCorpus(canary);
  for (const folder of [root, join(base, 'bin'), join(base, 'records')]) await mkdir(folder);
  agents = await Promise.all(preferences().map(fakeAgent));
});
after(() => rm(base, { recursive: true, force: true }));

function preferences(): readonly AgentPreference[] {
  const args = [
    '{taskId}',
    '{runId}',
    '{cwd}',
    '{promptFile}',
    '{sessionId}',
    ['{model}'],
    ['{resumes}'],
  ];
  const custom = { command: 'mine', args, stdin: 'prompt', env: { MINE: '1' } } as const;
  return [...PRESET_KINDS.map((kind) => ({ kind })), { kind: 'custom', custom }];
}

/**
 * Writes down what it is started with, each argument and variable ended by a NUL, and says nothing.
 */
const RECORDER = `#!/bin/sh
to="$(dirname "$0")/../records/$(basename "$0")"
printf '%s\\0' "$@" > "$to.args"
cat > "$to.stdin"
tr '\\0' '\\n' < /dev/null > "$to.done"
env -0 > "$to.env" 2>/dev/null || env > "$to.env"
`;

async function fakeAgent(preference: AgentPreference): Promise<Agent> {
  const name =
    preference.kind === 'custom'
      ? 'mine'
      : PRESETS[preference.kind as keyof typeof PRESETS].commands[0];
  const file = join(base, 'bin', name ?? '');
  await writeFile(file, RECORDER);
  await chmod(file, 0o755);
  const env = {
    PATH: [join(base, 'bin'), process.env['PATH']].join(delimiter),
    AMP_API_KEY: 'key',
  };
  const found = await findAgent(preference, env);
  assert(found.ok, JSON.stringify(found));
  return found.value;
}

function requestOf(
  job: Job,
  promptFile: string,
  agentMode: CommandRequest['agentMode'],
): CommandRequest {
  const { root: cwd, runId, task } = job;
  return {
    agentMode,
    model: undefined,
    sessionId: SESSION,
    resumes: undefined,
    promptFile,
    cwd,
    taskId: task.id,
    runId,
  };
}

function commandOf(agent: Agent, request: CommandRequest): AgentCommand {
  const built = buildCommand(agent, request);
  assert(built.ok, JSON.stringify(built));
  return built.value;
}

/** A job whose every text is hostile, and everything else that is told of it. */
function hostileJob(text: string, description = text): readonly [Job, PromptContext] {
  const dependency = aTask({ id: text, title: text });
  const task = { id: text, title: text, description, tags: [text], metadata: { acceptance: text } };
  // With a word before it, so that each is told even where a text is nothing that can be seen.
  const told = `told ${text}`;
  const context = {
    files: [told],
    results: new Map([[dependency.id, told]]),
    planFile: undefined,
    earlier: [told],
  };
  return [{ ...aJob(task), root, tryNo: 2, dependencies: [dependency] }, context];
}

/** Everything in the folder and below. */
async function everything(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}

test('the corpus has at least 200 texts, aimed at everything that could obey them', () => {
  assert(corpus.length >= 200, `${corpus.length}`);
  assert.equal(new Set(corpus.map(({ text }) => text)).size, corpus.length);
  const aims = new Map<string, number>();
  for (const { aim } of corpus) aims.set(aim, (aims.get(aim) ?? 0) + 1);
  assert.equal(aims.size, 11);
  for (const [aim, count] of aims) assert(count >= 8, `${aim}: ${count}`);
});

test('no argument and no variable of any agent, in either mode, has anything of a task in it', () => {
  const file = join(root, '.todo2', 'waves', 'runs', 'r1', '1.prompt.md');
  for (const agent of agents) {
    for (const agentMode of MODES) {
      const harmless = commandOf(agent, requestOf({ ...aJob(), root }, file, agentMode));
      for (const { text } of corpus) {
        const [job] = hostileJob(text);
        const command = commandOf(agent, requestOf(job, file, agentMode));
        if (agent.kind === 'custom') {
          assert.match(command.args[0] ?? '', /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);
          assert.deepEqual(command.args.slice(1), harmless.args.slice(1));
        } else assert.deepEqual(command.args, harmless.args);
        assert.deepEqual({ ...command, args: [] }, { ...harmless, args: [] });
      }
      assert(![harmless.command, ...harmless.args].some((part) => part.includes('${')));
    }
  }
});

test('a prompt has every text as it is, and inside its fences', () => {
  for (const { text } of corpus) {
    const [job, context] = hostileJob(text);
    const prompt = writePromptText(job, context);
    const blocks = fencedBlocks(prompt);
    const [task = ''] = blocks;
    if (text.trim() !== '') assert(task.endsWith(`\nDescription:\n${text}`), JSON.stringify(text));
    // Outside of the fences it is the prompt of any other task with as many blocks.
    const outside = (whole: string, inside: readonly string[]): string =>
      inside
        .reduce((rest, block) => rest.replace(`\n${block}\n`, () => '\n'), whole)
        .replace(/`{3,}|\d+ backticks/g, '');
    const other = writePromptText(...hostileJob('x'));
    assert.equal(
      outside(prompt, blocks),
      outside(other, fencedBlocks(other)),
      JSON.stringify(text),
    );
  }
});

test('every prompt becomes one file in the folder of its run, byte for byte', async () => {
  const runs = join(root, '.todo2', 'waves', 'runs', 'r1');
  for (const [index, { text }] of corpus.entries()) {
    const prompt = writePromptText(...hostileJob(text));
    const file = join(runs, `${index + 1}.prompt.md`);
    assert((await writePromptFile(file, prompt)).ok);
    assert.deepEqual(await readFile(file), Buffer.from(prompt));
  }
  const expected = corpus.map((_, index) => `${index + 1}.prompt.md`).sort();
  assert.deepEqual(await everything(runs), expected);
  await rm(join(root, '.todo2'), { recursive: true });
});

test('where a text is shown, no terminal, icon, link or markup comes of it', () => {
  for (const { text } of corpus) {
    assert.doesNotMatch(oneLine(text), /[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u);
    assert.doesNotMatch(plain(text), /\p{Cc}|\$\(|\]\(/u);
    assert.doesNotMatch(inline(text), /[\p{Cc}<>]|(?<!\\)`|\$/u);
    const bytes = new TextEncoder().encode(text);
    const asText = createReader('text');
    const shown = (asText.read(bytes) + asText.end()).replace(/\x1b\[[\d;:]*m/g, '');
    assert.doesNotMatch(shown, /[^\P{Cc}\n\r\t\b]/u);
    const asEvents = createReader('streamJson');
    const event = { type: 'assistant', message: { content: [{ type: 'text', text }] } };
    asEvents.read(new TextEncoder().encode(`${JSON.stringify(event)}\n`));
    assert.doesNotMatch(asEvents.activity ?? '', /\p{Cc}/u);
  }
});

/** Starts what a supervisor would start, in the same way, and waits for its end. */
async function start(
  { command, args, env, stdin }: AgentCommand,
  promptFile: string,
): Promise<void> {
  const prompt = stdin === 'prompt' ? await open(promptFile) : undefined;
  try {
    const child = spawn(command, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: [prompt?.fd ?? 'ignore', 'ignore', 'inherit'],
    });
    const code = await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('close', resolve);
    });
    assert.equal(code, 0);
  } finally {
    await prompt?.close();
  }
}

async function recorded(agent: Agent, what: 'args' | 'stdin' | 'env'): Promise<Buffer> {
  return readFile(join(base, 'records', `${agent.command.replace(/^.*\//, '')}.${what}`));
}

async function tryAgent(
  agent: Agent,
  agentMode: CommandRequest['agentMode'],
  job: Job,
  prompt: string,
): Promise<void> {
  const promptFile = join(root, '.todo2', 'waves', 'runs', 'r1', '1.prompt.md');
  assert((await writePromptFile(promptFile, prompt)).ok);
  const command = commandOf(agent, requestOf(job, promptFile, agentMode));
  await start(command, promptFile);
  assert.deepEqual(
    (await recorded(agent, 'args')).toString(),
    command.args.map((arg) => `${arg}\0`).join(''),
  );
  const stdin = command.stdin === 'prompt' ? prompt : '';
  assert.deepEqual(await recorded(agent, 'stdin'), Buffer.from(stdin));
  const env = (await recorded(agent, 'env')).toString();
  assert(!env.includes(canary) && !env.includes(job.task.description));
  assert.deepEqual(await readFile(promptFile), Buffer.from(prompt));
  assert.deepEqual(await everything(root), [
    '.todo2',
    '.todo2/waves',
    '.todo2/waves/runs',
    '.todo2/waves/runs/r1',
    '.todo2/waves/runs/r1/1.prompt.md',
  ]);
  assert(!(await readdir(base)).includes('canary'), 'the canary was made');
  await rm(join(root, '.todo2'), { recursive: true });
}

test(
  'a real program gets what it should through every agent and mode, and nothing is executed',
  posix,
  async () => {
    const all = corpus.map(({ text }) => text).join('\n');
    for (const agent of agents) {
      for (const agentMode of MODES) {
        if (!FULL) {
          const [job, context] = hostileJob(
            `x$(touch ${canary})\`touch ${canary}\`;touch ${canary}\n"'&|`,
            all,
          );
          await tryAgent(agent, agentMode, job, writePromptText(job, context));
          continue;
        }
        for (const { text } of corpus) {
          const [job, context] = hostileJob(text, `the text: ${text}`);
          await tryAgent(agent, agentMode, job, writePromptText(job, context));
        }
      }
    }
  },
);

test('the canary would be made if a shell were asked', posix, async () => {
  const child = spawn('/bin/sh', ['-c', `echo x$(touch ${canary})`], { stdio: 'ignore' });
  await new Promise((resolve) => child.on('close', resolve));
  assert((await readdir(base)).includes('canary'));
  await rm(canary);
});
