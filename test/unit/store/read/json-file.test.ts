import assert from 'node:assert/strict';
import { truncateSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { JsonFile } from '../../../../src/store/read/json-file.ts';
import { folderFor } from '../../../support/stores.ts';

const NOW = Date.UTC(2026, 2, 1);

test('a JSON store that is too large to hold is named with its size, and not read', async (t) => {
  const path = join(folderFor(t), 'state.todo2.json');
  writeFileSync(path, '{"todos": [');
  truncateSync(path, 2 ** 28 + 1);
  utimesSync(path, NOW / 1000 - 60, NOW / 1000 - 60);
  const file = new JsonFile(path, { now: () => NOW, after: () => ({ dispose: () => undefined }) });
  const read = await file.read('project');
  assert.ok(read.kind === 'fault');
  assert.match(read.fault.detail, /larger than 268435456 bytes/);
});
