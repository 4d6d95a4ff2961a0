import { test } from 'node:test';
import { besideExarp } from '../proof/beside-exarp.ts';
import { crashes } from '../proof/crashes.ts';
import { fuzz } from '../proof/fuzz.ts';
import { injection } from '../proof/injection-run.ts';
import { isolation } from '../proof/isolation.ts';
import { kills } from '../proof/kills.ts';
import { logs } from '../proof/logs.ts';
import { races } from '../proof/races.ts';
import { snapshots } from '../proof/snapshots.ts';
import type { Proof } from '../proof/proof.ts';

/**
 * Always the same, so that what failed here fails again; `npm run proof` takes another one each
 * time.
 */
const SEED = 20_266;
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

for (const proof of PROOFS) {
  test(`${proof.name}, in short: ${proof.about}`, (t) =>
    proof.prove({ length: 'short', seed: SEED, say: (line) => t.diagnostic(line) }));
}
