import { lstat } from 'node:fs/promises';
import type { Disposable } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import { PolledFolderWatch } from '../files/polled-folder-watch.ts';
import { JOURNAL, type RunFolder } from './run-folder.ts';
import type { RunLeader } from './run-lead.ts';

export interface JournalFollowerOptions {
  readonly folder: RunFolder;
  readonly clock: Clock;
  readonly leaderOf: (runId: string) => Promise<RunLeader>;
  /** Whether this window leads the run: then there is nothing to follow. */
  readonly leads: (runId: string) => boolean;
  readonly onChange: (runId: string) => void;
}

// Ids begin with the start time of their run, so the latest sort last; older journals no longer
// grow.
const FOLLOWED = 50;

/**
 * Reports journals of other windows that have grown, and runs whose leader changed or left, since
 * the look before. The first look reports nothing: follow first, then read.
 */
export class JournalFollower implements Disposable {
  readonly #options: JournalFollowerOptions;
  readonly #looks: PolledFolderWatch;
  #seen:
    ReadonlyMap<string, { readonly stamp: string; readonly lead: RunLeader['lead'] }> | undefined;

  constructor(options: JournalFollowerOptions) {
    this.#options = options;
    this.#looks = new PolledFolderWatch({
      folder: options.folder.path,
      clock: options.clock,
      look: () => this.#look(),
      concerns: (name) => name.endsWith(JOURNAL),
    });
  }

  /** Looks now; resolves when every change that was written before the call has been reported. */
  look(): Promise<void> {
    return this.#looks.look();
  }

  dispose(): void {
    this.#looks.dispose();
  }

  async #look(): Promise<void> {
    const { folder, leaderOf, leads, onChange } = this.#options;
    const before = this.#seen;
    const ids = await folder.runIds();
    const followed = ids
      .toSorted()
      .slice(-FOLLOWED)
      .filter((runId) => !leads(runId));
    const found = await Promise.all(
      followed.map(async (runId) => {
        const stat = await lstat(folder.journalOf(runId)).catch(() => undefined);
        const stamp = stat === undefined ? '' : `${stat.size} ${stat.mtimeMs}`;
        const was = before?.get(runId);
        // A new leader writes to the journal, so an unchanged journal without a leader still has
        // none.
        if (was?.stamp === stamp && was.lead === 'none') return [runId, was] as const;
        return [runId, { stamp, lead: (await leaderOf(runId)).lead }] as const;
      }),
    );
    this.#seen = new Map(found);
    if (before === undefined) return;
    for (const [runId, { stamp, lead }] of found) {
      const was = before.get(runId);
      if (this.#looks.isDisposed || (was?.stamp === stamp && was.lead === lead)) continue;
      onChange(runId);
    }
  }
}
