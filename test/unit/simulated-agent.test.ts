import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import test, { after, before } from 'node:test';
import { pathToFileURL } from 'node:url';
import { writePromptText } from '../../src/core/run/attempt/prompt-text.ts';
import { createReader } from '../../src/agent-process/output/agent-output.ts';
import type { OutputReader } from '../../src/agent-process/output/output-reader.ts';
import { judge, type Verdict } from '../../src/agent-process/output/verdict.ts';
import { waitIn } from '../../src/agent-process/output/wait-time.ts';
import { aJob, NO_CONTEXT } from '../support/agent-jobs.ts';

const SCRIPT = resolve('src/simulated-agent.ts');
const LOADER = pathToFileURL(resolve('node_modules/tsx/dist/loader.mjs')).href;

let folder: string;
before(async () => (folder = await mkdtemp(join(tmpdir(), 'todo2-waves-'))));
after(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly code: number | null;
  readonly shown: string;
  readonly raw: string;
  readonly reader: OutputReader;
}

/**
 * Lets the simulated agent work on a task with these orders, and reads what it writes as an editor
 * would.
 */
async function run(orders: string, tryNo = 1, promptFile?: string): Promise<Ran> {
  const description = `simulate: seconds=0 print=2\nsimulate: ${orders}`;
  const prompt = writePromptText({ ...aJob({ description }), tryNo }, NO_CONTEXT);
  if (promptFile !== undefined) await writeFile(promptFile, prompt);
  const args = ['--import', LOADER, SCRIPT, ...(promptFile === undefined ? [] : [promptFile])];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['pipe', 'pipe', 'inherit'] });
  child.stdin.end(promptFile === undefined ? prompt : '');
  const reader = createReader('simulated');
  let [shown, raw] = ['', ''];
  child.stdout.on('data', (bytes: Buffer) => {
    raw += bytes.toString();
    shown += reader.read(bytes);
  });
  const code = await new Promise<number | null>((done) => child.on('close', done));
  return { code, shown: shown + reader.end(), raw, reader };
}

function verdictOf({ facts }: OutputReader, code: number | null): Verdict {
  const exit = { agent: 'simulated', phase: 'ended', signal: undefined } as const;
  return judge({ ...facts, ...exit, exitCode: code ?? undefined, resumes: false, files: [] });
}

test('the simulated agent speaks as people read it, and ends well', async () => {
  const { code, shown, reader } = await run('');
  assert.equal(code, 0);
  assert.match(
    shown,
    /^Simulated agent, at work on: Title of T-1\n\[1\/2\] .*\n\[2\/2\] .*\nDone\./,
  );
  assert.deepEqual(verdictOf(reader, code), { kind: 'succeeded' });
});

test('the simulated agent speaks in events, which read the same', async () => {
  const { code, shown, raw, reader } = await run('json touch=made.txt');
  assert.equal(code, 0);
  for (const line of raw.trim().split('\n')) JSON.parse(line);
  assert.match(
    shown,
    /^Model: simulated\nSimulated agent, at work on: Title of T-1\n→ Simulate \[1\/2\] .*\n/,
  );
  assert.match(reader.sessionId ?? '', /^simulated-\d+$/);
  assert.match(reader.activity ?? '', /^Done\./);
  assert.deepEqual(await readdir(folder), ['made.txt']);
  assert.equal(await readFile(join(folder, 'made.txt'), 'utf8'), '');
});

test('the simulated agent is refused by its maker, with the words and the code for it', async () => {
  for (const orders of ['ratelimit', 'ratelimit json']) {
    const { code, reader } = await run(orders);
    assert.equal(code, 75);
    const verdict = verdictOf(reader, code);
    assert.equal(verdict.kind === 'rateLimited' && waitIn(verdict.words, 0), 2000);
  }
  assert.equal((await run('ratelimit=1', 2)).code, 0);
});

test('the simulated agent fails at first and then succeeds, and reads its prompt from a file too', async () => {
  assert.equal((await run('flaky')).code, 1);
  assert.equal((await run('flaky', 2, join(folder, 'prompt.md'))).code, 0);
  const { code, reader } = await run('fail=3 json');
  assert.deepEqual(verdictOf(reader, code), { kind: 'failed', reason: 'It cannot be done.' });
  assert.equal(code, 3);
});

test('the simulated agent goes on until a file is there, and takes no path for its name', async () => {
  let hasEnded = false;
  const ran = run('touch=begun until=go.txt').finally(() => (hasEnded = true));
  while (!(await readdir(folder)).includes('begun'))
    await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(hasEnded, false);
  await writeFile(join(folder, 'go.txt'), '');
  assert.equal((await ran).code, 0);
  assert.equal((await run('until=../go.txt')).code, 0);
});
