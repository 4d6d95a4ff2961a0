import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { Options } from '../../src/core/config.ts';
import type { IsolationChoice, IsolationStart } from '../../src/core/run/isolation.ts';
import type { RunState } from '../../src/core/run/run-events.ts';
import { namesOfRun } from '../../src/git/names.ts';
import { taskId } from '../../src/core/task.ts';
import { type AgentBundles, bundleAgents } from '../support/agent-bundles.ts';
import { createBacklog } from '../support/fixture.ts';
import { openRunWindow, type RunWindow } from '../support/run-window.ts';
import { findSqliteNode } from '../support/sqlite-node.ts';
import { WASM_FILE } from '../support/stores.ts';
import { until } from '../support/until.ts';
import { bundleWriter } from '../support/writer-rig.ts';

const AGENT = { agent: 'simulated', model: undefined, agentMode: 'unattended' } as const;

let agents: AgentBundles;
let writer: string;
before(async () => {
  agents = await bundleAgents();
  writer = await bundleWriter(agents.folder);
});
after(() => agents.remove());

interface Rig {
  readonly root: string;
  readonly window: RunWindow;
  /** Closes the window, while agents go on, and opens another one in its place. */
  readonly reopen: () => Promise<RunWindow>;
  readonly git: (...args: string[]) => string;
  /** What each task at work was last said to be doing. */
  readonly doing: ReadonlyMap<string, string>;
  /** Runs these waves in worktrees, or as chosen. */
  readonly run: (
    waves: readonly (readonly string[])[],
    choice?: Partial<Choice>,
  ) => Promise<RunState>;
}

interface Choice {
  readonly choice: IsolationChoice;
  readonly start: IsolationStart;
  readonly resolves: boolean;
}

/** A repository with a backlog in it: `orders` by task id. */
async function withRig(
  orders: Readonly<Record<string, string>>,
  body: (rig: Rig) => Promise<void>,
  verify: Options['verify'] = [],
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'todo2-isolated-'));
  const root = join(folder, 'shop');
  const tasks = Object.entries(orders).map(([id, order]) => ({
    ...{ id, content: `Title of ${id}`, description: `simulate: seconds=0 ${order}` },
  }));
  await createBacklog(root, { tasks });
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'A User');
  git('config', 'user.email', 'user@example.org');
  writeFileSync(join(root, 'log.txt'), 'first\n');
  writeFileSync(join(root, '.gitignore'), '.todo2/\n');
  git('add', '.');
  git('commit', '-qm', 'first');
  const programs = {
    ...{ supervisor: agents.supervisor, simulatedAgent: agents.simulatedAgent, writer },
    ...{ wasm: WASM_FILE, node: findSqliteNode() },
  };
  const doing = new Map<string, string>();
  const open = (): RunWindow =>
    openRunWindow(
      {
        ...{ root, programs, orderFolder: join(folder, 'orders'), custom: undefined, cap: 4 },
        begunFile: join(folder, 'begun'),
        verify,
      },
      { onActivity: ({ id }, activity) => void doing.set(id, activity) },
    );
  const window = open();
  const opened = [window];
  try {
    await window.ready;
    assert.equal(await window.runs.history.prepare(), undefined);
    await body({
      root,
      window,
      git,
      doing,
      reopen: async () => {
        await window.close('keep');
        const next = open();
        opened.push(next);
        await next.ready;
        return next;
      },
      run: async (waves, { choice = 'worktree', start = 'commit', resolves = true } = {}) => {
        const decided = await window.runs.isolation.decide({
          ...{ choice, start, parallel: 4, resumes: undefined, isDry: false },
        });
        assert.ok(decided.ok, JSON.stringify(decided));
        const request = window.request(
          waves.map((ids) => ids.map(taskId)),
          AGENT,
        );
        const { isolation } = decided.value;
        const options = { ...request.options, isolation, resolveConflicts: resolves };
        const started = window.runs.runner.start({ ...request, options });
        assert.ok(started.ok);
        await until('the run has ended', () => opened.length > 1 || isOver(window));
        const run = window.runs.runner.runs.at(-1);
        assert.ok(run);
        assert.deepEqual(window.bugs, []);
        return run;
      },
    });
  } finally {
    await opened.at(-1)?.close('stop');
    rmSync(folder, { recursive: true, force: true });
  }
}

function isOver({ runs }: RunWindow): boolean {
  return runs.runner.runs.every(({ phase }) => phase === 'ended');
}

