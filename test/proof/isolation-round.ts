import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RunState } from '../../src/core/run/run-events.ts';
import { readRecords } from '../../src/git/worktree-records.ts';
import { ownerOf } from '../../src/wire/run-place.ts';
import { oneOf, type Random } from '../support/random.ts';
import type { Script, Trace } from './scripted-agents.ts';

/** A task whose agent changes files in its worktree. */
export interface WorktreeTask {
  readonly id: string;
  readonly wave: 0 | 1;
  readonly needs: readonly string[];
  readonly script: Script;
}

/** The files that the repository begins with. */
const FILES = ['log.txt', ...[0, 1, 2, 3].flatMap((n) => [`own-${n}.txt`, `old-${n}.txt`])];
const FIRST_WAVE = 3;

/**
 * Three tasks, and one that needs one of them. Words that agents wrote stay in their files, so that
 * each has to be found in the end.
 */
export function worktreeTasks(
  random: Random,
  { resolves }: { readonly resolves: boolean },
): readonly WorktreeTask[] {
  return Array.from({ length: FIRST_WAVE + 1 }, (_, n): WorktreeTask => {
    const wave = n < FIRST_WAVE ? 0 : 1;
    return {
      id: `T-${n}`,
      wave,
      needs: wave === 0 ? [] : [`T-${random(FIRST_WAVE)}`],
      script: {
        seconds: random(4) / 10,
        exitCode: random(6) === 0 ? 3 : 0,
        leaves: 'nothing',
        steps: stepsOf(n, random, resolves),
        ...(resolves && { resolving: resolvingOf(random) }),
      },
    };
  });
}

/** Keeps what both sides have, mostly; `git add` comes late, so that there is time for a kill. */
function resolvingOf(random: Random): readonly string[] {
  const keepBoth = [
    `git diff --name-only --diff-filter=U | while read -r file; do`,
    `  if [ -f "$file" ]; then`,
    `    sed -e '/^<<<<<<< /d' -e '/^=======$/d' -e '/^>>>>>>> /d' "$file" > "$trace.both"`,
    `    cat "$trace.both" > "$file"`,
    `  fi`,
    `done`,
  ];
  return [
    `sleep 0.${random(3)}`,
    ...(random(5) === 0 ? [] : keepBoth),
    `sleep 0.${random(4)}`,
    oneOf(random, ['git add -A', 'git add -A && git commit -qm resolved', ':', 'rm -f .git']),
  ];
}

function stepsOf(n: number, random: Random, resolves: boolean): readonly string[] {
  const word = (at: number): string => `word-${n}-${at}-$$`;
  const put = (at: number, into: string): string => `echo ${word(at)} ${into} && wrote ${word(at)}`;
  const steps = Array.from({ length: 2 + random(6) }, (_, at) =>
    oneOf(random, [
      put(at, `>> own-${n}.txt`),
      put(at, `>> log.txt`),
      `mkdir -p 'a folder' && ${put(at, `> 'a folder/new ${n} ${at}'`)}`,
      `git add -A && git commit -qm 'own commit ${at}'`,
      `rm -f old-${n}.txt`,
      // Each to a name of its own: a second move would write over what the first one kept.
      `mv own-${n}.txt moved-${n}-${at}.txt`,
      `git checkout -q --detach`,
      `git switch -qc side-${n}-${at}`,
      `rm -f .git`,
      `sleep 0.${random(3)}`,
    ]),
  );
  // All of them at the same place, so that they are in conflict.
  const common = resolves ? [put(98, '>> log.txt')] : [];
  return [put(99, `> first-${n}.txt`), ...common, ...steps];
}

/** Makes the repository of a user who is in the middle of something. */
export function createRepository(root: string): void {
  const git = gitIn(root);
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'A User');
  git('config', 'user.email', 'user@example.org');
  const put = (file: string, text: string): void => writeFileSync(join(root, file), text);
  for (const file of FILES) put(file, `${file}\n`);
  put('.gitignore', '.todo2/\n');
  git('add', '.');
  git('commit', '-qm', 'first');
  put('log.txt', 'stashed\n');
  git('stash', '-q');
  put('own-0.txt', 'changed\n');
  put('staged.txt', 'staged\n');
  git('add', 'staged.txt');
  put('untracked.txt', 'untracked\n');
}

/** Everything of the user's, to the byte. */
export function userState(root: string): unknown {
  const inGit = ['index', 'HEAD', 'config', 'logs/HEAD', 'logs/refs/stash', 'refs/heads/main'];
  return {
    files: filesBelow(root, (path) => path === '.git' || path === '.todo2'),
    git: [...inGit, 'refs/stash'].map((name) => [name, bytesOf(join(root, '.git', name))]),
  };
}

/** What is left of a round. */
export interface WorktreeOutcome {
  readonly root: string;
  readonly tasks: readonly WorktreeTask[];
  /** Undefined where its window was killed before anything of it was written down. */
  readonly run: RunState | undefined;
  readonly traceOf: (id: string) => Trace;
  readonly before: unknown;
}

