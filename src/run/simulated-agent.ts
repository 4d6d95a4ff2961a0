/*
 * An agent that needs no account and changes nothing: it reads a prompt on stdin, prints what such an agent might print,
 * and ends. Lines of the prompt tell it what to do:
 *
 *     simulate: seconds=6     work for about that long (default 2)
 *     simulate: print=40      print that many lines
 *     simulate: fail=3        end with that exit code (1 without a number)
 *     simulate: hang          never end
 *     simulate: stubborn      take no notice of a polite request to end
 *     simulate: tree          start another process that would outlive this one, and print its id
 *
 * Several may stand in one line.
 */
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';

const STEPS = [
  'Reading the files the task names',
  'Looking at what its dependencies left behind',
  'Planning the change',
  'Editing',
  'Running the tests',
  'Going over the diff once more',
];

interface Orders {
  readonly seconds: number;
  readonly print: number;
  readonly exitCode: number;
  readonly hang: boolean;
  readonly stubborn: boolean;
  readonly tree: boolean;
}

function readOrders(prompt: string): Orders {
  const words = [...prompt.matchAll(/^\s*simulate:(.*)$/gim)].flatMap((match) =>
    (match[1] ?? '').trim().split(/[\s,]+/),
  );
  const given = new Map(words.map((word) => word.split('=', 2) as [string, string | undefined]));
  const number = (name: string, fallback: number): number => {
    const value = Number(given.get(name) ?? Number.NaN);
    return Number.isFinite(value) && value >= 0 ? value : fallback;
  };
  return {
    seconds: number('seconds', 2),
    print: number('print', STEPS.length),
    exitCode: given.has('fail') ? number('fail', 1) : 0,
    hang: given.has('hang'),
    stubborn: given.has('stubborn'),
    tree: given.has('tree'),
  };
}

async function readPrompt(): Promise<string> {
  const pieces: Buffer[] = [];
  for await (const piece of process.stdin) pieces.push(piece as Buffer);
  return Buffer.concat(pieces).toString('utf8');
}

async function work(): Promise<number> {
  const prompt = await readPrompt();
  const orders = readOrders(prompt);
  const title = /^Title: (.*)$/m.exec(prompt)?.[1] ?? 'a task without a title';
  if (orders.stubborn) process.on('SIGTERM', () => console.log('I was asked to end, and will not.'));
  console.log(`Simulated agent, at work on: ${title}`);
  if (orders.tree) {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    console.log(`Started process ${child.pid ?? 'that did not start'}`);
    child.unref();
  }
  for (let i = 0; i < orders.print; i++) {
    await wait((orders.seconds * 1000) / orders.print);
    console.log(`[${i + 1}/${orders.print}] ${STEPS[i % STEPS.length] ?? ''}`);
  }
  if (orders.print === 0) await wait(orders.seconds * 1000);
  if (orders.hang) {
    console.log('Hanging, as told');
    for (;;) await wait(60_000);
  }
  console.log(orders.exitCode === 0 ? 'Done. Nothing was changed: this was a simulation.' : 'It cannot be done.');
  return orders.exitCode;
}

void work().then((exitCode) => {
  process.exitCode = exitCode;
});
