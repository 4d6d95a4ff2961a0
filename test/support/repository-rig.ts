import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import type { GitResult } from '../../src/git/git-failure.ts';
import { inspectRepository, type Repository } from '../../src/git/repository.ts';

/** A real repository in a temporary folder, with one commit. */
export interface Rig {
  readonly root: string;
  /** Runs Git there, or in another folder; answers what it prints. */
  readonly git: (...args: string[]) => string;
  readonly gitIn: (folder: string, ...args: string[]) => string;
  readonly write: (file: string, text: string, folder?: string) => void;
  readonly read: (file: string, folder?: string) => string;
  /** Where worktrees may go. */
  readonly worktrees: string;
  readonly inspect: () => Promise<Repository>;
}

const SETTINGS = ['-c', 'commit.gpgsign=false', '-c', 'protocol.file.allow=always'];

/** A temporary folder that goes with the test. */
export function temporaryFolder(t: Pick<TestContext, 'after'>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-git-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

export function repositoryRig(
  t: Pick<TestContext, 'after'>,
  files: Readonly<Record<string, string>> = { 'a.txt': 'a\n' },
): Rig {
  const folder = temporaryFolder(t);
  const root = join(folder, 'repository');
  mkdirSync(root);
  const gitIn = (cwd: string, ...args: string[]): string =>
    execFileSync('git', [...SETTINGS, ...args], { cwd, stdio: 'pipe', encoding: 'utf8' });
  const git = (...args: string[]): string => gitIn(root, ...args);
  const write = (file: string, text: string, where = root): void => {
    mkdirSync(dirname(join(where, file)), { recursive: true });
    writeFileSync(join(where, file), text);
  };
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'A User');
  git('config', 'user.email', 'user@example.org');
  for (const [file, text] of Object.entries(files)) write(file, text);
  git('add', '.');
  git('commit', '-qm', 'first');
  return {
    root,
    git,
    gitIn,
    write,
    read: (file, where = root) => readFileSync(join(where, file), 'utf8'),
    worktrees: `${root}.worktrees`,
    inspect: () => repositoryAt(root),
  };
}

/** The repository of a folder that has to be usable. */
export async function repositoryAt(root: string): Promise<Repository> {
  const inspected = await inspectRepository(root);
  if (inspected.kind !== 'usable') throw new Error(inspected.detail);
  return inspected.repository;
}

/** What came of something that had to succeed. */
export function done<T>(result: GitResult<T>): T {
  if (!result.ok) throw new Error(`${result.failure.cause}: ${result.failure.detail}`);
  return result.value;
}
