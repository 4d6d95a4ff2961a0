// A window's process, as far as locks go: it claims every task in an order of its own, several at a time, and says what
// came of each. Beside that it measures how long its event loop stood still; one without a script only does that.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { taskId } from '../../src/core/task.ts';
import { Writer } from '../../src/store/writer.ts';
import { systemClock } from '../../src/store/system-clock.ts';
import { randomFrom, shuffled } from '../support/random.ts';
import { argument } from './program.ts';
import type { Attempt, RaceClient, RaceReport } from './races.ts';

const { file, script, holder, seed, ids, inFlight, deadlineMs } = argument() as RaceClient;
const logged: string[] = [];
const attempts: Attempt[] = [];
let over = false;
const lines = process.stdin.setEncoding('utf8')[Symbol.asyncIterator]();
const delay = monitorEventLoopDelay({ resolution: 1 });

process.stdout.write('ready\n');
await lines.next();
delay.enable();
if (script === undefined) {
  await lines.next();
} else {
  const writer = new Writer({
    ...{ file, holder, script, clock: systemClock, random: Math.random },
    nodes: () => [{ command: process.execPath, args: [] }],
    onStatusWritten: () => undefined,
    log: (line) => void logged.push(line),
    ...(deadlineMs === undefined ? {} : { deadlineMs }),
  });
  const waiting = shuffled(randomFrom(seed), ids);
  const claimThem = async (): Promise<void> => {
    for (let id = waiting.pop(); id !== undefined && !over; id = waiting.pop()) {
      const beganAt = Date.now();
      const outcome = await writer.claim(taskId(id), 3_600_000);
      attempts.push({
        ...{ id, beganAt, endedAt: Date.now() },
        outcome: outcome.ok
          ? { kind: 'ok', holder: outcome.value.holder, until: outcome.value.until, fresh: outcome.value.fresh }
          : outcome.failure,
      });
    }
  };
  await Promise.all(Array.from({ length: inFlight }, claimThem));
  over = true;
  await writer.close();
}
delay.disable();
const report: RaceReport = { attempts, blockedMs: delay.max / 1e6 - 1, processes: logged.length };
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