/** Throws where work of an agent is lost or merged twice, or where something is left unexplained. */
export async function checkWorktrees(outcome: WorktreeOutcome): Promise<readonly string[]> {
  const { root, tasks, run, traceOf, before } = outcome;
  const git = gitIn(root);
  assert.deepEqual(userState(root), before, 'what the user has');
  const fsck = spawnSync('git', ['fsck', '--strict', '--no-dangling', '--no-progress'], {
    ...{ cwd: root, encoding: 'utf8' },
  });
  assert.deepEqual([fsck.status, fsck.stdout, fsck.stderr], [0, '', '']);
  const worktrees = `${root}.worktrees`;
  await checkExplained(root, worktrees);

  const commits = git('rev-list', '--all').trim().split('\n');
  const reachable = new Set(wordsIn(git('grep', '-h', '-e', '^', ...commits)));
  const lying = new Set(
    filesBelow(worktrees, (path) => path.endsWith('/.git')).flatMap(([, text]) => wordsIn(text)),
  );
  // Where Git was killed as it looked for the branch, another name was taken.
  const records = await readRecords(join(root, '.git'));
  const branch = run && records.find(({ owner }) => owner === ownerOf(run.runId))?.branch;
  const isMerging = run !== undefined && [...run.tasks.values()].some(({ tryNo }) => tryNo > 0);
  const merged =
    branch === undefined || !hasRef(root, `refs/heads/${branch}`)
      ? []
      : wordsIn(git('grep', '-h', '-e', '^', branch));
  const found: string[] = [];
  for (const { id } of tasks) {
    const task = run && [...run.tasks.values()].find((each) => each.id === id);
    const { written } = traceOf(id);
    const told = JSON.stringify({ id, outcome: task?.outcome, earlier: task?.earlier, isMerging });
    for (const word of written)
      assert.ok(reachable.has(word) || lying.has(word), `${word} is lost: ${told}`);
    const times = written.map((word) => merged.filter((each) => each === word).length);
    const isIn = task?.outcome?.kind === 'succeeded';
    assert.deepEqual(
      times,
      written.map(() => (isIn ? 1 : 0)),
      `how often ${written.join(' ')} are in the branch of the run: ${told}`,
    );
    const trailer = `Todo2-Task: ${id}`;
    const merges =
      branch === undefined || merged.length === 0
        ? []
        : git('log', '--first-parent', '--merges', '--format=%B', branch)
            .split('\n')
            .filter((line) => line === trailer);
    assert.equal(merges.length, isIn ? 1 : 0, `merges of ${told}`);
    found.push(task?.outcome?.kind ?? 'never begun');
  }
  return found;
}

/** Every worktree, branch and folder of ours has a record, and there are no locks. */
async function checkExplained(root: string, worktrees: string): Promise<void> {
  const git = gitIn(root);
  const records = await readRecords(join(root, '.git'));
  const branches = git('for-each-ref', '--format=%(refname:lstrip=2)', 'refs/heads/waves/');
  const listed = git('worktree', 'list', '--porcelain')
    .split('\n')
    .flatMap((line) => (line.startsWith('worktree ') ? [line.slice('worktree '.length)] : []));
  const folders = existsSync(worktrees)
    ? readdirSync(worktrees).map((name) => join(worktrees, name))
    : [];
  const known = new Set(records.flatMap(({ branch, folder }) => [branch, folder]));
  const unknown = [...branches.split('\n'), ...listed.slice(1), ...folders].filter(
    (name) => name !== '' && !known.has(name),
  );
  assert.deepEqual(unknown, [], 'branches and folders without a record');
  const locks = readdirSync(join(root, '.git'), { recursive: true })
    .map(String)
    .filter((name) => name.endsWith('.lock') || name.endsWith('/locked'))
    // The branches that agents make are their own.
    .filter((name) => !name.startsWith('refs/heads/side-'));
  assert.deepEqual(locks, [], 'locks');
}

function gitIn(cwd: string): (...args: readonly string[]) => string {
  return (...args) =>
    execFileSync('git', args, { cwd, stdio: 'pipe', encoding: 'utf8', maxBuffer: 1 << 26 });
}

function hasRef(cwd: string, ref: string): boolean {
  return spawnSync('git', ['rev-parse', '--verify', '--quiet', ref], { cwd }).status === 0;
}

function wordsIn(text: string): readonly string[] {
  return text.match(/\bword-\d+-\d+-\d+\b/g) ?? [];
}

type Content = readonly [path: string, text: string];

function filesBelow(folder: string, isLeftOut: (path: string) => boolean): readonly Content[] {
  if (!existsSync(folder)) return [];
  const walk = (path: string): readonly Content[] =>
    readdirSync(join(folder, path)).flatMap((name) => {
      const inside = path === '' ? name : `${path}/${name}`;
      if (isLeftOut(inside)) return [];
      const full = join(folder, inside);
      return lstatSync(full).isDirectory() ? walk(inside) : [[inside, bytesOf(full) ?? '']];
    });
  return walk('');
}

function bytesOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, 'latin1') : undefined;
}
