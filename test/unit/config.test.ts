import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import { NO_CONFIG, type ProjectConfig } from '../../src/core/config.ts';
import { readConfig, type ConfigRead } from '../../src/store/config.ts';
import { storePathsOf } from '../../src/store/locate.ts';
import { readMessage } from '../../src/store/protobuf.ts';
import { folderFor } from '../support/stores.ts';

interface Files {
  readonly pb?: Uint8Array | string;
  readonly yaml?: string;
}

async function read(t: TestContext, { pb, yaml }: Files): Promise<ConfigRead> {
  const root = folderFor(t);
  mkdirSync(join(root, '.exarp'));
  if (pb !== undefined)
    writeFileSync(join(root, '.exarp', 'config.pb'), typeof pb === 'string' ? Buffer.from(pb, 'hex') : pb);
  if (yaml !== undefined) writeFileSync(join(root, '.exarp', 'config.yaml'), yaml);
  const before = readdirSync(join(root, '.exarp'));
  const result = await readConfig(storePathsOf(root));
  assert.deepEqual(readdirSync(join(root, '.exarp')), before);
  return result;
}

// version "1", timeouts { lease 1800 s }, thresholds { 1: a double, 8: 6, 18: 3 }, and a field that nobody knows.
const WHOLE = '0a0131' + '1203' + '08880e' + '1a0e' + '09000000000000e03f' + '4006' + '900103' + 'fa3f0474657374';
const VALUES: ProjectConfig = { maxTasksPerWave: 3, maxParallelTasks: 6, leaseMs: 1_800_000 };
const YAML =
  'version: "1"\ntimeouts:\n  task_lock_lease: 30m0s\nthresholds:\n  max_parallel_tasks: 6\n  max_tasks_per_wave: 3\n';

const cases: readonly [name: string, files: Files, config: Partial<ProjectConfig>, bad: RegExp | undefined][] = [
  ['no file', {}, {}, undefined],
  ['the protobuf file', { pb: WHOLE }, VALUES, undefined],
  ['the YAML file', { yaml: YAML }, VALUES, undefined],
  ['both: the protobuf file wins', { pb: '1a02' + '4002', yaml: YAML }, { ...VALUES, maxParallelTasks: 2 }, undefined],
  ['an empty protobuf file', { pb: '' }, {}, undefined],
  [
    'garbage in the protobuf file, which leaves the YAML file',
    { pb: 'ffffffffffffffffffffff', yaml: YAML },
    VALUES,
    /not a protobuf/,
  ],
  ['a protobuf file that was cut off', { pb: WHOLE.slice(0, 20) }, {}, /not a protobuf/],
  ['a negative lease', { pb: '120b' + '08ffffffffffffffffff01' }, {}, /task_lock_lease is -1000/],
  ['a lease of two days', { pb: '1204' + '0880c60a' }, {}, /task_lock_lease is 172800000/],
  ['zeros, which exarp-go does not write', { pb: '1204' + '08004000' }, {}, undefined],
  ['a lease as a number of seconds', { yaml: 'timeouts: {task_lock_lease: 90}' }, { leaseMs: 90_000 }, undefined],
  ['a lease as a text of seconds', { yaml: 'timeouts: {task_lock_lease: "90"}' }, { leaseMs: 90_000 }, undefined],
  ['a lease with all units', { yaml: 'timeouts: {task_lock_lease: 1h2m3.5s4ms}' }, { leaseMs: 3_723_504 }, undefined],
  ['a lease in words', { yaml: 'timeouts: {task_lock_lease: half an hour}' }, {}, /"half an hour"/],
  [
    'a list where a number should be',
    { yaml: 'thresholds: {max_tasks_per_wave: [1]}' },
    {},
    /max_tasks_per_wave is \[1\]/,
  ],
  [
    'a fraction of a task',
    { yaml: 'thresholds: {max_tasks_per_wave: 1.5, max_parallel_tasks: 2}' },
    { maxParallelTasks: 2 },
    /1\.5/,
  ],
  ['a limit of 0, which is none', { yaml: 'thresholds: {max_tasks_per_wave: 0}' }, {}, undefined],
  ['sections that are none', { yaml: 'thresholds: 5\ntimeouts: [x]' }, {}, undefined],
  ['nothing but a comment', { yaml: '# nothing\n' }, {}, undefined],
  ['YAML that is a list', { yaml: '- a' }, {}, /no mapping/],
  ['YAML that is none', { yaml: 'a: [b' }, {}, /line|Flow/i],
];
for (const [name, files, config, bad] of cases) {
  test(`a configuration with ${name}`, async (t) => {
    const found = await read(t, files);
    assert.deepEqual(found.config, { ...NO_CONFIG, ...config });
    assert.equal(found.notices.length, bad === undefined ? 0 : 1);
    const [notice] = found.notices;
    if (bad !== undefined) assert.match(notice?.kind === 'badConfig' ? notice.detail : '', bad);
  });
}

test('a YAML file that grows without end when it is read is refused', async (t) => {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (let i = 0; i < 12; i++)
    lines.push(`${'bcdefghijklm'[i]!}: &${'bcdefghijklm'[i]!} [${Array(9).fill(`*${'abcdefghijkl'[i]!}`).join(', ')}]`);
  const { config, notices } = await read(t, { yaml: lines.join('\n') });
  assert.deepEqual([config, notices.length], [NO_CONFIG, 1]);
});

test('whatever bytes a protobuf file holds, nothing throws', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
      const message = readMessage(bytes);
      if (message === undefined) return;
      for (const field of message) assert.ok(field.number > 0);
    }),
    { seed: 20264, numRuns: 2_000 },
  );
});
