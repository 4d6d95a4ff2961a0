// Reads one mutated store after the other as the extension does, and writes into a file which one
// it is at, so that whoever watches can tell one that never ends. It says what went wrong with a
// case and goes on; one that kills it is named by the file.
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { randomFrom } from '../support/random.ts';
import { argument } from './program.ts';
import { FuzzedStore } from './fuzz/fuzzed-store.ts';
import { readCorpus } from './fuzz/corpus.ts';
import type { FuzzReport, FuzzTask } from './fuzz.ts';

const { seed, from, to, corpus, folder, progressFile } = argument() as FuzzTask;
const progress = openSync(progressFile, 'r+');
const word = Buffer.alloc(8);
const store = await FuzzedStore.open(readCorpus(corpus), join(folder, 'project'));
const mbAtFirst = process.memoryUsage().rss / 1024 / 1024;
const kinds: Record<string, number> = {};
const failures: { index: number; text: string }[] = [];
let slowest = { ms: 0, index: -1 };

/** Enough for a cause to be found; a reader that fails always would fill the disk. */
const MAX_FAILURES = 5;

for (let index = from; index < to && failures.length < MAX_FAILURES; index++) {
  word.writeDoubleLE(index);
  writeSync(progress, word, 0, 8, 0);
  const used = process.cpuUsage();
  let ended = 'failed';
  try {
    // A number for each case, so that one alone can be tried again.
    ended = await store.try(randomFrom(Math.imul(seed, 1_000_003) ^ Math.imul(index, 0x9e37_79b1)));
    if (index % 50 === 49) await store.checkGood();
  } catch (error) {
    // Beside the folder, where nothing else may come to be.
    const kept = join(folder, '..', `case-${index}`);
    mkdirSync(kept, { recursive: true });
    for (const [name, bytes] of store.files())
      writeFileSync(join(kept, name.replaceAll('/', '_')), bytes);
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    failures.push({ index, text: text.slice(0, 3_000) });
  }
  kinds[ended] = (kinds[ended] ?? 0) + 1;
  const { user, system } = process.cpuUsage(used);
  if ((user + system) / 1000 > slowest.ms) slowest = { ms: (user + system) / 1000, index };
}
store.close();
closeSync(progress);
rmSync(join(folder, 'project'), { recursive: true, force: true });
const grownMb = process.resourceUsage().maxRSS / 1024 - mbAtFirst;
const report: FuzzReport = { kinds, failures, grownMb, slowest };
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
