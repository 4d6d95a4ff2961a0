import type { Backlog } from '../core/backlog.ts';
import { runsSentence } from './runs/run-row.ts';
import { duration } from '../core/text.ts';

/** Below this the item asks for attention: renewing work would have renewed the lease by now. */
const ENDS_SOON_MS = 2 * 60_000;

/** What the status bar says about the locks of this window. */
export interface LockSummary {
  readonly text: string;
  readonly tooltip: string;
  readonly spoken: string;
  readonly endsSoon: boolean;
}

/** Sums up the locks; undefined where there is no backlog to speak of. */
export function summariseLocks(backlogs: readonly Backlog[]): LockSummary | undefined {
  if (!backlogs.some((backlog) => backlog.snapshot !== undefined)) return undefined;
  const locks = backlogs.flatMap((backlog) => backlog.liveLocks());
  const ours = locks.filter((held) => held.lease.kind === 'ours');
  const others = locks.length - ours.length;
  const othersWords = [
    others === 0
      ? 'No other holder has a lock.'
      : `${others} ${others === 1 ? 'lock is' : 'locks are'} held by others.`,
    ...runsSentence(backlogs),
  ].join(' ');
  const soonest = ours.reduce<number | undefined>(
    (least, held) =>
      least === undefined ? held.lease.remainingMs : Math.min(least, held.lease.remainingMs),
    undefined,
  );
  if (soonest === undefined) {
    return {
      text: '$(unlock) 0',
      tooltip: `No task is locked by this window. ${othersWords}`,
      spoken: `Todo2 Waves: no locks of mine. ${othersWords}`,
      endsSoon: false,
    };
  }
  const count = `${ours.length} ${ours.length === 1 ? 'lock' : 'locks'}`;
  return {
    text: `$(lock) ${ours.length} · ${duration(soonest)}`,
    tooltip: `${count} held by this window; the first ends in ${duration(soonest)} unless it is renewed. ${othersWords}`,
    spoken: `Todo2 Waves: ${count} of mine, the first ends in ${duration(soonest)}. ${othersWords}`,
    endsSoon: soonest < ENDS_SOON_MS,
  };
}
