import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
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
  readonly git: (...args: string[]) => string;
  /** Runs these waves in worktrees, or as chosen. */
  readonly run: (
    waves: readonly (readonly string[])[],
    choice?: Partial<Choice>,
  ) => Promise<RunState>;
}

interface Choice {
  readonly choice: IsolationChoice;
  readonly start: IsolationStart;
}

/** A repository with a backlog in it: `orders` by task id. */
async function withRig(
  orders: Readonly<Record<string, string>>,
  body: (rig: Rig) => Promise<void>,
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
  const window = openRunWindow({
    ...{ root, programs, orderFolder: join(folder, 'orders'), custom: undefined, cap: 4 },
    begunFile: join(folder, 'begun'),
  });
  try {
    await window.ready;
    assert.equal(await window.runs.history.prepare(), undefined);
    await body({
      root,
      window,
      git,
      run: async (waves, { choice = 'worktree', start = 'commit' } = {}) => {
        const decided = await window.runs.isolation.decide({
          ...{ choice, start, parallel: 4, resumes: undefined, isDry: false },
        });
        assert.ok(decided.ok, JSON.stringify(decided));
        const request = window.request(
          waves.map((ids) => ids.map(taskId)),
          AGENT,
        );
        const { isolation } = decided.value;
        const options = { ...request.options, isolation };
        const started = window.runs.runner.start({ ...request, options });
        assert.ok(started.ok);
        await until('the run has ended', () => isOver(window));
        const run = window.runs.runner.runs.at(-1);
        assert.ok(run);
        assert.deepEqual(window.bugs, []);
        return run;
      },
    });
  } finally {
    await window.close('stop');
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
