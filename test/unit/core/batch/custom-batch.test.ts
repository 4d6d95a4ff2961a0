import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { runBatch } from '../../../../src/core/batch/batch.ts';
import { type BatchSource, readBatches } from '../../../../src/core/batch/custom-batch.ts';
import type { ExarpCall } from '../../../../src/core/batch/exarp-rules.ts';
import type { Workspace } from '../../../../src/core/batch/tool.ts';
import { readWorkflows } from '../../../../src/store/files/workflow-files.ts';
import { task } from '../../../support/backlog.ts';
import { fakeBacklog, NOW } from '../../../support/fake-backlog.ts';

const DAY = 86_400_000;

function file(text: string, name = 'release'): BatchSource {
  return { place: `.exarp/workflows/${name}.yaml`, text, name, hasLines: true };
}

function setting(value: unknown): BatchSource {
  return {
    place: 'todo2Waves.batches[0]',
    text: JSON.stringify(value),
    name: 'Batch 1',
    hasLines: false,
  };
}

/** The stages by the ids of their tools. */
function stagesOf(source: BatchSource): string {
  const { batches, problems } = readBatches([source]);
  assert.deepEqual(problems, []);
  return (batches[0]?.stages ?? [])
    .map((stage) => stage.map(({ id }) => id).join(' + '))
    .join(' → ');
}

function problemsOf(...sources: readonly BatchSource[]): readonly string[] {
  return readBatches(sources).problems.map(
    ({ place, line, text }) =>
      `${place.replace('.exarp/workflows/', '')}${line === undefined ? '' : `:${line}`}: ${text}`,
  );
}

const RELEASE = `# before a release
name: Before a release
max_parallel_tasks: 2
steps:
  - tool: conflict_detection
  - parallel:
      - tool: health_docs
        then:
          tool: task_analysis_tags
      - tool: exarp:report
        params: { action: overview }
    then:
      - tool: stale_task_cleanup
        params:
          days: 30
      - tool: handoff_check
`;

test('steps follow each other, those in parallel run side by side, and what is in then comes after its step', () => {
  const expected =
    'conflict_detection → health_docs + exarp:report → task_analysis_tags → stale_task_cleanup → handoff_check';
  assert.equal(stagesOf(file(RELEASE)), expected);
  const [batch] = readBatches([file(RELEASE)]).batches;
  assert.deepEqual([batch?.action, batch?.maxParallel, batch?.place], ['Before a release', 2, '.exarp/workflows/release.yaml']); // prettier-ignore
  assert.equal(stagesOf(file(RELEASE.replaceAll('\n', '\r\n'))), expected);
});

test('a setting says the same in JSON, and a file is called as it is named', () => {
  const steps = [
    {
      parallel: [{ tool: 'health_docs' }, { tool: 'report_overview' }],
      then: { tool: 'handoff_check' },
    },
  ];
  assert.equal(
    stagesOf(setting({ name: 'Mine', steps })),
    'health_docs + report_overview → handoff_check',
  );
  assert.equal(readBatches([file('steps: [{ tool: health_docs }]')]).batches[0]?.action, 'release');
});

test('what is wrong is named with its file and line, and keeps no other batch', () => {
  const cases: readonly [text: string, problem: RegExp][] = [
    ['steps:\n  - tool: health_docs\n  - tool: healthdocs\n', /:3: steps\[1\]\.tool: no tool is called “healthdocs”\. There are .*health_docs/],
    ['steps:\n  - {tool: health_docs, parallel: []}\n', /:2: steps\[0\]: a step has either a “tool” or/],
    ['steps:\n  - then: {tool: health_docs}\n', /:2: steps\[0\]: a step has either/],
    ['steps:\n  - tool: health_docs\n    parms: {}\n', /:3: steps\[0\]: “parms” is not known here; known are tool, params, parallel, then/],
    ['steps:\n  - tool: health_docs\n    params:\n      deep: 1\n', /:4: steps\[0\]\.params: health_docs knows no “deep”; it takes nothing/],
    ['steps:\n  - tool: stale_task_cleanup\n    params: {days: 0}\n', /:3: .*“days” is a whole number from 1 to 3650/],
    ['steps:\n  - tool: stale_task_cleanup\n    params: [days]\n', /:3: .*no map/],
    ['steps:\n  - parallel:\n      - tool: 7\n', /:3: steps\[0\]\.parallel\[0\]\.tool: this is no text/],
    ['steps:\n  - tool: "exarp:rm -rf"\n', /:2: .*exarp-go has no tool of such a name/],
    ['steps:\n  - tool: exarp:report\n    params: {allow: yes please}\n', /:3: .*“allow” is true or false/],
    ['steps:\n  - parallel: []\n', /:2: steps\[0\]\.parallel: this is no list of steps/],
    ['steps: 7\n', /:1: steps: this is no list/],
    ['steps: []\n', /: steps: there is no step in it/],
    ['name: x\n', /:1: it has no “steps”/],
    ['max_parallel_tasks: 0\nsteps:\n  - tool: health_docs\n', /:1: max_parallel_tasks: this is no whole number from 1 to 64/],
    ['- tool: health_docs\n', /:1: this has none of the fields/],
    ['', /:1: it is empty/],
    ['steps:\n  - tool: [\n', /this is no YAML/],
    ['name: daily\nsteps:\n  - tool: health_docs\n', /another batch is called “daily” already/],
    ['steps: &again\n  - tool: health_docs\n    then: *again\n', /:3: aliases are not followed/],
    [`steps: ${'['.repeat(20_000)}`, /deeper than|no YAML|signs of YAML/],
    [`name: ${'x'.repeat(33_000)}`, /longer than 32768 characters/],
  ]; // prettier-ignore
  for (const [text, problem] of cases) {
    const good = file('steps: [{ tool: health_docs }]', 'good');
    const read = readBatches([file(text), good]);
    assert.deepEqual(read.batches.map(({ action }) => action), ['good'], text.slice(0, 80)); // prettier-ignore
    assert.match(problemsOf(file(text), good)[0] ?? '', problem);
  }
  assert.match(
    problemsOf(setting({ name: 'x', steps: [{ tool: 'nope' }] }))[0] ?? '',
    /^todo2Waves\.batches\[0\]: steps\[0\]\.tool: no tool/,
  );
});