test('each task works in a worktree of its own, and what succeeds is merged into the branch of the run', async () => {
  await withRig(
    { 'T-1': 'touch=one.txt', 'T-2': 'touch=two.txt', 'T-3': 'touch=three.txt fail=1' },
    async ({ root, git, run }) => {
      const before = git('rev-parse', 'main').trim();
      const ended = await run([['T-1', 'T-2', 'T-3']]);

      const one = ended.tasks.get(taskId('T-1'))?.outcome;
      assert.ok(one?.kind === 'succeeded', JSON.stringify(one));
      const { changes } = one.evidence ?? {};
      assert.deepEqual(
        { files: changes?.files, added: changes?.added, branch: changes?.branch },
        { files: 1, added: 0, branch: 'waves/t-1-title-of-t-1' },
      );
      const merged = git('ls-tree', '--name-only', namesOfRun(ended.runId, root).branch);
      assert.deepEqual(merged.trim().split('\n'), ['.gitignore', 'log.txt', 'one.txt', 'two.txt']);
      const failed = git('ls-tree', '--name-only', 'waves/t-3-title-of-t-3');
      assert.match(failed, /three\.txt/, 'what failed is kept on its own branch');
      assert.match(git('log', '-1', '--format=%B', changes?.commit ?? ''), /Todo2-Task: T-1/);
      assert.equal(git('rev-parse', 'main').trim(), before);
      assert.equal(git('status', '--porcelain'), '');
      assert.ok(!existsSync(join(root, 'one.txt')));
    },
  );
});

test('the next wave starts from what the one before it has merged', async () => {
  await withRig(
    { 'T-1': 'append=log.txt', 'T-2': 'append=log.txt' },
    async ({ root, git, run }) => {
      const ended = await run([['T-1'], ['T-2']]);
      const branch = namesOfRun(ended.runId, root).branch;
      assert.equal(git('show', `${branch}:log.txt`), 'first\nTitle of T-1\nTitle of T-2\n');
      assert.equal(readFileSync(join(root, 'log.txt'), 'utf8'), 'first\n');
    },
  );
});

test('work that does not fit to what was merged is in conflict, and stays on its branch', async () => {
  await withRig({ 'T-1': 'append=log.txt', 'T-2': 'append=log.txt' }, async ({ git, run }) => {
    const ended = await run([['T-1', 'T-2']]);
    const outcomes = [...ended.tasks.values()].map(({ id, outcome }) => ({ id, outcome }));
    const conflicts = outcomes.flatMap(({ id, outcome }) =>
      outcome?.kind === 'conflict' ? [{ id, files: outcome.files, status: outcome.status }] : [],
    );
    assert.equal(conflicts.length, 1, JSON.stringify(outcomes));
    const [conflict] = conflicts;
    assert.ok(conflict);
    assert.deepEqual(conflict.files, ['log.txt']);
    assert.equal(conflict.status, 'Review');
    const name = conflict.id.toLowerCase();
    const text = git('show', `waves/${name}-title-of-${name}:log.txt`);
    assert.match(text, new RegExp(`Title of ${conflict.id}`));
  });
});

/** Two tasks whose work is in conflict with that of the other; the second one ends later. */
const CONFLICTING = (told: string): Readonly<Record<string, string>> => ({
  'T-1': 'append=log.txt',
  'T-2': `append=log.txt until=go ${told}`,
});

/** Runs both, and lets the second one end once the first is merged. */
async function runConflicting(rig: Rig, choice?: Partial<Choice>): Promise<RunState> {
  const running = rig.run([['T-1', 'T-2']], choice);
  const folder = join(`${rig.root}.worktrees`, 't-2-title-of-t-2');
  await until('the first is merged, and the second at work', () => {
    const tasks = rig.window.runs.runner.runs.at(-1)?.tasks;
    return tasks?.get(taskId('T-1'))?.phase === 'ended' && existsSync(folder);
  });
  writeFileSync(join(folder, 'go'), '');
  return running;
}

