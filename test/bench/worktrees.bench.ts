import { execFile } from 'node:child_process';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import pLimit from 'p-limit';
import { commitWork } from '../../src/git/commit-work.ts';
import type { GitResult } from '../../src/git/git-failure.ts';
import { removeWorktree } from '../../src/git/remove-worktree.ts';
import { inspectRepository, type Repository } from '../../src/git/repository.ts';
import { addWorktree } from '../../src/git/worktrees.ts';
import { median, type Row } from './bench.ts';

export const title = 'Worktrees';

const FILES = 20_000;
const TASKS = 8;
const ROUNDS = 3;
const AIM = 'at most 1.2x';
const STEPS = ['add', 'commit', 'remove'] as const;
type Step = (typeof STEPS)[number];
interface Side extends Readonly<Record<Step, (task: number) => Promise<unknown>>> {
  readonly at: (task: number) => string;
  readonly branchOf: (task: number) => string;
}

const execute = promisify(execFile);

/**
 * Ours makes the worktree of a task, commits what an agent left there, and removes it once a ref of
 * accepted work has that. The reference does the same by the bare commands of Git, and asks nothing.
 * An agent writes one new file and changes one, which is no part of the time; nor is that ref.
 */
export async function run(): Promise<readonly Row[]> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-bench-')));
  try {
    const top = join(folder, 'repository');
    await makeRepository(top);
    const inspected = await inspectRepository(top);
    if (inspected.kind !== 'usable') throw new Error(inspected.detail);
    const rows: Row[] = [];
    for (const atATime of [1, TASKS]) {
      const times = { ours: emptyTimes(), reference: emptyTimes() };
      // By turns, and the first round does not count: the files are not in memory yet.
      for (let round = 0; round <= ROUNDS; round++)
        for (const [name, side] of [
          ['ours', ourSide(inspected.repository, folder, `${atATime}-${round}`)],
          ['reference', bareSide(top, folder, `${atATime}-${round}`)],
        ] as const) {
          const taken = await time(side, inspected.repository, folder, atATime);
          if (round > 0) for (const step of STEPS) times[name][step].push(taken[step]);
        }
      for (const step of STEPS)
        rows.push({
          what: `${WHAT[step]}, ${atATime} at a time: time for each`,
          size: FILES,
          ours: median(times.ours[step]) / TASKS,
          reference: BARE[step],
          referenceMs: median(times.reference[step]) / TASKS,
          aim: AIM,
        });
      const sums = (all: Readonly<Record<Step, readonly number[]>>): readonly number[] =>
        all.add.map((_, round) => STEPS.reduce((sum, step) => sum + (all[step][round] ?? 0), 0));
      rows.push({
        what: `all of it, ${atATime} at a time: time for each`,
        size: FILES,
        ours: median(sums(times.ours)) / TASKS,
        reference: 'all of that',
        referenceMs: median(sums(times.reference)) / TASKS,
        aim: AIM,
      });
    }
    return rows;
  } finally {
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }
}

const WHAT: Readonly<Record<Step, string>> = {
  add: 'make a worktree',
  commit: 'commit work',
  remove: 'remove a worktree',
};
const BARE: Readonly<Record<Step, string>> = {
  add: 'git worktree add',
  commit: 'git add -A && git commit',
  remove: 'git worktree remove, git branch -D',
};

function emptyTimes(): Record<Step, number[]> {
  return { add: [], commit: [], remove: [] };
}

/** How long each step took for all tasks, in ms; the agents work after the first. */
async function time(
  side: Side,
  repository: Repository,
  folder: string,
  atATime: number,
): Promise<Record<Step, number>> {
  const limit = pLimit(atATime);
  const taken = { add: 0, commit: 0, remove: 0 };
  const tasks = Array.from({ length: TASKS }, (_, task) => task);
  for (const step of STEPS) {
    const begin = performance.now();
    await Promise.all(tasks.map((task) => limit(() => side[step](task))));
    taken[step] = performance.now() - begin;
    if (step === 'add')
      for (const task of tasks) {
        writeFileSync(join(side.at(task), `new-${task}.txt`), `${folder} ${task}\n`);
        appendFileSync(join(side.at(task), 'src-1', 'file-100.txt'), `${task}\n`);
      }
    if (step === 'commit')
      for (const task of tasks)
        await git(repository.top, 'update-ref', `refs/waves/accepted/${task}`, side.branchOf(task));
  }
  return taken;
}

function ourSide(repository: Repository, folder: string, round: string) {
  const bases = new Map<number, string>();
  const names = (task: number) => ({
    folder: join(folder, 'worktrees', `ours-${round}-${task}`),
    branch: `waves/ours-${round}-${task}`,
  });
  return {
    at: (task: number) => names(task).folder,
    branchOf: (task: number) => names(task).branch,
    add: async (task: number) => {
      const { branch } = names(task);
      const base = repository.commit;
      const added = await addWorktree({ repository, base, owner: branch, ...names(task) });
      bases.set(task, got(added).base);
    },
    commit: async (task: number) => {
      const base = bases.get(task) ?? repository.commit;
      got(await commitWork({ repository, base, message: 'work', trailers: {}, ...names(task) }));
    },
    remove: async (task: number) => {
      const { branch } = names(task);
      const removed = got(await removeWorktree({ repository, branch, target: 'main' }));
      if (removed.kind !== 'removed') throw new Error(`It stays: ${removed.why}`);
    },
  };
}

function bareSide(top: string, folder: string, round: string) {
  const at = (task: number): string => join(folder, 'worktrees', `bare-${round}-${task}`);
  const branchOf = (task: number): string => `bare-${round}-${task}`;
  return {
    at,
    branchOf,
    add: (task: number) => git(top, 'worktree', 'add', '-q', '-b', branchOf(task), at(task)),
    commit: async (task: number) => {
      await git(at(task), 'add', '-A');
      await git(at(task), 'commit', '-q', '-m', 'work');
    },
    remove: async (task: number) => {
      await git(top, 'worktree', 'remove', at(task));
      await git(top, 'branch', '-q', '-D', branchOf(task));
    },
  };
}

function got<T>(result: GitResult<T>): T {
  if (!result.ok) throw new Error(result.failure.detail);
  return result.value;
}

const PLAIN = ['-c', 'gc.auto=0', '-c', 'commit.gpgSign=false', '-c', 'core.hooksPath=/dev/null/x'];

function git(cwd: string, ...args: readonly string[]): Promise<unknown> {
  return execute('git', [...PLAIN, ...args], { cwd });
}

/** `FILES` small files in folders of a hundred, in one commit. */
async function makeRepository(top: string): Promise<void> {
  for (let n = 0; n < FILES; n++) {
    const folder = join(top, `src-${Math.floor(n / 100)}`);
    if (n % 100 === 0) mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, `file-${n}.txt`), `This is file ${n}.\n`.repeat(1 + (n % 40)));
  }
  await git(top, 'init', '-q', '-b', 'main');
  await git(top, 'config', 'user.name', 'A User');
  await git(top, 'config', 'user.email', 'user@example.org');
  await git(top, 'add', '.');
  await git(top, 'commit', '-q', '-m', 'first');
}
