import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Backlog } from '../../../src/core/backlog.ts';
import { DEFAULT_WAVE_OPTIONS } from '../../../src/core/waves/waves.ts';
import { planWaves } from '../../../src/core/waves/waves.ts';
import { writePlan } from '../../../src/wire/write-plan.ts';
import { task } from '../../support/backlog.ts';
import { folderFor } from '../../support/stores.ts';

const CURSOR = `---
name: shop
todos:
  - id: split-login
    content: Split the login form
    status: pending
isProject: false
---
# shop
`;

test('a plan of another program under our name stays, and another name is offered and then kept', async (t) => {
  const root = folderFor(t);
  const folder = join(root, '.cursor', 'plans');
  mkdirSync(folder, { recursive: true });
  const [theirs, ours] = [join(folder, 'shop.plan.md'), join(folder, 'shop-waves.plan.md')];
  writeFileSync(theirs, CURSOR);
  const tasks = [task('T-1', {})];
  const backlog = {
    root,
    name: 'shop',
    plan: planWaves(tasks, DEFAULT_WAVE_OPTIONS),
    snapshot: { tasks },
  } as unknown as Backlog;

  const refused = await writePlan(backlog, 'main');
  assert.ok(!refused.ok && refused.failure.kind === 'notAPlan');
  assert.equal(refused.failure.instead, 'shop-waves.plan.md');
  assert.equal(existsSync(ours), false);

  const agreed = await writePlan(backlog, 'main', 'shop-waves.plan.md');
  assert.deepEqual(agreed, { ok: true, value: ours });
  assert.match(readFileSync(ours, 'utf8'), /T-1/);
  assert.equal((await writePlan(backlog, 'main')).ok, true);
  assert.equal(readFileSync(theirs, 'utf8'), CURSOR);
});
