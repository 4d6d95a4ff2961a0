import { test } from 'node:test';
import { logs } from '../proof/logs.ts';
import { snapshots } from '../proof/snapshots.ts';
import type { Proof } from '../proof/proof.ts';

/** Always the same, so that what failed here fails again; `npm run proof` takes another one each time. */
const SEED = 20_266;
const PROOFS: readonly Proof[] = [logs, snapshots];

for (const proof of PROOFS) {
  test(`${proof.name}, in short: ${proof.about}`, (t) =>
    proof.prove({ length: 'short', seed: SEED, say: (line) => t.diagnostic(line) }));
}
