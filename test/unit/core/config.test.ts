import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { beforeEach, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import { RUN_DEFAULTS } from '../../../src/core/config.ts';
import { settings, Uri } from '../../support/editor-stub.ts';

// After the stub: it imports `vscode`.
const { readRuleProblems, readSettings, readWantsNotices } =
  await import('../../../src/ui/settings.ts');

const folder = new Uri('/home/me/shop') as never;

beforeEach(() => settings.clear());

test('without a setting a run goes as the defaults say, and so it does with those of the manifest', () => {
  assert.deepEqual(readSettings(folder).run, RUN_DEFAULTS);
  const manifest = JSON.parse(
    readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'),
  ) as {
    contributes: { configuration: { properties: Record<string, { default: unknown }> } };
  };
  const { properties } = manifest.contributes.configuration;
  for (const [key, value] of Object.entries(properties))
    settings.set(key.replace('todo2Waves.', ''), value.default);
  const read = readSettings(folder);
  assert.deepEqual(read.run, RUN_DEFAULTS);
  assert.deepEqual(read.agent, { agent: 'auto', model: undefined, agentMode: 'unattended' });
  assert.deepEqual([read.agentRules, read.verify, read.verifyWave], [[], [], undefined]);
  assert.deepEqual(readRuleProblems(folder), []);
});

const values: readonly [key: string, value: unknown, expected: Partial<typeof RUN_DEFAULTS>][] = [
  ['runMode', 'flow', { runMode: 'flow' }],
  ['runMode', 'fast', { runMode: 'strict' }],
  ['onFailure', 'stopAtOnce', { onFailure: 'stopAtOnce' }],
  ['pauseBetweenWaves', true, { pauseBetweenWaves: true }],
  ['pauseBetweenWaves', 'yes', { pauseBetweenWaves: false }],
  ['heldTasks', 'wait', { heldTasks: 'wait' }],
  ['retries', 2, { retries: 2 }],
  ['retries', 1e9, { retries: 0 }],
  ['retries', -1, { retries: 0 }],
  ['retries', 1.5, { retries: 0 }],
  ['retryAfterSeconds', 0, { retryAfterMs: 0 }],
  ['retryAfterSeconds', 45, { retryAfterMs: 45_000 }],
  ['taskTimeLimitMinutes', 0, { timeLimitMs: 0 }],
  ['taskTimeLimitMinutes', 5, { timeLimitMs: 300_000 }],
  // Longer than a timer can be set for.
  ['taskTimeLimitMinutes', 100_000, { timeLimitMs: RUN_DEFAULTS.timeLimitMs }],
  ['stuckAfterMinutes', 1, { stuckAfterMs: 60_000 }],
  ['runBudget', { usd: 5 }, { budget: { usd: 5, tokens: undefined, minutes: undefined } }],
  ['runBudget', { usd: 'much', tokens: -1 }, { budget: undefined }],
  ['runBudget', 5, { budget: undefined }],
  ['whenWindowCloses', 'stop', { whenWindowCloses: 'stop' }],
];
for (const [key, value, expected] of values) {
  test(`${key} ${JSON.stringify(value)} reads as ${JSON.stringify(expected)}`, () => {
    settings.set(key, value);
    assert.deepEqual(readSettings(folder).run, { ...RUN_DEFAULTS, ...expected });
  });
}

test('a rule that is wrong is left out and named; the others count', () => {
  settings.set('agentRules', [{ tag: 'docs', agent: 'goose' }, { agent: 'nobody' }, 'x']);
  settings.set('verify', [{ command: 'npm', args: ['test'] }, { args: [] }]);
  settings.set('verifyWave', { command: 7 });
  const read = readSettings(folder);
  assert.deepEqual(
    read.agentRules.map(({ agent }) => agent),
    ['goose'],
  );
  assert.deepEqual(
    read.verify.map(({ verify }) => verify.command),
    ['npm'],
  );
  assert.equal(read.verifyWave, undefined);
  const problems = readRuleProblems(folder);
  assert.equal(problems.length, 4);
  for (const [n, key] of [
    'agentRules: Entry 2',
    'agentRules: Entry 3',
    'verify: Entry 2',
    'verifyWave',
  ].entries()) {
    assert.ok(problems[n]?.startsWith(`todo2Waves.${key}: `), problems[n]);
  }
});

test('notices are on unless somebody turned them off', () => {
  assert.equal(readWantsNotices(folder), true);
  settings.set('needsYouNotices', 'off');
  assert.equal(readWantsNotices(folder), false);
});
