import assert from 'node:assert/strict';
import { closeSync, mkdirSync, openSync, readSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCorpus } from './fuzz/corpus.ts';
import { proofOf, type Run } from './proof.ts';
import { startProgram } from './program.ts';

/** What `fuzz-program.ts` is to try. */
export interface FuzzTask {
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** The folder of `makeCorpus`. */
  readonly corpus: string;
  readonly folder: string;
  /** Where it says which case it is at. */
  readonly progressFile: string;
}

export interface FuzzReport {
  /** How many cases were of a kind and came to a state, by both names. */
  readonly kinds: Record<string, number>;
  readonly failures: readonly { readonly index: number; readonly text: string }[];
  /** The most memory that the process ever had over what it began with. */
  readonly grownMb: number;
  /** By the time that the processor spent on it. */
  readonly slowest: { readonly ms: number; readonly index: number };
}

/**
 * A case takes milliseconds; by then the machine has been somewhere else for long, or the case has
 * no end.
 */
const HUNG_MS = 30_000;
/** So long for one look at a store nobody waits, and the editor stands still meanwhile. */
const TOO_SLOW_MS = 1_000;
/** What a process may grow by over all of its cases, in MB. */
const MOST_MB = 300;
const PROCESSES = 2;

export const fuzz = proofOf<{ readonly cases: number }>({
  name: 'fuzz',
  about:
    'whatever is in files, agent streams and messages, reading them ends soon, in a state that has a name, and writes nothing',
  short: { cases: 400 },
  full: { cases: 10_000 },
  run: async (run) => {
    const corpus = join(run.folder, 'corpus');
    await makeCorpus(corpus);
    const share = Math.ceil(run.size.cases / PROCESSES);
    const reports = await Promise.all(
      Array.from({ length: PROCESSES }, (_, n) => {
        return tryAll(run, corpus, n, n * share, Math.min(run.size.cases, (n + 1) * share));
      }),
    );
    const kinds = new Map<string, number>();
    for (const report of reports) {
      for (const [kind, count] of Object.entries(report.kinds))
        kinds.set(kind, (kinds.get(kind) ?? 0) + count);
    }
    const failures = reports.flatMap((report) => report.failures);
    const slowest = reports.map((report) => report.slowest).reduce((a, b) => (a.ms > b.ms ? a : b));
    const counts = [...kinds].sort().map(([kind, count]) => `${count} ${kind}`);
    run.say(`${run.size.cases} cases: ${counts.join(', ')} (seed ${run.seed})`);
    const mostMb = Math.max(...reports.map((report) => report.grownMb));
    run.say(
      `${failures.length} crashes, hangs, writes or states without a name; the slowest took ${slowest.ms.toFixed(0)} ms (case ${slowest.index}), and ${mostMb.toFixed(0)} MB at most`,
    );
    assert.deepEqual(failures, []);
    assert.ok(mostMb < MOST_MB, `a process grew by ${mostMb} MB`);
    assert.ok(
      slowest.ms < TOO_SLOW_MS,
      `case ${slowest.index} took ${slowest.ms} ms of the processor`,
    );
  },
});

/**
 * One process for these cases; where it dies or stands still, that case has failed, and another one
 * goes on behind it.
 */
async function tryAll(
  run: Run<unknown>,
  corpus: string,
  n: number,
  from: number,
  to: number,
): Promise<FuzzReport> {
  const folder = join(run.folder, `process-${n}`);
  mkdirSync(folder, { recursive: true });
  const progressFile = join(folder, 'progress');
  writeFileSync(progressFile, Buffer.alloc(8));
  const fd = openSync(progressFile, 'r');
  const word = Buffer.alloc(8);
  const program = startProgram('fuzz-program.ts', {
    seed: run.seed,
    from,
    to,
    corpus,
    folder,
    progressFile,
  } satisfies FuzzTask);
  let [last, since, isHung] = [-1, Date.now(), false];
  const at = (): number => {
    readSync(fd, word, 0, 8, 0);
    return word.readDoubleLE();
  };
  const watch = setInterval(() => {
    if (at() !== last) [last, since] = [at(), Date.now()];
    else if (Date.now() - since > HUNG_MS) {
      isHung = true;
      void program.kill('SIGKILL');
    }
  }, 250);
  try {
    return JSON.parse(await program.next()) as FuzzReport;
  } catch (error) {
    const index = at();
    const failure = { index, text: isHung ? `no end in ${HUNG_MS} ms` : String(error) };
    const rest =
      index + 1 < to && index >= from ? await tryAll(run, corpus, n, index + 1, to) : EMPTY;
    return { ...rest, failures: [failure, ...rest.failures] };
  } finally {
    clearInterval(watch);
    closeSync(fd);
    await program.kill('SIGKILL');
  }
}

const EMPTY: FuzzReport = { kinds: {}, failures: [], grownMb: 0, slowest: { ms: 0, index: -1 } };
