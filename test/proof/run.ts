/**
 * Tries to refute what the product promises: `npm run proof [-- name…] [--seed n] [--short]
 * [--help]`.
 *
 * Each proof says what it tried and what it found. One that is refuted makes the exit code 1, and
 * its files are kept.
 */
import { parseArgs } from 'node:util';
import { besideExarp } from './beside-exarp.ts';
import { crashes } from './crashes.ts';
import { fuzz } from './fuzz.ts';
import { injection } from './injection-run.ts';
import { isolation } from './isolation.ts';
import { kills } from './kills.ts';
import { logs } from './logs.ts';
import { races } from './races.ts';
import { snapshots } from './snapshots.ts';
import type { Proof } from './proof.ts';

const PROOFS: readonly Proof[] = [
  logs,
  snapshots,
  races,
  crashes,
  fuzz,
  kills,
  isolation,
  injection,
  besideExarp,
];
const USAGE = `Usage: npm run proof [-- name…] [-- --seed number] [-- --short]

${PROOFS.map(({ name, about }) => `  ${name.padEnd(10)} ${about}`).join('\n')}

Without a name all of them run, which takes the better part of an hour. A seed repeats what chance did, as far as
it is ours: other processes run as they like. \`--short\` is what \`npm test\` does. What is refuted is kept in out/proof.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, short: { type: 'boolean' }, help: { type: 'boolean' } },
});
const unknown = positionals.filter((name) => !PROOFS.some((proof) => proof.name === name));
const seed = Number(values.seed ?? Date.now() % 1_000_000);

if (values.help === true) {
  console.log(USAGE);
} else if (unknown.length > 0 || !Number.isSafeInteger(seed)) {
  console.error(unknown.length > 0 ? `No such proof: ${unknown.join(', ')}.\n\n${USAGE}` : USAGE);
  process.exitCode = 2;
} else {
  for (const proof of PROOFS) {
    if (positionals.length > 0 && !positionals.includes(proof.name)) continue;
    const begun = performance.now();
    console.log(`${proof.name}: ${proof.about}`);
    try {
      await proof.prove({
        length: values.short === true ? 'short' : 'full',
        seed,
        say: (line) => console.log(`  ${line}`),
      });
      console.log(
        `  holds, in ${((performance.now() - begun) / 1000).toFixed(0)} s, seed ${seed}\n`,
      );
    } catch (error) {
      console.error('  ✖', error);
      process.exitCode = 1;
    }
  }
}