test('an agent is asked to resolve the conflict of its work, which is merged then', async () => {
  await withRig(CONFLICTING('resolve'), async (rig) => {
    const seen = new Set<string>();
    const watching = setInterval(() => {
      for (const [id, doing] of rig.doing) seen.add(`${id} ${doing}`);
    }, 5);
    const ended = await runConflicting(rig).finally(() => clearInterval(watching));
    const { outcome, tryNo } = ended.tasks.get(taskId('T-2')) ?? {};
    assert.ok(outcome?.kind === 'succeeded', JSON.stringify(outcome));
    assert.equal(tryNo, 1);
    assert.ok(seen.has('T-2 Resolving a conflict in 1 file'), [...seen].join());
    assert.deepEqual(outcome.evidence?.remarks, [
      'It did not fit to earlier work, and its agent resolved the conflict',
    ]);
    const { changes } = outcome.evidence;
    assert.deepEqual(
      [changes?.files, changes?.added, changes?.removed],
      [2, 1, 0],
      'its own alone',
    );
    const branch = namesOfRun(ended.runId, rig.root).branch;
    assert.equal(rig.git('show', `${branch}:log.txt`), 'first\nTitle of T-2\nTitle of T-1\n');
    assert.equal(rig.git('rev-parse', `${branch}^2`).trim(), changes?.commit);
    const files = rig.window.runs.journals.folder.filesOf(ended.runId, 2);
    assert.match(readFileSync(files.log, 'utf8'), /--- Resolving a conflict in 1 file ---/);
    assert.match(readFileSync(files.resolve, 'utf8'), /have conflicts\.[^]*\n```\nlog\.txt\n```\n/);
    assert.equal(readFileSync(files.answer, 'utf8'), 'mergingAgain merged');
  });
});

/** Resolves once the second task says that it resolves a conflict; it is slow at that. */
async function whileResolving(rig: Rig): Promise<void> {
  await until('its agent is asked', () => rig.doing.get('T-2')?.startsWith('Resolving') === true);
}

test('a task is In Progress and locked until its work is merged', async () => {
  await withRig(CONFLICTING('resolve quiet=1'), async (rig) => {
    const running = runConflicting(rig);
    await whileResolving(rig);
    await rig.window.source.refresh();
    const { state } = rig.window.source;
    assert.ok(state.kind === 'ready');
    const task = state.snapshot.byId.get(taskId('T-2'));
    assert.equal(task?.status, 'In Progress');
    assert.match(task.lock?.holder ?? '', /^simulated-/);
    const ended = await running;
    assert.equal(ended.tasks.get(taskId('T-2'))?.outcome?.kind, 'succeeded');
  });
});

test('a window that comes while an agent resolves its conflict merges its work', async () => {
  await withRig(CONFLICTING('resolve quiet=2'), async (rig) => {
    // The run ends in the second window alone.
    const running = runConflicting(rig).catch(() => undefined);
    await whileResolving(rig);
    const window = await rig.reopen();
    await until('the run has ended', () => isOver(window) && window.runs.runner.runs.length > 0);
    const run = window.runs.runner.runs[0];
    const { outcome } = run?.tasks.get(taskId('T-2')) ?? {};
    assert.ok(run && outcome?.kind === 'succeeded', JSON.stringify(outcome));
    assert.equal(outcome.evidence?.changes?.added, 1);
    const branch = namesOfRun(run.runId, rig.root).branch;
    assert.equal(rig.git('show', `${branch}:log.txt`), 'first\nTitle of T-2\nTitle of T-1\n');
    await running;
  });
});

test('a stop while an agent resolves its conflict leaves all of its work in its worktree', async () => {
  await withRig(CONFLICTING('resolve quiet=3'), async (rig) => {
    const running = runConflicting(rig);
    await whileResolving(rig);
    const { runner } = rig.window.runs;
    await runner.steer(runner.runs[0]?.runId ?? '', { ask: 'stopRun' });
    const ended = await running;
    assert.equal(ended.tasks.get(taskId('T-2'))?.outcome?.kind, 'stopped');
    await rig.window.source.refresh();
    const { state } = rig.window.source;
    assert.ok(state.kind === 'ready');
    const task = state.snapshot.byId.get(taskId('T-2'));
    assert.deepEqual([task?.status, task?.lock], ['Todo', undefined]);
    const branch = namesOfRun(ended.runId, rig.root).branch;
    assert.equal(rig.git('show', `${branch}:log.txt`), 'first\nTitle of T-1\n');
    assert.equal(rig.git('show', 'waves/t-2-title-of-t-2:log.txt'), 'first\nTitle of T-2\n');
  });
});

