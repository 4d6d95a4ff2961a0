import assert from 'node:assert/strict';
import { chmod, copyFile, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { type ExarpCall, refusalOf, type ToolHints } from '../../../src/core/batch/exarp-rules.ts';
import { exarpTool, reportOf } from '../../../src/core/batch/exarp-tool.ts';
import { ToolTrouble, type ToolWorld } from '../../../src/core/batch/tool.ts';
import { openExarp } from '../../../src/agent-process/exarp-mcp.ts';
import { isAlive } from '../../support/work-rig.ts';
import { until } from '../../support/until.ts';

const LIMITS = { startMs: 20_000, callMs: 20_000 };

interface Asked {
  readonly env?: Readonly<Record<string, string>>;
  readonly argv?: readonly string[];
  readonly method?: string;
  readonly params?: {
    readonly name?: string;
    readonly arguments?: Readonly<Record<string, unknown>>;
  };
}

/** A server that goes wrong as `behaviour` says, and what it was asked. */
async function server(t: TestContext, behaviour: object = {}, limits = LIMITS) {
  const root = await realpath(await mkdtemp(join(tmpdir(), 'todo2-exarp-')));
  t.after(() => rm(root, { recursive: true, force: true }));
  const program = join(root, 'exarp-go');
  await copyFile(join(import.meta.dirname, '../../support/fake-mcp-server.mjs'), `${program}.mjs`);
  await chmod(`${program}.mjs`, 0o755);
  await writeFile(join(root, 'behaviour.json'), JSON.stringify(behaviour));
  const exarp = openExarp({ root, program: `${program}.mjs`, version: '1.2.3', limits });
  return {
    root,
    call: (
      tool: string,
      args: ExarpCall['args'] = {},
      allowed = false,
      signal = new AbortController().signal,
    ) => exarp.call({ tool, args, allowed }, signal),
    asked: async (): Promise<readonly Asked[]> =>
      (await readFile(join(root, 'asked.jsonl'), 'utf8')).trim().split('\n').map((line) => JSON.parse(line) as Asked), // prettier-ignore
  };
}

function trouble(words: RegExp) {
  return (error: unknown): boolean => error instanceof ToolTrouble && words.test(error.message);
}

test('a tool is called with its arguments as they are, in an environment that changes no store', async (t) => {
  const { root, call, asked } = await server(t);
  const args = { action: 'overview', priority: '$(touch x); "`\u2028' };
  assert.deepEqual(JSON.parse(await call('report', args, true)), { success: true, given: args });
  const [start, ...messages] = await asked();
  assert.deepEqual(start, { env: { PROJECT_ROOT: root, DB_AUTO_MIGRATE: 'false' }, argv: [] });
  const methods = messages.flatMap(({ method }) => method ?? []);
  assert.deepEqual(methods, [
    'initialize',
    'notifications/initialized',
    'tools/list',
    'tools/list',
    'tools/call',
  ]);
});

test('what may take something away is not called unless that was allowed', async (t) => {
  const { call, asked } = await server(t);
  await assert.rejects(
    call('tidy'),
    trouble(/tidy was not called: its server says that it may delete/),
  );
  await assert.rejects(call('silent'), trouble(/nothing says that it only reads.*allow: true/));
  await assert.rejects(
    call('task_workflow', { action: 'cleanup' }),
    trouble(/may delete, overwrite or send/),
  );
  assert.ok((await asked()).every(({ method }) => method !== 'tools/call'));
  assert.match(await call('tidy', {}, true), /success/);
  assert.match(await call('look'), /success/);
});

test('an analysis goes to a file elsewhere, which is gone afterwards', async (t) => {
  const { root, call } = await server(t);
  const { given } = JSON.parse(await call('task_analysis', { action: 'conflicts' }, true)) as { given: { output_path: string } }; // prettier-ignore
  assert.ok(!given.output_path.startsWith(root) && given.output_path.endsWith('analysis.json'));
  await assert.rejects(readFile(given.output_path), { code: 'ENOENT' });
});

test('whatever goes wrong is said in one line', async (t) => {
  const cases: readonly [behaviour: object, words: RegExp, limits?: typeof LIMITS][] = [
    [{ dies: true }, /^exarp-go: it ended before it answered \(exit code 3\): no database here$/],
    [{ error: true }, /^exarp-go: it answered: out of luck$/],
    [{ isError: true }, /^exarp-go: it failed: no such task$/],
    [{ floods: true }, /^exarp-go: it answered with more than 16 MB$/],
    [
      { hangs: true },
      /^exarp-go: it did not answer within 1 s$/,
      { startMs: 20_000, callMs: 1_000 },
    ],
  ];
  for (const [behaviour, words, limits] of cases) {
    await assert.rejects((await server(t, behaviour, limits)).call('look'), trouble(words));
  }
  const nowhere = openExarp({ root: tmpdir(), program: 'no-such-exarp-go', version: '1' });
  const call = { tool: 'look', args: {}, allowed: false };
  await assert.rejects(
    nowhere.call(call, new AbortController().signal),
    trouble(/no-such-exarp-go.*no such program/),
  );
});

test(
  'cancelling ends the server and what it started',
  { skip: process.platform === 'win32' },
  async (t) => {
    const { root, call, asked } = await server(t, { hangs: true, child: true });
    const stop = new AbortController();
    const called = call('look', {}, false, stop.signal);
    const isCalled = async (): Promise<boolean> =>
      (await asked()).some(({ method }) => method === 'tools/call');
    await Promise.race([called, until('the tool is called', () => isCalled().catch(() => false))]);
    stop.abort();
    await assert.rejects(called, { name: 'AbortError' });
    const pid = Number(await readFile(join(root, 'child.pid'), 'utf8'));
    assert.ok(!isAlive(pid));
  },
);

test('only what is known or said to read is called without being allowed', () => {
  const cases: readonly [
    tool: string,
    args: ExarpCall['args'],
    hints: ToolHints | undefined,
    isCalled: boolean,
  ][] = [
    ['report', { action: 'overview' }, undefined, false],
    ['report', { action: 'overview' }, { readOnlyHint: true }, false],
    ['report', { action: 'plan' }, undefined, false],
    ['report', { action: 'plan' }, { readOnlyHint: true }, false],
    ['report', { action: 'overview', output_path: 'README.md' }, undefined, false],
    ['task_workflow', { action: 'sync', sub_action: 'list' }, undefined, true],
    ['task_workflow', { action: 'sync' }, { readOnlyHint: true }, false],
    ['task_workflow', { action: 'sync', sub_action: 'list' }, { destructiveHint: true }, false],
    ['task_analysis', { action: 'execution_plan' }, undefined, false],
    ['health', { action: 'docs' }, { readOnlyHint: true }, false],
    [
      'task_analysis',
      { action: 'execution_plan', output_format: 'subagents_plan' },
      undefined,
      false,
    ],
    ['task_analysis', { action: 'fix_missing_deps' }, undefined, false],
    ['task_analysis', {}, undefined, false],
    ['session', { action: 'handoff', sub_action: 'latest' }, undefined, true],
    ['session', { action: 'handoff', sub_action: 'sync' }, { readOnlyHint: true }, false],
    ['session', { action: 'prime' }, undefined, false],
    ['automation', { action: 'daily' }, { readOnlyHint: true }, false],
    ['weather', {}, undefined, false],
    ['weather', {}, { readOnlyHint: true }, true],
    ['weather', {}, { destructiveHint: false }, false],
    ['weather', {}, { destructiveHint: false, openWorldHint: false }, true],
    ['git_tools', { action: 'push' }, { readOnlyHint: true }, false],
    ['deleteTask', {}, { readOnlyHint: true }, false],
    ['constructor', { action: 'name' }, undefined, false],
  ];
  for (const [tool, args, hints, isCalled] of cases) {
    const refusal = refusalOf({ tool, args, allowed: false }, hints);
    assert.equal(
      refusal === undefined,
      isCalled,
      `${tool} ${JSON.stringify(args)} ${JSON.stringify(hints)}`,
    );
    assert.equal(refusalOf({ tool, args, allowed: true }, hints), undefined);
  }
});

test('a dry run is never asked of a tool that is known to ignore it', () => {
  for (const tool of ['setup_hooks', 'task_analysis', 'check_attribution']) {
    const refused = refusalOf({ tool, args: { dry_run: true }, allowed: true }, undefined);
    assert.match(refused ?? '', /ignores “dry_run”/, tool);
    assert.equal(refusalOf({ tool, args: {}, allowed: true }, undefined), undefined);
  }
  const plain = { tool: 'task_workflow', args: { dry_run: true }, allowed: true };
  assert.equal(refusalOf(plain, undefined), undefined);
});

test('an answer that tells of another action, or of no dry run, is a failure that says so', () => {
  const plan = { action: 'execution_plan' };
  assert.throws(
    () => reportOf('task_analysis', '{"action":"duplicates","success":true}', plan),
    trouble(/asked for the action “execution_plan” and did “duplicates”/),
  );
  assert.throws(
    () => reportOf('tidy', '{"dry_run":false,"success":true}', { dry_run: true }),
    trouble(/asked for a dry run and did it in earnest/),
  );
  reportOf('task_analysis', '{"action":"execution-plan"}', plan);
  reportOf('tidy', '{"dry_run":true}', { dry_run: true });
  reportOf('tidy', 'done', { action: 'x', dry_run: true });
});

test('a step tells which files it changed, and fails where it was only to read', async () => {
  const world = (text: string, files: readonly string[]): ToolWorld => {
    const workspace = {
      exarp: { call: () => Promise.resolve(text) },
      watchFiles: () => Promise.resolve(() => Promise.resolve(files)),
    };
    return { workspace } as unknown as ToolWorld;
  };
  const { signal } = new AbortController();
  const overview = { tool: 'report', args: { action: 'overview' } };
  const report = await exarpTool({ ...overview, allowed: true }).run(
    world('{"success":true,"summary":"Done"}', ['docs/PROJECT_OVERVIEW.md']),
    signal,
  );
  assert.equal(report.summary, 'Done; 1 file changed');
  assert.equal(report.lines[0], 'Changed: docs/PROJECT_OVERVIEW.md');
  assert.deepEqual((report.output as { readonly changed_files?: unknown }).changed_files, [
    'docs/PROJECT_OVERVIEW.md',
  ]);
  assert.ok(report.wantsLook);
  await assert.rejects(
    async () =>
      await exarpTool({ ...overview, allowed: false }).run(world('{}', ['docs/A.md']), signal),
    trouble(/may only read, and changed docs\/A\.md/),
  );
});

test('what exarp-go says is reported as it went', () => {
  assert.equal(exarpTool({ tool: 'report', args: { action: 'overview' }, allowed: false }).title, 'exarp-go’s report overview'); // prettier-ignore
  assert.deepEqual(reportOf('report', 'All well\n\nSecond'), {
    ...{ summary: 'All well', lines: ['All well', 'Second'], wantsLook: false },
    output: { tool: 'report', result: 'All well\n\nSecond' },
  });
  assert.equal(
    reportOf('x', '{"success":true,"duplicates":[1,2],"total_tasks":9}').summary,
    'duplicates 2, total tasks 9',
  );
  const automation = '{"status":"success","results":{"tasks_failed":["health"]}}';
  assert.deepEqual(reportOf('automation', automation).wantsLook, true);
  assert.throws(() => reportOf('x', '{"success":false,"error":"no tasks"}'), trouble(/no tasks/));
});
