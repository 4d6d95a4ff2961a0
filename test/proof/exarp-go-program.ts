// exarp-go's process: it does what it is told line by line, and says when that is done.
import { basename, dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ExarpGo, type ExarpUpdate } from '../support/exarp-go.ts';
import { randomFrom } from '../support/random.ts';
import { argument } from './program.ts';

export interface ExarpProgram {
  readonly file: string;
  readonly seed: number;
  /** The most ms between its reading and its writing. */
  readonly waitMs: number;
}

/** What it is told; `ids` is answered with those that were changed. */
export type ExarpOrder =
  | { readonly kind: 'update'; readonly ids: readonly string[]; readonly change: ExarpUpdate }
  | { readonly kind: 'create'; readonly id: string; readonly title: string }
  | { readonly kind: 'delete'; readonly id: string }
  | { readonly kind: 'sync' };

const { file, seed, waitMs } = argument() as ExarpProgram;
const random = randomFrom(seed);
const exarp = new ExarpGo(new DatabaseSync(file), file, {
  project: basename(dirname(dirname(file))),
  agent: `general-there-${process.pid}`,
  waitMs: () => random(waitMs),
  commits: () => (random(3) === 0 ? 'one' : 'each'),
});
process.stdout.write('ready\n');
for await (const line of linesOf(process.stdin.setEncoding('utf8'))) {
  const order = JSON.parse(line) as ExarpOrder;
  let ids: readonly string[] = [];
  if (order.kind === 'update') ids = await exarp.update(order.ids, order.change);
  else if (order.kind === 'create') exarp.create(order.id, order.title);
  else if (order.kind === 'delete') exarp.delete(order.id);
  else await exarp.sync();
  process.stdout.write(`${JSON.stringify(ids)}\n`);
}

async function* linesOf(input: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const text of input) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}
