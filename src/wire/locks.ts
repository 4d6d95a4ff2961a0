import type * as vscode from 'vscode';
import type { Clock } from '../core/ports.ts';
import { oneLine } from '../core/text.ts';
import { adoptLostLocks } from '../core/lease/lease-adoption.ts';
import type { LeaseKeeper } from '../core/lease/lease-keeper.ts';
import { processStartTime, systemProcesses } from '../disk/processes.ts';
import { WindowRecordFiles } from '../store/runs/window-records.ts';
import type { Writer } from '../store/write/writer-client.ts';
import { explainFailure } from '../ui/messages.ts';

export interface HandHeldParts {
  readonly keeper: LeaseKeeper;
  readonly locks: Writer;
  readonly log: vscode.LogOutputChannel;
  readonly clock: Clock;
  readonly leaseMs: () => number;
  readonly reportBug: (error: unknown) => void;
  /** Where the windows of this workspace keep their records, absolute. */
  readonly folder: string;
  /** The database, absolute. */
  readonly store: string;
}

/**
 * Keeps the user's locks over a reload or a crash of the window, and adopts those of a closed one.
 */
export function keepHandHeld(parts: HandHeldParts): {
  close(records: 'keep' | 'forget'): Promise<void>;
} {
  const { keeper, locks, clock, leaseMs, log, reportBug, folder, store } = parts;
  const records = new WindowRecordFiles({
    folder,
    store,
    clock,
    processStartTime,
    holder: locks.holder,
    pid: process.pid,
    processes: systemProcesses,
  });
  let noted = '';
  const note = (): void => {
    const ids = keeper.heldByHand;
    if (ids.join('\n') === noted) return;
    noted = ids.join('\n');
    locks.linger(ids);
    records.write(ids).catch(reportBug);
  };
  const subscription = keeper.onDidChange(note);
  const adoption = adoptLostLocks({
    records,
    locks,
    keeper,
    clock,
    leaseMs,
    reportBug,
    onAdopted: (claims, from) => {
      if (claims.length === 0) return;
      const ids = claims.map(({ id }) => id).join(', ');
      log.info(oneLine(`Held again after the window came back, from ${from}: ${ids}.`));
    },
    onFailed: (failure) => log.warn(oneLine(explainFailure(failure, clock.now()).message)),
  });
  return {
    close: async (how) => {
      subscription.dispose();
      adoption.dispose();
      if (how === 'forget') await records.write([]);
    },
  };
}
