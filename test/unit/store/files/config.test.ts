import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import fc from 'fast-check';
import {
  NO_CONFIG,
  resolveOptions,
  type ProjectConfig,
  type Settings,
} from '../../../../src/core/config.ts';
import { NO_SETTINGS } from '../../../../src/core/no-runs.ts';
import type { Notice } from '../../../../src/core/snapshot.ts';
import { readConfig, type ConfigRead } from '../../../../src/store/files/config.ts';
import { ConfigFile } from '../../../../src/store/files/config-file.ts';
import { configuredPaths, storePathsOf } from '../../../../src/store/files/locate.ts';
import { readMessage } from '../../../../src/store/files/protobuf.ts';
import { folderFor } from '../../../support/stores.ts';

interface Files {
  readonly pb?: Uint8Array | string;
  readonly yaml?: string;
}

async function read(
  t: TestContext,
  { pb, yaml }: Files,
): Promise<ConfigRead & { readonly root: string }> {
  const root = folderFor(t);
  mkdirSync(join(root, '.exarp'));
  if (pb !== undefined)
    writeFileSync(
      join(root, '.exarp', 'config.pb'),
      typeof pb === 'string' ? Buffer.from(pb, 'hex') : pb,
    );
  if (yaml !== undefined) writeFileSync(join(root, '.exarp', 'config.yaml'), yaml);
  const before = readdirSync(join(root, '.exarp'));
  const result = await readConfig(storePathsOf(root));
  assert.deepEqual(readdirSync(join(root, '.exarp')), before);
  return { ...result, root };
}

// version "1", timeouts { lease 1800 s }, thresholds { 1: a double, 8: 6, 18: 3 }, and a field that
// nobody knows.
const WHOLE =
  '0a0131' +
  '1203' +
  '08880e' +
  '1a0e' +
  '09000000000000e03f' +
  '4006' +
  '900103' +
  'fa3f0474657374';
const VALUES: Partial<ProjectConfig> = {
  maxTasksPerWave: 3,
  maxParallelTasks: 6,
  leaseMs: 1_800_000,
};
const YAML =
  'version: "1"\ntimeouts:\n  task_lock_lease: 30m0s\nthresholds:\n  max_parallel_tasks: 6\n  max_tasks_per_wave: 3\n';

const cases: readonly [
  name: string,
  files: Files,
  config: Partial<ProjectConfig>,
  bad: RegExp | undefined,
][] = [
  ['no file', {}, {}, undefined],
  ['the protobuf file', { pb: WHOLE }, VALUES, undefined],
  ['the YAML file', { yaml: YAML }, VALUES, undefined],
  [
    'both: the protobuf file wins, and what they say otherwise is named',
    { pb: '1a02' + '4002', yaml: YAML },
    { ...VALUES, maxParallelTasks: 2 },
    /^thresholds.max_parallel_tasks$/,
  ],
  ['both of which say the same', { pb: '1a02' + '4006', yaml: YAML }, VALUES, undefined],
  ['an empty protobuf file', { pb: '' }, {}, undefined],
  [
    'garbage in the protobuf file, which leaves the YAML file',
    { pb: 'ffffffffffffffffffffff', yaml: YAML },
    VALUES,
    /not a protobuf/,
  ],
  ['a protobuf file that was cut off', { pb: WHOLE.slice(0, 20) }, {}, /not a protobuf/],
  ['a negative lease', { pb: '120b' + '08ffffffffffffffffff01' }, {}, /task_lock_lease it is -1$/],
  ['a lease of two days', { pb: '1204' + '0880c60a' }, {}, /task_lock_lease it is 172800$/],
  ['zeros, which exarp-go does not write', { pb: '1204' + '08004000' }, {}, undefined],
  [
    'a lease as a number of seconds',
    { yaml: 'timeouts: {task_lock_lease: 90}' },
    { leaseMs: 90_000 },
    undefined,
  ],
  [
    'a lease as a text of seconds',
    { yaml: 'timeouts: {task_lock_lease: "90"}' },
    { leaseMs: 90_000 },
    undefined,
  ],
  [
    'a lease with all units',
    { yaml: 'timeouts: {task_lock_lease: 1h2m3.5s4ms}' },
    { leaseMs: 3_723_504 },
    undefined,
  ],
  ['a lease in words', { yaml: 'timeouts: {task_lock_lease: half an hour}' }, {}, /"half an hour"/],
  [
    'a list where a number should be',
    { yaml: 'thresholds: {max_tasks_per_wave: [1]}' },
    {},
    /max_tasks_per_wave it is \[1\]/,
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
    if (bad !== undefined) assert.match(textOf(notice), bad);
  });
}

function textOf(notice: Notice | undefined): string {
  if (notice?.kind === 'configsDiffer') return notice.names.join(' ');
  return notice?.kind === 'badConfig' ? `${notice.name ?? ''} ${notice.detail}` : '';
}

