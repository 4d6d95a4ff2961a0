/*
 * An agent that needs no account and changes nothing unless told so: it reads a prompt on stdin (or from the file that its
 * argument names), prints what such an agent might print, and ends. Lines of the task's description tell it what to do:
 *
 *     simulate: seconds=6     work for about that long (default 2)
 *     simulate: print=40      print that many lines
 *     simulate: fail=3        end with that exit code (1 without a number)
 *     simulate: flaky=2       fail in the first two attempts (one without a number), then succeed
 *     simulate: ratelimit=2   report a rate limit, in the first two attempts (always without a number)
 *     simulate: quiet=30      print nothing for that long, before anything else
 *     simulate: hang          never end
 *     simulate: stubborn      take no notice of a polite request to end
 *     simulate: tree          start another process that would outlive this one, and print its id
 *     simulate: touch=NAME    make a file of that name where it works
 *     simulate: append=NAME   add its title to the file of that name, as a line
 *     simulate: resolve       when asked to resolve conflicts, keep both sides (else it cannot)
 *     simulate: resolve=badly when asked to resolve conflicts, say so and leave the marks
 *     simulate: until=NAME    continue until a file of that name is there
 *     simulate: json          speak in events, one a line, as real agents do
 *     simulate: tokens=12000  say that it used so many tokens, a tenth of them out (only with `json`)
 *     simulate: usd=0.5       say that it cost so much (only with `json`)
 *
 * Several may stand in one line.
 */
import { spawn } from 'node:child_process';
import { constants, existsSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { readOrders, type Orders } from './agent-process/simulated-orders.ts';
import { readWholeText } from './disk/read-whole.ts';

const STEPS = [
  'Reading the files the task names',
  'Looking at what its dependencies left behind',
  'Planning the change',
  'Editing',
  'Running the tests',
  'Going over the diff once more',
];

const LOOK_EVERY_MS = 100;

/** sysexits.h, EX_TEMPFAIL: try again later. */
const REFUSED = 75;

async function readPrompt(file: string | undefined): Promise<string> {
  if (file !== undefined) {
    const read = await readWholeText(file, { mostBytes: 64 * 1024 * 1024 });
    if (!read.ok || read.value === undefined) throw new Error(`No prompt in ${file}`);
    return read.value;
  }
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

/** Prints plain text, or the events of Claude Code. */
class Voice {
  readonly #json: boolean;
  readonly #used: object;
  readonly #session = `simulated-${process.pid}`;

  constructor({ json, tokens, usd }: Orders) {
    this.#json = json;
    const [input_tokens, output_tokens] = [
      tokens - Math.floor(tokens / 10),
      Math.floor(tokens / 10),
    ];
    this.#used = { usage: { input_tokens, output_tokens }, total_cost_usd: usd };
    if (json) this.#event({ type: 'system', subtype: 'init', model: 'simulated' });
  }

  say(text: string): void {
    if (!this.#json) console.log(text);
    else this.#event({ type: 'assistant', message: { content: [{ type: 'text', text }] } });
  }

  step(text: string): void {
    if (!this.#json) console.log(text);
    else {
      const use = { type: 'tool_use', name: 'Simulate', input: { description: text } };
      this.#event({ type: 'assistant', message: { content: [use] } });
    }
  }

  end(text: string, isError: boolean): void {
    if (!this.#json) console.log(text);
    else {
      const result = { type: 'result', subtype: 'success', is_error: isError, result: text };
      this.#event({ ...result, ...this.#used });
    }
  }

  #event(event: object): void {
    console.log(JSON.stringify({ ...event, session_id: this.#session }));
  }
}

async function work(): Promise<number> {
  const prompt = await readPrompt(process.argv[2]);
  const orders = readOrders(prompt);
  const voice = new Voice(orders);
  if (orders.stubborn) process.on('SIGTERM', () => voice.say('I was asked to end, and will not.'));
  if (orders.quiet > 0) await wait(orders.quiet * 1000);
  voice.say(`Simulated agent, at work on: ${orders.title}`);
  if (orders.refused) {
    voice.end('429 Too Many Requests: rate limit reached, retry after 2 s', true);
    return REFUSED;
  }
  if (orders.conflicts !== undefined) return resolveConflicts(orders.conflicts, orders, voice);
  if (orders.tree) startAnother(voice);
  if (orders.touch !== undefined) await touch(orders.touch);
  if (orders.append !== undefined) await append(orders.append, orders.title);
  await takeSteps(orders, voice);
  if (orders.until !== undefined) while (!existsSync(orders.until)) await wait(LOOK_EVERY_MS);
  if (orders.hang) {
    voice.say('Hanging, as told');
    for (;;) await wait(60_000);
  }
  const isDone = orders.exitCode === 0;
  voice.end(
    isDone ? 'Done. Nothing was changed: this was a simulation.' : 'It cannot be done.',
    !isDone,
  );
  return orders.exitCode;
}

/** Keeps both sides of each conflict in these files, as told; one by which the marks stay. */
async function resolveConflicts(
  files: readonly string[],
  { resolve }: Orders,
  voice: Voice,
): Promise<number> {
  if (resolve === undefined) {
    voice.end('The conflicts cannot be resolved.', true);
    return 1;
  }
  for (const file of resolve === 'both' ? files : []) {
    const read = await readWholeText(file, { mostBytes: 1024 * 1024 });
    if (!read.ok || read.value === undefined) throw new Error(`No text in ${file}`);
    await put(file, read.value.replace(/^(?:<{7} .*|={7}|>{7} .*)\n/gm, ''), constants.O_TRUNC);
    voice.step(`Resolved ${file}`);
  }
  voice.end('The conflicts are resolved.', false);
  return 0;
}

async function takeSteps({ seconds, print }: Orders, voice: Voice): Promise<void> {
  for (let i = 0; i < print; i++) {
    await wait((seconds * 1000) / print);
    voice.step(`[${i + 1}/${print}] ${STEPS[i % STEPS.length] ?? ''}`);
  }
  if (print === 0) await wait(seconds * 1000);
}

function startAnother(voice: Voice): void {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  voice.say(`Started process ${child.pid ?? 'that did not start'}`);
  child.unref();
}

/** Creates a new file only: existing files and links stay as they are. */
async function touch(name: string): Promise<void> {
  try {
    await writeFile(name, '', { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

async function append(name: string, title: string): Promise<void> {
  await put(name, `${title}\n`, constants.O_APPEND | constants.O_CREAT);
}

/** Links are not followed. */
async function put(name: string, text: string, how: number): Promise<void> {
  const { O_NOFOLLOW, O_WRONLY } = constants;
  // Windows has no such flag.
  const file = await open(name, how | (O_NOFOLLOW || 0) | O_WRONLY);
  try {
    await file.appendFile(text);
  } finally {
    await file.close();
  }
}

void work().then((exitCode) => {
  process.exitCode = exitCode;
});
