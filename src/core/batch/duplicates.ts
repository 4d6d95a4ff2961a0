import { pushTo } from '../push-to.ts';
import { compareIds, type Task, type TaskId } from '../task.ts';

/** Tasks that say nearly the same. */
export interface AlikeTasks {
  /** In id order. */
  readonly ids: readonly TaskId[];
  /** The least likeness by which one of them was put to another, 1 for the same words. */
  readonly likeness: number;
}

/**
 * Two tasks are alike where so much of their words is shared: |both| / |either|. As exarp-go has it
 * by default.
 */
const LIKE = 0.85;

/** Further words of a description add little. */
const MOST_WORDS = 60;

/**
 * A word that this many tasks share is no evidence for a pair, and comparing them all would take
 * quadratic time. A pair is missed only where its tasks share no rarer word.
 */
const MOST_SHARERS = 300;

/**
 * Groups of tasks whose titles and descriptions use nearly the same words in any order. Candidates
 * come from an index of each task's rarest words (a prefix filter): two sets this similar must
 * share one of them. Near linear in all words.
 */
export function findAlike(tasks: readonly Task[]): readonly AlikeTasks[] {
  const sorted = tasks.toSorted((a, b) => compareIds(a.id, b.id));
  const groups = new Groups(sorted.length);
  const firstOf = new Map<string, number>();
  const words: (readonly string[])[] = [];
  const counts = new Map<string, number>();
  const distinct: number[] = [];
  for (const [n, task] of sorted.entries()) {
    const set = wordsOf(task);
    words.push(set);
    const key = set.join(' ');
    const first = firstOf.get(key);
    if (first !== undefined && key !== '') {
      groups.join(first, n, 1);
      continue;
    }
    firstOf.set(key, n);
    if (set.length < 3) continue; // two words in common are no likeness
    distinct.push(n);
    for (const word of set) counts.set(word, (counts.get(word) ?? 0) + 1);
  }
  const sharers = new Map<string, number[]>();
  for (const n of distinct) {
    const set = words[n] ?? [];
    const rare = set.toSorted(
      (a, b) => (counts.get(a) ?? 0) - (counts.get(b) ?? 0) || (a < b ? -1 : 1),
    );
    const own = new Set(set);
    const seen = new Set<number>();
    for (const word of rare.slice(0, set.length - Math.ceil(LIKE * set.length) + 1)) {
      let list = sharers.get(word);
      if (list === undefined) sharers.set(word, (list = []));
      for (const other of list) {
        if (seen.has(other)) continue;
        seen.add(other);
        const likeness = likenessOf(own, words[other] ?? []);
        if (likeness >= LIKE) groups.join(other, n, likeness);
      }
      if (list.length < MOST_SHARERS) list.push(n);
    }
  }
  return groups.all().map(({ members, likeness }) => ({
    ids: members.flatMap((n) => sorted[n]?.id ?? []),
    likeness,
  }));
}

function likenessOf(own: ReadonlySet<string>, other: readonly string[]): number {
  const both = other.reduce((sum, word) => sum + (own.has(word) ? 1 : 0), 0);
  return both / (own.size + other.length - both);
}

/** The words of a task, sorted, each once. */
export function wordsOf({
  title,
  description,
}: Pick<Task, 'title' | 'description'>): readonly string[] {
  const text = `${title.slice(0, 500)} ${description.slice(0, 2_000)}`.toLowerCase();
  return [...new Set(text.match(/[\p{L}\p{N}]{2,}/gu) ?? [])].slice(0, MOST_WORDS).sort();
}

/** Disjoint sets with the least likeness within each. */
class Groups {
  readonly #leader: number[];
  readonly #likeness = new Map<number, number>();

  constructor(size: number) {
    this.#leader = Array.from({ length: size }, (_, n) => n);
  }

  join(a: number, b: number, likeness: number): void {
    const [first, second] = [this.#find(a), this.#find(b)];
    const [low, high] = [Math.min(first, second), Math.max(first, second)];
    const least = Math.min(likeness, this.#likeness.get(low) ?? 1, this.#likeness.get(high) ?? 1);
    this.#leader[high] = low;
    this.#likeness.set(low, least);
  }

  all(): readonly { readonly members: readonly number[]; readonly likeness: number }[] {
    const members = new Map<number, number[]>();
    for (const n of this.#leader.keys()) pushTo(members, this.#find(n), n);
    return [...members]
      .filter(([, list]) => list.length > 1)
      .map(([leader, list]) => ({ members: list, likeness: this.#likeness.get(leader) ?? 1 }));
  }

  #find(n: number): number {
    let leader = n;
    for (
      let above = this.#leader[leader] ?? leader;
      above !== leader;
      above = this.#leader[leader] ?? leader
    ) {
      this.#leader[leader] = this.#leader[above] ?? above;
      leader = above;
    }
    return leader;
  }
}
