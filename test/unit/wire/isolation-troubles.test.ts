import assert from 'node:assert/strict';
import { writeFileSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { ok } from '../../../src/core/result.ts';
import type { Job, WorkEnd } from '../../../src/core/ports.ts';
import type { AskedIsolation } from '../../../src/core/run/isolation.ts';
import { taskId } from '../../../src/core/task.ts';
import { namesOfRun } from '../../../src/git/names.ts';
import { isolateWith } from '../../../src/wire/isolation.ts';
import { repositoryRig, type Rig } from '../../support/repository-rig.ts';

const RUN = '20261125T023000-a1b2c3';
const ASKED: AskedIsolation = {
  ...{ choice: 'worktree', parallel: 2, start: 'commit', resumes: undefined, isDry: false },
};
const SUCCEEDED: WorkEnd = {
  kind: 'succeeded',
  status: 'Review',
  evidence: undefined,
};

interface Isolated extends Rig {
  readonly isolation: ReturnType<typeof isolateWith>;
  /** Has an agent work on a task in its worktree. */
  readonly work: (id: string, agent: (folder: string) => void) => Promise<WorkEnd>;
  /** The files of the branch of the run. */
  readonly merged: () => readonly string[];
}

async function isolated(t: TestContext): Promise<Isolated> {
  const rig = repositoryRig(t);
  const isolation = isolateWith({
    ...{
      root: rig.root,
      folder: () => '',
      files: () => [],
      setup: () => Promise.resolve(ok([])),
      titleOf: (id) => id,
    },
    earlier: () => [],
    log: () => undefined,
  });
  const decided = await isolation.decide(ASKED);
  assert.ok(decided.ok && decided.value.isolation !== undefined);
  const options = { isolation: decided.value.isolation } as Job['options'];
  return {
    ...rig,
    isolation,
    work: async (name, agent) => {
      const id = taskId(name);
      const job = { runId: RUN, task: { id, title: name }, options } as Job;
      const begun = await isolation.begin(job);
      assert.ok(begun.ok, JSON.stringify(begun));
      agent(begun.value.path);
      return isolation.end({ runId: RUN, id, options }, SUCCEEDED);
    },
    merged: () =>
      rig.git('ls-tree', '--name-only', namesOfRun(RUN, rig.worktrees).branch).trim().split('\n'),
  };
}

test('an agent that removes its own worktree has its commits in the branch of the run', async (t) => {
  const { work, merged, git, gitIn } = await isolated(t);
  const end = await work('T-1', (folder) => {
    writeFileSync(join(folder, 'b'), 'b');
    gitIn(folder, 'add', '.');
    gitIn(folder, 'commit', '-qm', 'own');
    git('worktree', 'remove', '--force', folder);
  });
  assert.equal(end.kind, 'succeeded');
  assert.deepEqual(merged(), ['a.txt', 'b']);
});

test('work that ended is brought in once, also where it is asked again', async (t) => {
  const { work, merged, git } = await isolated(t);
  for (const _ of [1, 2])
    await work('T-1', (folder) => {
      writeFileSync(join(folder, 'b'), 'b');
    });
  assert.deepEqual(merged(), ['a.txt', 'b']);
  const { branch } = namesOfRun(RUN, '');
  assert.equal(git('rev-list', '--count', '--merges', branch).trim(), '1');
});

test('a branch of the run that is gone is said', async (t) => {
  const { work, git } = await isolated(t);
  const { branch } = namesOfRun(RUN, '');
  const end = await work('T-1', (folder) => {
    writeFileSync(join(folder, 'b'), 'b');
    git('update-ref', '-d', `refs/heads/${branch}`);
  });
  assert.equal(end.kind, 'conflict');
  await assert.rejects(
    work('T-2', () => undefined),
    new RegExp(`The branch ${branch} is gone`),
  );
});

test('worktrees lie in no folder that would show up in the user’s repository', async (t) => {
  const { root, write } = repositoryRig(t);
  const decidedFor = async (folder: string): Promise<string> => {
    const isolation = isolateWith({
      ...{
        root,
        folder: () => folder,
        files: () => [],
        setup: () => Promise.resolve(ok([])),
        titleOf: (id) => id,
      },
      earlier: () => [],
      log: () => undefined,
    });
    const decided = await isolation.decide(ASKED);
    if (!decided.ok) return JSON.stringify(decided.failure);
    return decided.value.isolation === undefined ? 'shared' : 'worktrees';
  };
  assert.match(await decidedFor('inside'), /lies in the repository, and Git does not ignore it/);
  assert.match(await decidedFor('.git/inside'), /lies in the \.git folder/);
  assert.match(await decidedFor('.'), /lies in the repository/);
  symlinkSync(root, `${root}-link`);
  assert.match(await decidedFor(`${root}-link/inside`), /lies in the repository/);
  assert.match(await decidedFor(`${root}-link/.git/inside`), /lies in the \.git folder/);
  write('.gitignore', 'inside/\n');
  assert.equal(await decidedFor('inside'), 'worktrees');
  assert.equal(await decidedFor('../beside'), 'worktrees');
});
