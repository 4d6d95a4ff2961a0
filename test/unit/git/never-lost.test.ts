import assert from 'node:assert/strict';
import { readFileSync, readdirSync, renameSync, rmSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { commitWork } from '../../../src/git/commit-work.ts';
import { discard } from '../../../src/git/discard.ts';
import { integrate } from '../../../src/git/integration.ts';
import { namesOfRun, namesOfTask } from '../../../src/git/names.ts';
import { removeWorktree } from '../../../src/git/remove-worktree.ts';
import { addWorktree } from '../../../src/git/worktrees.ts';
import { done, repositoryRig, type Rig } from '../../support/repository-rig.ts';

const FILES = ['a', 'b', 'dir/c', 'dir/d'];
const LINES = 12;

type Step =
  | { readonly kind: 'edit'; readonly file: string; readonly line: number }
  | { readonly kind: 'delete' | 'untracked'; readonly file: string }
  | { readonly kind: 'rename'; readonly file: string; readonly to: string }
  | { readonly kind: 'commit' | 'detach' | 'backlog' | 'unlink' };

interface PlannedTask {
  readonly steps: readonly Step[];
  /** It starts from what was integrated until then, and not with the task before. */
  readonly waits: boolean;
}

const file = fc.constantFrom(...FILES);
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('edit'), file, line: fc.nat(LINES - 1) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delete'), file }) },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('rename'),
      file,
      to: fc.constantFrom('moved', 'dir/moved', '-n ew'),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('untracked'), file: fc.constantFrom('new', 'n\n"w') }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constantFrom('commit', 'detach', 'backlog', 'unlink') }),
  },
);
const planned: fc.Arbitrary<readonly PlannedTask[]> = fc.array(
  fc.record({ steps: fc.array(step, { minLength: 1, maxLength: 6 }), waits: fc.boolean() }),
  { minLength: 2, maxLength: 4 },
);

/** What an agent does in its worktree. A file that only it writes is there in any case. */
function work(rig: Rig, folder: string, name: string, steps: readonly Step[]): void {
  const agent = (...args: string[]): string => rig.gitIn(folder, ...args);
  rig.write(`only-${name}`, name, folder);
  let isLinked = true;
  for (const todo of steps) {
    if (todo.kind === 'edit' && existsSync(join(folder, todo.file))) {
      const lines = rig.read(todo.file, folder).split('\n');
      lines[todo.line] = `${name} was here`;
      rig.write(todo.file, lines.join('\n'), folder);
    } else if (todo.kind === 'delete') rmSync(join(folder, todo.file), { force: true });
    else if (todo.kind === 'rename' && existsSync(join(folder, todo.file)))
      renameSync(join(folder, todo.file), join(folder, todo.to));
    else if (todo.kind === 'untracked') rig.write(todo.file, `${todo.file} of ${name}\n`, folder);
    else if (todo.kind === 'backlog') rig.write('.todo2/x', name, folder);
    else if (todo.kind === 'unlink') {
      rmSync(join(folder, '.git'), { force: true });
      isLinked = false;
    } else if (isLinked && todo.kind === 'detach') agent('checkout', '-q', '--detach');
    else if (isLinked && todo.kind === 'commit') {
      agent('add', '-A', '--', '.', ':!.todo2');
      agent('commit', '-q', '--allow-empty', '-m', `own commit of ${name}`);
    }
  }
}

/** Everything that the user sees of the repository, to the byte. */
function userState({ root, git }: Rig): unknown {
  const files = readdirSync(root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && !/[\\/]\.git(?:[\\/]|$)/.test(`${entry.parentPath}/`))
    .map(({ parentPath, name }) => [name, readFileSync(join(parentPath, name), 'latin1')]);
  return {
    files,
    index: readFileSync(join(root, '.git/index'), 'latin1'),
    head: readFileSync(join(root, '.git/HEAD'), 'utf8'),
    config: readFileSync(join(root, '.git/config'), 'utf8'),
    refs: git('for-each-ref', 'refs/heads/main', 'refs/stash'),
    stash: git('stash', 'list'),
  };
}

