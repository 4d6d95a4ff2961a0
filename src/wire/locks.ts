import type * as vscode from 'vscode';
import type { Disposable } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';
import { oneLine } from '../core/text.ts';
import { adoptLostLocks } from '../core/lease/lease-adoption.ts';
import type { ClaimReconciler } from '../core/lease/claim-reconciler.ts';
import type { LeaseKeeper } from '../core/lease/lease-keeper.ts';
import { processStartTime, systemProcesses } from '../store/runs/processes.ts';
import { WindowRecordFiles } from '../store/runs/window-records.ts';
import type { Writer } from '../store/write/writer-client.ts';
import { explainFailure, explainJump, explainWatchEvent } from '../ui/messages.ts';

export interface LockParts {
  readonly keeper: LeaseKeeper;
  readonly claimWatch: ClaimReconciler;
  readonly locks: Writer;
  readonly log: vscode.LogOutputChannel;
}

/** Says in the log what becomes of locks, and gives back those whose work has ended. */
export function tellLocks({ keeper, claimWatch, locks, log }: LockParts): void {
  keeper.onDidLose(({ id, holder }) =>
    log.warn(oneLine(`The lock on ${id} is lost${holder === undefined ? '' : ` to ${holder}`}.`)),
  );
  keeper.onDidFail((failure) => log.warn(oneLine(explainFailure(failure, Date.now()).message)));
  keeper.onDidJump((aheadMs) => log.info(explainJump(aheadMs)));
  keeper.onDidOutlive((id) => {
    log.warn(oneLine(`The work on ${id} has ended, and its lock was still there; it is given back.`));
    void locks.release(id, 'Todo');
  });
  claimWatch.onEvent((event) => log.warn(oneLine(explainWatchEvent(event, Date.now()))));
}

export interface HandHeldParts extends Omit<LockParts, 'claimWatch'> {
  readonly clock: Clock;
  readonly leaseMs: () => number;
  readonly reportBug: (error: unknown) => void;
  /** Where the windows of this workspace keep their records, absolute. */
  readonly folder: string;
  /** The database, absolute. */
  readonly store: string;
}

/** Lets locks that a person took outlive a reload or a crash of the window, and takes over those of one that is gone. */
export function keepHandHeld(parts: HandHeldParts): Disposable & { forget(): Promise<void> } {
  const { keeper, locks, clock, leaseMs, log, reportBug, folder, store } = parts;
  const records = new WindowRecordFiles({
    ...{ folder, store, clock, processStartTime },
    ...{ holder: locks.holder, pid: process.pid, processes: systemProcesses },
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
    ...{ records, locks, keeper, clock, leaseMs, reportBug },
    onAdopted: (claims, from) => {
      if (claims.length === 0) return;
      const ids = claims.map(({ id }) => id).join(', ');
      log.info(oneLine(`Held again after the window came back, from ${from}: ${ids}.`));
    },
    onFailed: (failure) => log.warn(oneLine(explainFailure(failure, clock.now()).message)),
  });
  return {
    forget: () => records.write([]),
    dispose: () => {
      subscription.dispose();
      adoption.dispose();
    },
  };
}