for (const [told, why] of [
  ['', 'cannot resolve it'],
  ['resolve=badly', 'leaves the marks'],
] as const)
  test(`work whose agent ${why} is in conflict, with the merge begun in its worktree`, async () => {
    await withRig(CONFLICTING(told), async (rig) => {
      const ended = await runConflicting(rig);
      const { outcome } = ended.tasks.get(taskId('T-2')) ?? {};
      assert.ok(outcome?.kind === 'conflict', JSON.stringify(outcome));
      assert.deepEqual(
        [
          outcome.files,
          outcome.status,
          outcome.evidence?.remarks,
          outcome.evidence?.changes?.files,
        ],
        [['log.txt'], 'Review', ['Its agent was asked to resolve the conflict'], 2],
      );
      const branch = namesOfRun(ended.runId, rig.root).branch;
      assert.equal(rig.git('show', `${branch}:log.txt`), 'first\nTitle of T-1\n');
      assert.equal(rig.git('show', 'waves/t-2-title-of-t-2:log.txt'), 'first\nTitle of T-2\n');

      // Resolve Conflict… goes on there.
      const begun = await rig.window.runs.isolation.resolve(ended, taskId('T-2'));
      assert.ok(begun.ok);
      const { folder, files } = begun.value;
      assert.deepEqual(files, ['log.txt']);
      assert.match(readFileSync(join(folder, 'log.txt'), 'utf8'), /^<<<<<<< /m);
      writeFileSync(join(folder, 'log.txt'), 'both\n');
      const merged = await rig.window.runs.isolation.mergeAgain(
        ended,
        taskId('T-2'),
        new AbortController().signal,
      );
      assert.ok(merged.ok && merged.value.kind === 'merged', JSON.stringify(merged));
      assert.equal(rig.git('show', `${branch}:log.txt`), 'both\n');
    });
  });

test('no agent is asked where the run says so', async () => {
  await withRig(CONFLICTING('resolve'), async (rig) => {
    const ended = await runConflicting(rig, { resolves: false });
    const { outcome } = ended.tasks.get(taskId('T-2')) ?? {};
    assert.ok(outcome?.kind === 'conflict', JSON.stringify(outcome));
    assert.deepEqual([outcome.files, outcome.evidence?.remarks], [['log.txt'], undefined]);
    const folder = join(`${rig.root}.worktrees`, 't-2-title-of-t-2');
    assert.equal(readFileSync(join(folder, 'log.txt'), 'utf8'), 'first\nTitle of T-2\n');
  });
});

test('work that passes by itself and breaks what verifies it once merged is not merged', async () => {
  const source = `const { existsSync } = require('node:fs');
    if (existsSync('one.txt') && existsSync('two.txt')) { console.log('both!'); process.exit(1); }`;
  const verify = { command: process.execPath, args: ['-e', source], limitMs: 60_000 };
  await withRig(
    { 'T-1': 'touch=one.txt', 'T-2': 'touch=two.txt' },
    async ({ root, git, run, window }) => {
      const ended = await run([['T-1', 'T-2']]);
      const broken = [...ended.tasks.values()].filter(
        ({ outcome }) => outcome?.kind === 'conflict',
      );
      const [{ id, outcome, attemptNo } = assert.fail('none is broken')] = broken;
      assert.ok(outcome?.kind === 'conflict' && broken.length === 1);
      assert.match(outcome.reason ?? '', /^its work breaks .* once merged with earlier work$/);
      assert.equal(outcome.status, 'Review');
      assert.match(outcome.evidence?.verify?.tail ?? '', /both!/);
      const log = window.runs.journals.folder.filesOf(ended.runId, attemptNo ?? 0).log;
      assert.match(readFileSync(log, 'utf8'), /--- Verifying the merged state with [^]*both!/);
      const [own, other] = id === 'T-1' ? ['one', 'two'] : ['two', 'one'];
      const name = id.toLowerCase();
      const names = (branch: string): readonly string[] =>
        git('ls-tree', '--name-only', branch).trim().split('\n');
      assert.ok(names(`waves/${name}-title-of-${name}`).includes(`${own}.txt`));
      const merged = names(namesOfRun(ended.runId, root).branch);
      assert.ok(merged.includes(`${other}.txt`) && !merged.includes(`${own}.txt`), merged.join());
    },
    [{ match: { tags: undefined, priority: undefined, id: undefined }, verify }],
  );
});

test('worktrees can begin with what is not committed', async () => {
  await withRig({ 'T-1': 'append=log.txt' }, async ({ root, git, run }) => {
    writeFileSync(join(root, 'log.txt'), 'first\nmine\n');
    writeFileSync(join(root, 'new.txt'), 'mine\n');
    const status = git('status', '--porcelain');
    const ended = await run([['T-1']], { start: 'snapshot' });
    const branch = namesOfRun(ended.runId, root).branch;
    assert.equal(git('show', `${branch}:log.txt`), 'first\nmine\nTitle of T-1\n');
    assert.equal(git('show', `${branch}:new.txt`), 'mine\n');
    assert.equal(git('status', '--porcelain'), status);
  });
});