test('what agents do is in the branch of the run once, or a conflict; the user’s is untouched', async (t) => {
  const text = Array.from({ length: LINES }, (_, at) => `line ${at}`).join('\n');
  const round = async (tasks: readonly PlannedTask[]): Promise<void> => {
    const rig = repositoryRig(t, {
      ...Object.fromEntries(FILES.map((name) => [name, `${name}\n${text}`])),
      '.todo2/x': 'x',
    });
    const { git, gitIn, write } = rig;
    write('a', 'stashed');
    git('stash', '-q');
    write('b', 'changed by the user');
    write('mine', 'staged by the user');
    git('add', 'mine');
    write('untracked', 'x');
    const before = userState(rig);

    const repository = await rig.inspect();
    const run = namesOfRun('r 1', rig.worktrees);
    const base = repository.commit;
    done(await addWorktree({ repository, ...run, base, owner: 'run' }));
    const plain = join(rig.root, '../plain');
    git('clone', '-q', '--no-local', rig.root, plain);
    gitIn(plain, 'config', 'user.name', 'x');
    gitIn(plain, 'config', 'user.email', 'x@example.org');

    const integrateOne = async (name: string, branch: string, commit: string): Promise<void> => {
      const tip = git('rev-parse', run.branch);
      const request = { repository, ...run, work: commit, message: `Merge ${name}` };
      const merged = done(await integrate(request));
      const isMerged = merged.kind === 'merged';
      assert.ok(isMerged || merged.kind === 'conflict' || commit === tip.trim(), merged.kind);
      // What Git itself makes of it, in a clone with a work tree.
      gitIn(plain, 'fetch', '-q', 'origin', branch);
      const oracle = ((): boolean => {
        try {
          gitIn(plain, 'merge', '-q', '--no-ff', '-m', 'x', 'FETCH_HEAD');
          return true;
        } catch {
          gitIn(plain, 'merge', '--abort');
          return false;
        }
      })();
      assert.equal(isMerged, oracle, name);
      const trees = [
        git('rev-parse', `${run.branch}^{tree}`),
        gitIn(plain, 'rev-parse', 'HEAD^{tree}'),
      ];
      assert.equal(trees[0], trees[1], name);
      const subjects = git('log', '--first-parent', '--format=%s', run.branch).split('\n');
      assert.equal(subjects.filter((one) => one === `Merge ${name}`).length, isMerged ? 1 : 0);
      const own = git('ls-tree', '--name-only', run.branch, '--', `only-${name}`).trim();
      assert.equal(own, isMerged ? `only-${name}` : '');
      if (isMerged) assert.equal(done(await integrate(request)).kind, 'nothing');
      else assert.equal(git('rev-parse', run.branch), tip);
    };

    let started: (readonly [name: string, branch: string, folder: string, base: string])[] = [];
    const all: (readonly [branch: string, folder: string])[] = [];
    const finish = async (): Promise<void> => {
      for (const [name, branch, folder, from] of started) {
        const message = `Work of ${name}`;
        const request = { repository, folder, branch, base: from, message, trailers: {} };
        const committed = done(await commitWork(request));
        assert.ok(committed.kind === 'committed');
        assert.ok(committed.files.some(({ path }) => path === `only-${name}`));
        await integrateOne(name, branch, committed.commit);
      }
      started = [];
    };
    for (const [at, { steps, waits }] of tasks.entries()) {
      if (waits) await finish();
      const name = `t${at}`;
      const from = git('rev-parse', run.branch).trim();
      const names = namesOfTask(name, 'x', rig.worktrees);
      const added = done(await addWorktree({ repository, ...names, base: from, owner: name }));
      work(rig, added.folder, name, steps);
      started.push([name, added.branch, added.folder, from]);
      all.push([added.branch, added.folder]);
    }
    await finish();

    for (const [branch, folder] of all) {
      const request = { repository, branch, target: run.branch };
      const first = done(await removeWorktree(request));
      if (first.kind === 'removed') continue;
      assert.equal(first.why, 'notMerged');
      done(await discard({ repository, branch, folder }));
      assert.equal(done(await removeWorktree(request)).kind, 'removed');
    }
    assert.deepEqual(userState(rig), before);
    assert.equal(git('fsck', '--strict', '--no-dangling'), '');
    const left = readdirSync(join(rig.root, '.git'), { recursive: true }).map(String);
    assert.deepEqual(
      left.filter((path) => /\.lock$|index\.[0-9a-f]|\.tmp$/.test(path)),
      [],
    );
    assert.deepEqual(readdirSync(rig.worktrees), ['run-r-1-' + run.branch.split('-').at(-1)!]);
    rmSync(join(rig.root, '..'), { recursive: true });
  };
  await fc.assert(fc.asyncProperty(planned, round), { seed: 13, numRuns: 3, endOnFailure: true });
});
