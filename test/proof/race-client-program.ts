// A window's process, as far as locks go: it claims every task in an order of its own, several at a
// time, and says what came of each. Beside that it measures how long its event loop stood still;
// one without a script only does that.
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { Failure } from '../../src/core/failure.ts';
import { taskId } from '../../src/core/task.ts';
import { Writer } from '../../src/store/write/writer-client.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { randomFrom, shuffled } from '../support/random.ts';
import { argument } from './program.ts';
import type { Attempt, RaceClient, RaceReport } from './races.ts';

const {
  file,
  script,
  holder,
  seed,
  ids,
  inFlight,
  deadlineMs,
  way = 'one',
} = argument() as RaceClient;
const logged: string[] = [];
const attempts: Attempt[] = [];
const got: string[] = [];
const refused: Failure[] = [];
const RULES = { missing: 'satisfied', reviewOpensGate: false } as const;
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
          ? {
              kind: 'ok',
              holder: outcome.value.holder,
              until: outcome.value.until,
              fresh: outcome.value.fresh,
            }
          : outcome.failure,
      });
    }
  };
  const claimSeveral = async (): Promise<void> => {
    for (let some = waiting.splice(0, 5); some.length > 0; some = waiting.splice(0, 5)) {
      const outcome = await writer.claimAll(some.map(taskId), 3_600_000);
      if (outcome.ok) got.push(...outcome.value.map(({ id }) => id));
      else refused.push(outcome.failure);
    }
  };
  const claimNext = async (): Promise<void> => {
    for (;;) {
      const outcome = await writer.claimNext(waiting.map(taskId), RULES, 3_600_000);
      if (!outcome.ok) return void refused.push(outcome.failure);
      got.push(outcome.value.id);
    }
  };
  const ways = { one: claimThem, several: claimSeveral, next: claimNext };
  await Promise.all(Array.from({ length: inFlight }, () => ways[way]()));
  over = true;
  await writer.close();
}
delay.disable();
const report: RaceReport = {
  attempts,
  got,
  refused,
  blockedMs: delay.max / 1e6 - 1,
  processes: logged.length,
};
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
