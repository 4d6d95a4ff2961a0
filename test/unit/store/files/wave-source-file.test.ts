import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { WaveSourceState } from '../../../../src/core/plan/wave-override.ts';
import { readWaveOverride } from '../../../../src/core/plan/read-wave-override.ts';
import { mainPlanFile, SUBAGENTS_PLAN_FILE } from '../../../../src/core/plan/slug.ts';
import { writePlan } from '../../../../src/wire/write-plan.ts';
import { tasks } from '../../../support/backlog.ts';
import { fakeBacklog } from '../../../support/fake-backlog.ts';
import { systemClock } from '../../../../src/store/files/system-clock.ts';
import { WaveSourceFile } from '../../../../src/store/files/wave-source-file.ts';

test('a chosen file is followed, another one takes its place, and none gives back the computed waves', async (t) => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'waves-')));
  t.after(() => rm(root, { recursive: true, force: true }));
  await mkdir(join(root, 'docs'));
  await writeFile(join(root, 'docs', 'w.json'), '{"waves": [["a"]]}');
  let chosen: string | undefined;
  const source = new WaveSourceFile({
    root,
    clock: systemClock,
    chosen: () => chosen,
    parse: async (file, text) => readWaveOverride(file, text),
  });
  t.after(() => source.dispose());
  const becomes = async (expected: WaveSourceState): Promise<void> => {
    const isSo = (): boolean => JSON.stringify(source.state) === JSON.stringify(expected);
    while (!isSo()) await new Promise<void>((resolve) => source.onDidChange(() => resolve()));
  };
  assert.deepEqual(source.state, { kind: 'computed' });
  const choose = (file: string | undefined): void => {
    chosen = file;
    source.choiceChanged();
  };
  choose('docs/w.json');
  await becomes({ kind: 'file', file: 'docs/w.json', waves: [['a']] });
  await writeFile(join(root, 'docs', 'w.json'), '{"waves": [["a"], ["b"]]}');
  await becomes({ kind: 'file', file: 'docs/w.json', waves: [['a'], ['b']] });
  await rm(join(root, 'docs', 'w.json'));
  await becomes({ kind: 'unusable', file: 'docs/w.json', why: 'missing' });
  await writeFile(join(root, 'docs', 'w.json'), '{}');
  await becomes({ kind: 'unusable', file: 'docs/w.json', why: 'noWaves' });
  choose('nowhere/x.json');
  await becomes({ kind: 'unusable', file: 'nowhere/x.json', why: 'missing' });
  choose('../outside.json');
  await becomes({ kind: 'unusable', file: '../outside.json', why: 'unreadable' });
  if (process.platform !== 'win32') {
    await symlink('/etc/hostname', join(root, 'link.json'));
    choose('link.json');
    await becomes({ kind: 'unusable', file: 'link.json', why: 'unreadable' });
  }
  choose(undefined);
  assert.deepEqual(source.state, { kind: 'computed' });
});

test('a file that has the name of a plan and is none is left as it is', async (t) => {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'notes-')));
  t.after(() => rm(root, { recursive: true, force: true }));
  const backlog = fakeBacklog({ root, tasks: tasks('T-1') });
  await mkdir(join(root, '.cursor', 'plans'), { recursive: true });
  const waves = mainPlanFile(backlog.name).replace('.plan.md', '-waves.plan.md');
  for (const [kind, name, instead] of [
    ['main', mainPlanFile(backlog.name), { instead: waves }],
    ['subagents', SUBAGENTS_PLAN_FILE, {}],
  ] as const) {
    const file = join(root, '.cursor', 'plans', name);
    await writeFile(file, '# My notes\n');
    assert.deepEqual(await writePlan(backlog, kind), {
      ok: false,
      failure: { kind: 'notAPlan', file, ...instead },
    });
    assert.equal(await readFile(file, 'utf8'), '# My notes\n');
    await writeFile(file, '\n');
    assert.deepEqual(await writePlan(backlog, kind), { ok: true, value: file });
    assert.deepEqual(
      await writePlan(backlog, kind),
      { ok: true, value: file },
      'its own it writes over',
    );
  }
});