test('neither too many steps nor too deep ones are taken, and that is said once', () => {
  const many = `steps:\n${'  - tool: health_docs\n'.repeat(150)}`;
  assert.deepEqual(problemsOf(file(many)), [
    'release.yaml:102: steps[100]: there are more than 100 steps',
  ]);
  let deep = '{ tool: health_docs }';
  for (let i = 0; i < 30; i++) deep = `{ tool: health_docs, then: ${deep} }`;
  assert.equal(problemsOf(file(`steps: [${deep}]`)).length, 1);
});

test('two batches of one name are one too many', () => {
  const text = 'name: Mine\nsteps: [{ tool: health_docs }]';
  assert.match(
    problemsOf(file(text, 'a'), file(text, 'b')).join(),
    /^b\.yaml:1: name: another batch is called “Mine” already$/,
  );
});

test('a custom batch runs with its params, and exarp-go gets its own as they are', async () => {
  const calls: ExarpCall[] = [];
  const workspace = {
    exarp: {
      call: (call: ExarpCall) => (
        calls.push(call),
        Promise.resolve('{"success":true,"message":"Seen"}')
      ),
    },
  } as Partial<Workspace> as Workspace;
  const backlog = fakeBacklog({ tasks: [task('T-1', { modifiedAt: NOW - 40 * DAY })] });
  const text = `steps:
  - tool: stale_task_cleanup
    params: { days: 30 }
  - tool: stale_task_cleanup
  - tool: exarp:tidy
    params: { allow: true, action: all, ids: [T-1, "$(x)"] }
`;
  const [batch] = readBatches([file(text)]).batches;
  assert.ok(batch);
  const result = await runBatch(batch, {
    backlog,
    workspace,
    maxParallel: 3,
    signal: new AbortController().signal,
  });
  const said = result?.steps.map((step) =>
    step.status === 'succeeded' ? step.result.summary : step.status,
  );
  assert.deepEqual(said, [
    '0 tagged as stale, 1 untouched for 30 days; none was deleted',
    ...['No task is stale', 'Seen'],
  ]);
  assert.deepEqual(calls, [
    { tool: 'tidy', args: { action: 'all', ids: ['T-1', '$(x)'] }, allowed: true },
  ]);
});

test('workflows are read below the root only, and no more than are sensible', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'todo2-workflows-'));
  t.after(() => rm(root, { recursive: true, force: true }));
  assert.deepEqual(await readWorkflows(root), { texts: [], unread: [] });
  const folder = join(root, 'project/.exarp/workflows');
  await mkdir(folder, { recursive: true });
  await writeFile(join(root, 'secret.yaml'), 'outside');
  await symlink(join(root, 'secret.yaml'), join(folder, 'a.yaml'));
  await writeFile(join(folder, 'b.yml'), 'b');
  await writeFile(join(folder, 'c.yaml'), 'x'.repeat(32 * 1024 + 1));
  await writeFile(join(folder, 'notes.txt'), 'no batch');
  await mkdir(join(folder, 'd.yaml'));
  const name = (file: string): string => `.exarp/workflows/${file}`;
  const project = join(root, 'project');
  assert.deepEqual(await readWorkflows(project), {
    texts: [{ file: name('b.yml'), text: 'b' }],
    unread: [name('c.yaml')],
  });
  for (let i = 0; i < 60; i++)
    await writeFile(join(folder, `e${String(i).padStart(2, '0')}.yaml`), 'e');
  const many = await readWorkflows(project);
  assert.deepEqual([many.texts.length, many.unread.length], [47, 15]);

  // The folder itself may be a link as well.
  const other = join(root, 'other');
  await mkdir(join(other, '.exarp'), { recursive: true });
  await symlink(folder, join(other, '.exarp/workflows'));
  assert.deepEqual(await readWorkflows(other), { texts: [], unread: [] });
});