/** Every value that is read: in YAML as exarp-go writes it, in protobuf, and what it comes to. */
const FULL_YAML = `
timeouts:
  task_lock_lease: 1h0m0s
  task_lock_renewal: 5m
  stale_lock_threshold: 90
thresholds:
  max_parallel_tasks: 10
  max_tasks_per_host: 5
  max_tasks_per_wave: 7
tasks:
  default_status: todo
  default_priority: HIGH
  default_tags: [a, b c]
  stale_threshold_hours: 3
  id_format: T-{epoch_milliseconds}
  id_prefix: T
  min_description_length: 40
database:
  sqlite_path: data/tasks.db
  json_fallback_path: ./data/../state.json
project:
  name: Shop
`;
const ALL: Omit<ProjectConfig, 'sqlitePath' | 'jsonPath'> = {
  maxTasksPerWave: 7,
  maxParallelTasks: 10,
  maxTasksPerHost: 5,
  leaseMs: 3_600_000,
  renewalMs: 300_000,
  staleLockMs: 90_000,
  staleTaskMs: 3 * 3_600_000,
  defaultStatus: 'Todo',
  defaultPriority: 'high',
  defaultTags: ['a', 'b c'],
  idFormat: 'T-{epoch_milliseconds}',
  idPrefix: 'T',
  minDescriptionLength: 40,
  projectName: 'Shop',
};

const text = (field: number, value: string): string =>
  bytes(field, Buffer.from(value).toString('hex'));
function bytes(field: number, hex: string): string {
  return varint(field * 8 + 2) + varint(hex.length / 2) + hex;
}
const number = (field: number, value: number): string => varint(field * 8) + varint(value);
function varint(value: number): string {
  const byte = (n: number): string => n.toString(16).padStart(2, '0');
  return value < 0x80 ? byte(value) : byte((value & 0x7f) | 0x80) + varint(Math.floor(value / 128));
}
const FULL_PB =
  bytes(2, number(1, 3600) + number(2, 300) + number(3, 90)) +
  bytes(3, number(8, 10) + number(9, 5) + number(18, 7)) +
  bytes(
    4,
    text(1, 'todo') +
      text(2, 'HIGH') +
      text(3, 'a') +
      text(3, 'b c') +
      number(5, 3) +
      text(8, 'T-{epoch_milliseconds}') +
      text(9, 'T') +
      number(10, 40),
  ) +
  bytes(5, text(1, 'data/tasks.db') + text(2, './data/../state.json')) +
  bytes(11, text(1, 'Shop'));

for (const [name, files] of [
  ['YAML', { yaml: FULL_YAML }],
  ['protobuf', { pb: FULL_PB }],
  ['both formats', { yaml: FULL_YAML, pb: FULL_PB }],
] as const) {
  test(`every value is read from ${name}`, async (t) => {
    const { config, notices, root } = await read(t, files);
    const paths = {
      sqlitePath: join(root, 'data', 'tasks.db'),
      jsonPath: join(root, 'state.json'),
    };
    assert.deepEqual(config, { ...ALL, ...paths });
    assert.deepEqual(notices, []);
  });
}

const outside = ['../other/todo2.db', '/etc/passwd', 'a/../../x.db', '.', '..', './'];
for (const path of outside) {
  test(`a database at ${path} is refused, as the file may be somebody else’s`, async (t) => {
    const { config, notices } = await read(t, {
      yaml: `database: {sqlite_path: ${JSON.stringify(path)}}`,
    });
    assert.equal(config.sqlitePath, undefined);
    assert.match(textOf(notices[0]), /^database.sqlite_path .* leads out of the folder$/);
  });
}

test('a database whose name only begins with dots is in the folder', async (t) => {
  const { config, root } = await read(t, { yaml: 'database: {sqlite_path: ..data/x.db}' });
  assert.equal(config.sqlitePath, join(root, '..data', 'x.db'));
});

const badValues: readonly [yaml: string, name: string][] = [
  ['tasks: {default_status: Frozen}', 'tasks.default_status'],
  ['tasks: {default_priority: soon}', 'tasks.default_priority'],
  ['tasks: {default_tags: a}', 'tasks.default_tags'],
  ['tasks: {default_tags: [a, 5]}', 'tasks.default_tags'],
  ['tasks: {stale_threshold_hours: -1}', 'tasks.stale_threshold_hours'],
  ['tasks: {min_description_length: long}', 'tasks.min_description_length'],
  ['timeouts: {stale_lock_threshold: 40d}', 'timeouts.stale_lock_threshold'],
  ['timeouts: {task_lock_renewal: 0.5}', 'timeouts.task_lock_renewal'],
  ['thresholds: {max_tasks_per_host: 1000000}', 'thresholds.max_tasks_per_host'],
  ['database: {sqlite_path: 5}', 'database.sqlite_path'],
  ['database: {json_fallback_path: "a\\0b"}', 'database.json_fallback_path'],
  ['project: {name: {a: 1}}', 'project.name'],
];
for (const [yaml, name] of badValues) {
  test(`the value in “${yaml}” is named and not used`, async (t) => {
    const { config, notices } = await read(t, { yaml });
    assert.deepEqual(config, NO_CONFIG);
    assert.deepEqual(
      notices.map((notice) => notice.kind === 'badConfig' && notice.name),
      [name],
    );
  });
}

