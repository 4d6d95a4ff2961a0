import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { cursorSetup, readCursorSetup } from '../../../src/wire/cursor-setup.ts';
import { setupRemark, worktreeSetup } from '../../../src/wire/worktree-setup.ts';
import { isolatedRig } from '../../support/isolated-rig.ts';

const posix = { skip: process.platform === 'win32' };

function rootWith(t: TestContext, file: unknown): string {
  const root = mkdtempSync(join(tmpdir(), 'todo2-cursor-'));
  t.after(() => rmSync(root, { recursive: true, force: true }));
  mkdirSync(join(root, '.cursor'));
  const text = typeof file === 'string' ? file : JSON.stringify(file);
  if (file !== undefined) writeFileSync(join(root, '.cursor/worktrees.json'), text);
  return root;
}

/** What the commands print, one after the other, each in a folder of its own. */
async function run(root: string): Promise<string> {
  const commands = await cursorSetup(root);
  assert.ok(commands.ok, JSON.stringify(commands));
  const folder = join(root, 'worktree');
  mkdirSync(folder, { recursive: true });
  return commands.value
    .map(({ command, args, env }) =>
      execFileSync(command, args, {
        ...{ cwd: folder, encoding: 'utf8', env: { ...process.env, ...env } },
      }),
    )
    .join('');
}

describe('what Cursor would run in a new worktree', posix, () => {
  const files: readonly [
    name: string,
    file: unknown,
    said: string | readonly string[] | undefined,
  ][] = [
    ['is nothing without a file', undefined, undefined],
    ['is nothing where it says nothing', {}, undefined],
    ['is a list of commands', { 'setup-worktree': ['a', 'b'] }, ['a', 'b']],
    ['is the path of a script', { 'setup-worktree': 'setup.sh' }, 'setup.sh'],
    [
      'is that of this system first',
      { 'setup-worktree': ['a'], 'setup-worktree-unix': ['u'], 'setup-worktree-windows': ['w'] },
      ['u'],
    ],
    ['is not that of another system', { 'setup-worktree-windows': ['w'] }, undefined],
    ['may stand beside what we do not know', { other: 1, 'setup-worktree': ['a'] }, ['a']],
  ];
  for (const [name, file, said] of files)
    test(name, async (t) => {
      assert.deepEqual(await readCursorSetup(rootWith(t, file)), { ok: true, value: said });
    });

  const refused: readonly [name: string, file: unknown, why: RegExp][] = [
    ['no JSON', '{', /is not what Cursor reads/],
    ['another shape', { 'setup-worktree': [1] }, /is not what Cursor reads/],
    ['too many commands', { 'setup-worktree': Array(51).fill('a') }, /more than 50 commands/],
    ['a large file', ' '.repeat(65 * 1024), /could not be read/],
  ];
  for (const [name, file, why] of refused)
    test(`is refused for ${name}`, async (t) => {
      assert.match(JSON.stringify(await readCursorSetup(rootWith(t, file))), why);
    });

  test('is run by a shell, in the worktree, and knows the root', async (t) => {
    const root = rootWith(t, {
      'setup-worktree': ['echo "$ROOT_WORKTREE_PATH" && pwd', 'echo $((1+1))'],
    });
    assert.equal(await run(root), `${root}\n${join(root, 'worktree')}\n2\n`);
  });

  test('is a script that runs whether or not it may be executed, whatever its name is', async (t) => {
    const name = "it's $(a) script.sh";
    const root = rootWith(t, { 'setup-worktree': name });
    const script = join(root, '.cursor', name);
    writeFileSync(script, '#!/bin/sh\necho "$ROOT_WORKTREE_PATH"\n');
    assert.equal(await run(root), `${root}\n`);
    chmodSync(script, 0o755);
    assert.equal(await run(root), `${root}\n`);
  });

  test('is no script outside of the root, also behind a link', async (t) => {
    for (const path of ['../../x.sh', '/bin/ls', 'link/x.sh']) {
      const root = rootWith(t, { 'setup-worktree': path });
      symlinkSync(tmpdir(), join(root, '.cursor/link'));
      assert.match(JSON.stringify(await cursorSetup(root)), /names a script that lies elsewhere/);
    }
  });

  test('runs only where the user has allowed it and has no commands of their own', async (t) => {
    const root = rootWith(t, { 'setup-worktree': ['a'] });
    const own = { command: process.execPath, args: [], limitMs: 1 };
    const count = async (commands: readonly (typeof own)[], allows: boolean): Promise<number> => {
      const parts = { root, commands: () => commands, allowsCursor: () => allows };
      const found = await worktreeSetup(parts);
      return found.ok ? found.value.length : -1;
    };
    assert.deepEqual(
      [await count([], false), await count([], true), await count([own, own], true)],
      [0, 1, 2],
    );
  });

  test('is named by a dry run, with what it takes to have it run', async (t) => {
    const rig = isolatedRig(t, {
      files: { 'a.txt': 'a\n', '.cursor/worktrees.json': '{"setup-worktree":["npm ci"]}' },
    });
    const asked = { choice: 'worktree', parallel: 2, start: 'commit', resumes: undefined } as const;
    const remarks = async (isDry: boolean): Promise<readonly string[]> => {
      const decided = await rig.isolation.decide({ ...asked, isDry });
      return decided.ok ? decided.value.remarks : assert.fail();
    };
    assert.deepEqual(await remarks(true), [
      '.cursor/worktrees.json has set-up commands; they are not run unless todo2Waves.cursorWorktreeSetup is on.',
    ]);
    assert.deepEqual(await remarks(false), []);
    const allowed = { root: rig.root, commands: () => [], allowsCursor: () => true };
    assert.match((await setupRemark(allowed)) ?? '', /run in each worktree\.$/);
  });
});
