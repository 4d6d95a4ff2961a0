// A window that works on tasks of its own until it is told to rest, or killed: claims, renews and
// completes them, all at the same time, and says before each call what it asks for, and after it
// what it heard.
import { setTimeout as pause } from 'node:timers/promises';
import type { Result } from '../../src/core/result.ts';
import type { Failure } from '../../src/core/failure.ts';
import { taskId, type TaskId } from '../../src/core/task.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { Writer } from '../../src/store/write/writer-client.ts';
import { randomFrom } from '../support/random.ts';
import type { Call, Said, WindowSpec } from './killed-window.ts';
import { argument } from './program.ts';

const { file, script, holder, seed, ids, leaseMs, graceMs } = argument() as WindowSpec;
const random = randomFrom(seed);
let working = false;

// To a pipe that is written at once: what was said is out, whatever becomes of this process.
const say = (said: Said): void => void process.stdout.write(`${JSON.stringify(said)}\n`);

const writer = new Writer({
  ...{ file, holder, script, graceMs, clock: systemClock, random: Math.random },
  nodes: () => [{ command: process.execPath, args: [] }],
  onStatusWritten: () => undefined,
  log: (line) => {
    const pid = /^The writer process (\d+) runs/.exec(line)?.[1];
    if (pid !== undefined) say({ kind: 'writer', pid: Number(pid) });
  },
  deadlineMs: 60_000,
});

async function call<T>(
  id: TaskId,
  op: Call,
  ask: () => Promise<Result<T, Failure>>,
): Promise<Result<T, Failure>> {
  say({ kind: 'asked', id, op });
  const outcome = await ask();
  const until = outcome.ok ? (outcome.value as { readonly until?: number }).until : undefined;
  const failure = outcome.ok ? undefined : outcome.failure;
  say({ kind: 'heard', id, op, ...(failure === undefined ? { until } : { failure }) });
  return outcome;
}

async function workOn(id: TaskId, goesOn: () => boolean): Promise<void> {
  while (goesOn()) {
    await call(id, 'claim', () => writer.claim(id, leaseMs));
    for (let times = random(3); times > 0 && goesOn(); times--) {
      await call(id, 'renew', () => writer.renew([id], leaseMs));
    }
    if (goesOn() && random(5) > 0) await call(id, 'finish', () => writer.release(id, 'Todo'));
  }
}

/** Takes over what one who was killed has left behind, as soon as its lease allows it. */
async function takeOver(id: TaskId): Promise<void> {
  for (;;) {
    const claimed = await call(id, 'claim', () => writer.claim(id, leaseMs));
    if (claimed.ok) break;
    if (claimed.failure.kind !== 'held') throw new Error(JSON.stringify(claimed.failure));
    await pause(Math.max(1, claimed.failure.until - Date.now()));
  }
  await call(id, 'finish', () => writer.release(id, 'Todo'));
}

await writer.probe();
say({ kind: 'ready' });
let work: Promise<unknown> = Promise.resolve();
for await (const chunk of process.stdin.setEncoding('utf8')) {
  for (const command of String(chunk).trim().split('\n')) {
    if (command === 'work') {
      working = true;
      work = Promise.all(ids.map((id) => workOn(taskId(id), () => working)));
    } else {
      working = false;
      await work;
      if (command === 'take over') await Promise.all(ids.map((id) => takeOver(taskId(id))));
      say({ kind: 'done', command });
    }
  }
}
await writer.close();
process.exit(0);
