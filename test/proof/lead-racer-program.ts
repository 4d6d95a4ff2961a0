// A window's process that wants to lead runs: one at a time when it is told to, or again and again
// while others do the same.
import { unlinkSync, writeFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { processStartTime, systemProcesses } from '../../src/disk/processes.ts';
import { RunFolder } from '../../src/store/runs/run-folder.ts';
import { RunLead } from '../../src/store/runs/run-lead.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';

/**
 * `try`: once. `strive`: until it has led so many times, with a file as witness that nobody else
 * does meanwhile.
 */
export type RacerOrder =
  | { readonly kind: 'try'; readonly runId: string }
  | {
      readonly kind: 'strive';
      readonly runId: string;
      readonly times: number;
      readonly witness: string;
    };

export interface RacerAnswer {
  readonly led: number;
  /** How often somebody else led at the same time. */
  readonly clashes: number;
}

const root = process.argv[2];
if (root === undefined) throw new Error('Internal error: no folder');
const lead = new RunLead({
  ...{
    folder: new RunFolder(root),
    pid: process.pid,
    processes: systemProcesses,
    processStartTime,
    clock: systemClock,
  },
});
const onLost = (): void => {
  throw new Error('Internal error: the lead was lost to nobody');
};

process.on('message', (order: RacerOrder) => {
  void (order.kind === 'try' ? tryOnce(order.runId) : strive(order)).then((answer) =>
    process.send?.(answer),
  );
});
process.on('disconnect', () => process.exit());
process.send?.({ led: 0, clashes: 0 } satisfies RacerAnswer);

async function tryOnce(runId: string): Promise<RacerAnswer> {
  return { led: (await lead.lead(runId, onLost)) ? 1 : 0, clashes: 0 };
}

async function strive({
  runId,
  times,
  witness,
}: Extract<RacerOrder, { kind: 'strive' }>): Promise<RacerAnswer> {
  let clashes = 0;
  for (let led = 0; led < times;) {
    if (!(await lead.lead(runId, onLost))) {
      await wait(Math.random() * 3);
      continue;
    }
    led++;
    try {
      writeFileSync(witness, String(process.pid), { flag: 'wx' });
      await wait(Math.random() * 2);
      unlinkSync(witness);
    } catch {
      clashes++;
    }
    // Both ways of letting go, since the next one finds either an empty place or a flag of somebody
    // who is gone.
    await (led % 2 === 0 ? lead.release(runId) : lead.leave());
  }
  return { led: times, clashes };
}