test('the older name of the description’s length counts where the newer one is silent', async (t) => {
  const older = 'thresholds: {min_description_length: 30}\n';
  assert.equal((await read(t, { yaml: older })).config.minDescriptionLength, 30);
  const both = `${older}tasks: {min_description_length: 20}`;
  assert.equal((await read(t, { yaml: both })).config.minDescriptionLength, 20);
});

test('the description’s length that exarp-go’s “config set” writes counts beside its default of the other', async (t) => {
  const set = 'thresholds: {min_description_length: 80}\ntasks: {min_description_length: 50}\n';
  assert.equal((await read(t, { yaml: set })).config.minDescriptionLength, 80);
  const other = 'thresholds: {min_description_length: 50}\ntasks: {min_description_length: 20}\n';
  assert.equal((await read(t, { yaml: other })).config.minDescriptionLength, 20);
  const same = 'thresholds: {min_description_length: 50}\ntasks: {min_description_length: 50}\n';
  assert.equal((await read(t, { yaml: same })).config.minDescriptionLength, 50);
});

const SILENT: Settings = { ...NO_SETTINGS, reviewOpensGate: 'inRun' };

test('a setting comes before the project’s configuration, and that before the default', () => {
  const project: ProjectConfig = { ...NO_CONFIG, ...ALL };
  const none = resolveOptions(SILENT, NO_CONFIG);
  assert.deepEqual(
    [none.maxParallelTasks, none.leaseMs, none.renewalMs, none.staleLockMs, none.newTask],
    [4, 1_800_000, undefined, 300_000, { priority: 'medium', tags: [], minDescriptionLength: 50 }],
  );
  const theirs = resolveOptions(SILENT, project);
  assert.deepEqual(
    [theirs.maxParallelTasks, theirs.leaseMs, theirs.renewalMs, theirs.staleLockMs, theirs.newTask],
    [
      5,
      3_600_000,
      300_000,
      90_000,
      { priority: 'high', tags: ['a', 'b c'], minDescriptionLength: 40 },
    ],
  );
  const mine = resolveOptions({ ...SILENT, maxParallelTasks: 8, leaseMs: 60_000 }, project);
  assert.deepEqual([mine.maxParallelTasks, mine.leaseMs], [8, 60_000]);
});

const limits: readonly [parallel: number | undefined, perHost: number | undefined, cap: number][] =
  [
    [undefined, undefined, 4],
    [10, undefined, 10],
    [10, 5, 5],
    [3, 5, 3],
    [undefined, 2, 2],
    [undefined, 50, 4],
  ];
for (const [maxParallelTasks, maxTasksPerHost, cap] of limits) {
  test(`of ${maxParallelTasks ?? 'no'} agents for the project and ${maxTasksPerHost ?? 'none'} for a machine a window runs ${cap}`, () => {
    const config = { ...NO_CONFIG, maxParallelTasks, maxTasksPerHost };
    assert.equal(resolveOptions(SILENT, config).maxParallelTasks, cap);
  });
}

test(
  'a pipe in the place of a configuration is named, and not waited for',
  { skip: process.platform === 'win32' },
  async (t) => {
    const root = folderFor(t);
    mkdirSync(join(root, '.exarp'));
    execFileSync('mkfifo', [join(root, '.exarp', 'config.yaml')]);
    const { config, notices } = await readConfig(storePathsOf(root));
    assert.deepEqual(config, NO_CONFIG);
    assert.match(textOf(notices[0]), /not a file/);
  },
);

test('a configuration that is being edited does not take the database away', async (t) => {
  const root = folderFor(t);
  mkdirSync(join(root, '.exarp'));
  const paths = storePathsOf(root);
  const file = new ConfigFile(paths);
  const looks: (string | undefined)[] = [];
  for (const yaml of [
    'database: {sqlite_path: data/x.db}',
    'database: {sqlite_path: da',
    'project: {name: Shop}',
  ]) {
    writeFileSync(paths.configYaml, yaml);
    const found = await file.readIfChanged();
    looks.push(found && configuredPaths(paths, found.config).database);
  }
  assert.deepEqual(looks, [join(root, 'data', 'x.db'), join(root, 'data', 'x.db'), paths.database]);
});

test('a YAML file that grows without end when it is read is refused', async (t) => {
  const lines = ['a: &a [x, x, x, x, x, x, x, x, x]'];
  for (let i = 0; i < 12; i++)
    lines.push(
      `${'bcdefghijklm'[i]!}: &${'bcdefghijklm'[i]!} [${Array(9).fill(`*${'abcdefghijkl'[i]!}`).join(', ')}]`,
    );
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
