import assert from 'node:assert/strict';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { writeOrder } from '../../../src/agent-process/order-file.ts';
import type { WorkOrder } from '../../../src/agent-process/work-order.ts';

const ORDER = {
  runId: 'r',
  agent: { command: '/x', args: [], env: { SECRET: 'key' } },
} as unknown as WorkOrder;

test('an order is for its owner alone, and gone when it is removed', async (t) => {
  const base = mkdtempSync(join(tmpdir(), 'todo2-orders-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const folder = join(base, 'orders');
  const order = await writeOrder(folder, ORDER);
  const { path } = order;
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), ORDER);
  if (process.platform !== 'win32') {
    assert.deepEqual([statSync(folder).mode & 0o777, statSync(path).mode & 0o777], [0o700, 0o600]);
  }
  await order.remove();
  assert.deepEqual(readdirSync(folder), []);
});

test('an order that nobody took is removed when the next one is written, and nothing else is', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-orders-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const old = await writeOrder(folder, ORDER);
  const fresh = await writeOrder(folder, ORDER);
  writeFileSync(join(folder, 'other.json'), '');
  const anHourAgo = Date.now() / 1000 - 3600;
  for (const file of [old.path, join(folder, 'other.json')]) utimesSync(file, anHourAgo, anHourAgo);
  const next = await writeOrder(folder, ORDER);
  assert.deepEqual(
    [old, fresh, next].map(({ path }) => existsSync(path)),
    [false, true, true],
  );
  assert(existsSync(join(folder, 'other.json')));
});
