import type { Backlog } from '../../core/backlog.ts';
import type { Disposable } from '../../core/events.ts';
import type { Snapshot } from '../../core/snapshot.ts';
import type { Backlogs } from '../backlogs.ts';
import { type Problem, problemsOf } from './problems.ts';

/** A position in a text, counted from 0. */
export interface Place {
  readonly line: number;
  readonly character: number;
}

export interface EntryPlaces {
  readonly ofIds: ReadonlyMap<string, Place>;
  /** In the order of the file. */
  readonly ofEntries: readonly Place[];
}

/** A problem, and where in the file it is; undefined where the file has no lines. */
export interface PlacedProblem extends Problem {
  readonly place: Place | undefined;
}

/** What a publisher needs; the editor's collection of diagnostics behind `set` and `delete`. */
export interface PublisherContext {
  readonly backlogs: Pick<Backlogs, 'all' | 'onDidChange'>;
  /** Whether the user wants to see the problems of this root. */
  readonly isWanted: (root: string) => boolean;
  /** Where the entries of a JSON file stand; nothing for a file that cannot be read. */
  readonly findEntries: (file: string) => Promise<EntryPlaces>;
  /** Replaces what is shown at a file. */
  readonly set: (file: string, problems: readonly PlacedProblem[], root: string) => void;
  readonly delete: (file: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/**
 * Publishes the problems of every backlog, each change once, and takes them back with the backlog.
 */
export class ProblemsPublisher implements Disposable {
  readonly #context: PublisherContext;
  readonly #subscription: Disposable;
  /** What is published for each root, so that only news goes out. */
  readonly #published = new Map<string, Published>();

  constructor(context: PublisherContext) {
    this.#context = context;
    this.#subscription = context.backlogs.onDidChange(() => this.update());
    this.update();
  }

  /** Diagnoses the backlogs again, and reads whether problems are wanted. */
  update(): void {
    const { backlogs, isWanted, reportBug } = this.#context;
    const wanted = backlogs.all.filter(
      ({ root, snapshot }) => snapshot !== undefined && isWanted(root),
    );
    const roots = new Set(wanted.map(({ root }) => root));
    for (const root of [...this.#published.keys()]) if (!roots.has(root)) this.#takeBack(root);
    for (const backlog of wanted) this.#publish(backlog).catch(reportBug);
  }

  dispose(): void {
    this.#subscription.dispose();
    for (const root of [...this.#published.keys()]) this.#takeBack(root);
  }

  async #publish(backlog: Backlog): Promise<void> {
    const { root, snapshot } = backlog;
    if (snapshot === undefined) return;
    const { findings } = backlog;
    const last = this.#published.get(root);
    // Most commits do not change the findings, and their texts take longer than the commit.
    const isKnown = last?.findings === findings && last.snapshot.file === snapshot.file;
    if (isKnown && snapshot.source === 'sqlite') return;
    const problems = problemsOf(backlog);
    const next: Published = { snapshot, findings, text: JSON.stringify(problems) };
    if (last !== undefined && isSame(last, next)) return;
    if (last !== undefined && last.snapshot.file !== snapshot.file) this.#takeBack(root);
    this.#published.set(root, next);
    const hasLines = snapshot.source === 'json' && problems.length > 0;
    const places = hasLines ? await this.#context.findEntries(snapshot.file) : undefined;
    // Something newer may have come while the file was read.
    if (this.#published.get(root) !== next) return;
    const placed = problems.map((problem) => ({
      ...problem,
      place:
        problem.entry === undefined
          ? places?.ofIds.get(problem.id)
          : places?.ofEntries[problem.entry - 1],
    }));
    this.#context.set(snapshot.file, placed, root);
  }

  #takeBack(root: string): void {
    const published = this.#published.get(root);
    this.#published.delete(root);
    if (published !== undefined) this.#context.delete(published.snapshot.file);
  }
}

interface Published {
  readonly snapshot: Snapshot;
  readonly findings: unknown;
  readonly text: string;
}

/** In JSON the same problems may stand in other lines by now. */
function isSame(last: Published, next: Published): boolean {
  if (last.text !== next.text || last.snapshot.file !== next.snapshot.file) return false;
  return next.snapshot.source === 'sqlite' || last.snapshot === next.snapshot;
}
