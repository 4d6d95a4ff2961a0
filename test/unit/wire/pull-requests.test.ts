import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { pullRequestBody, type PullRequests } from '../../../src/core/run/pull-request.ts';
import { taskId } from '../../../src/core/task.ts';
import { pullRequestsOf } from '../../../src/wire/pull-requests.ts';
import { detailOf, got } from '../../support/answers.ts';
import { EVIDENCE, type IsolatedRig, isolatedRig, SUCCESS } from '../../support/isolated-rig.ts';
import { temporaryFolder } from '../../support/repository-rig.ts';

const URL = 'https://github.com/me/shop/pull/7';
const BRANCH = 'waves/t-1-title-of-t-1';
const one = taskId('T-1');

interface PullRig extends IsolatedRig {
  readonly pulls: PullRequests;
  /** A bare repository, the remote `origin`. */
  readonly remote: string;
  readonly remoteRefs: () => string;
  /** What the stand-in for the GitHub CLI was called with, and what it read. */
  readonly calls: () => readonly { readonly args: string[]; readonly input: string }[];
}

/**
 * A run with a task that has changed something, a remote, and a program `gh` that writes down how it
 * is called. `answers`: its exit code and texts by its first two arguments, as in the manual and the
 * source of the GitHub CLI; a login and a pull request by default.
 */
async function pullRig(
  t: TestContext,
  answers: Readonly<Record<string, readonly [code: number, stdout: string, stderr: string]>> = {},
  end = SUCCESS,
): Promise<PullRig> {
  const rig = isolatedRig(t);
  const folder = temporaryFolder(t);
  const remote = join(folder, 'remote.git');
  rig.gitIn(folder, 'init', '-q', '--bare', remote);
  rig.git('remote', 'add', 'origin', remote);
  rig.git('push', '-q', 'origin', 'main');
  const log = join(folder, 'calls');
  const all = { 'auth status': [0, '', 'Logged in'], 'pr create': [0, `${URL}\n`, ''], ...answers };
  mkdirSync(join(folder, 'bin'));
  const program = `#!${process.execPath}
const { appendFileSync, readFileSync } = require('node:fs');
const args = process.argv.slice(2);
appendFileSync(${JSON.stringify(log)}, JSON.stringify({ args, input: readFileSync(0, 'utf8') }) + '\\n');
const [code, stdout, stderr] = ${JSON.stringify(all)}[args.slice(0, 2).join(' ')];
process.stdout.write(stdout);
process.stderr.write(stderr);
process.exitCode = code;
`;
  writeFileSync(join(folder, 'bin', 'gh'), program, { mode: 0o755 });
  const path = process.env['PATH'] ?? '';
  process.env['PATH'] = `${join(folder, 'bin')}${delimiter}${path}`;
  t.after(() => (process.env['PATH'] = path));
  await rig.start();
  await rig.work('T-1', undefined, end);
  return {
    ...rig,
    pulls: pullRequestsOf({
      ...{ root: rig.root, runs: () => [] },
      titleOf: (id) => `--Title\nof ${id}`,
    }),
    remote,
    remoteRefs: () => rig.gitIn(remote, 'for-each-ref', '--format=%(refname)').trim(),
    calls: () =>
      !existsSync(log)
        ? []
        : readFileSync(log, 'utf8')
            .trim()
            .split('\n')
            .map((line) => JSON.parse(line) as ReturnType<PullRig['calls']>[number]),
  };
}

describe('a pull request', () => {
  test('is planned without a change, then its branch alone is pushed, and it is made', async (t) => {
    const rig = await pullRig(t);
    rig.git('tag', '-a', '-m', 'mine', 'v1', BRANCH);
    rig.git('config', 'push.followTags', 'true');
    const before = rig.ofUser();
    const plan = await got(rig.pulls.plan(rig.run(), one));
    const { branch, commits, target, remote, url, title, whyNoCli } = plan;
    assert.deepEqual(
      [branch, commits, target, remote, url],
      [BRANCH, 1, 'main', 'origin', rig.remote],
    );
    assert.deepEqual([title, whyNoCli], ['--Title of T-1', undefined]);
    assert.equal(rig.remoteRefs(), 'refs/heads/main');

    await got(rig.pulls.push(plan));
    assert.equal(rig.remoteRefs(), `refs/heads/main\nrefs/heads/${BRANCH}`);
    assert.equal(rig.gitIn(rig.remote, 'show', `${BRANCH}:T-1.txt`), 'T-1\n');
    assert.deepEqual(await got(rig.pulls.create(plan)), { kind: 'created', url: URL });
    assert.deepEqual(rig.calls().map(({ args }) => args), [
      ['auth', 'status'],
      ['pr', 'create', '--title=--Title of T-1', '--body-file=-', '--base=main', `--head=${BRANCH}`],
    ]); // prettier-ignore
    assert.equal(rig.calls()[1]?.input, plan.body);
    assert.equal(rig.ofUser(), before);
    assert.equal((await got(rig.pulls.plan(rig.run(), undefined))).branch, 'waves/run-r');
  });

  test('is not made of what the target has, or of a branch that is gone or has changed', async (t) => {
    const rig = await pullRig(t);
    const plan = await got(rig.pulls.plan(rig.run(), one));
    rig.git('update-ref', `refs/heads/${BRANCH}`, 'main');
    assert.match(await detailOf(rig.pulls.push(plan)), /has changed meanwhile/);
    rig.git('update-ref', '-d', `refs/heads/${BRANCH}`);
    assert.match(await detailOf(rig.pulls.push(plan)), /is gone/);
    assert.match(await detailOf(rig.pulls.plan(rig.run(), one)), /is gone/);
    assert.equal(rig.remoteRefs(), 'refs/heads/main');
    rig.git('merge', '-q', 'waves/run-r');
    assert.match(await detailOf(rig.pulls.plan(rig.run(), undefined)), /main has all of it/);
  });

  test('never writes over another branch there, and heeds the pre-push hook', async (t) => {
    const rig = await pullRig(t);
    const plan = await got(rig.pulls.plan(rig.run(), one));
    const hook = join(rig.root, '.git/hooks/pre-push');
    writeFileSync(hook, '#!/bin/sh\necho The hook says no. >&2\nexit 1\n', { mode: 0o755 });
    assert.match(await detailOf(rig.pulls.push(plan)), /The hook says no\./);
    assert.equal(rig.remoteRefs(), 'refs/heads/main');
    writeFileSync(hook, '#!/bin/sh\n');
    const other = rig.git('commit-tree', '-m', 'of somebody else', 'main^{tree}').trim();
    rig.git('push', '-q', '--no-verify', 'origin', `${other}:refs/heads/${BRANCH}`);
    assert.match(await detailOf(rig.pulls.push(plan)), /rejected/);
    assert.equal(rig.gitIn(rig.remote, 'rev-parse', BRANCH).trim(), other);
  });

  test('needs a remote, and shows its address without a password', async (t) => {
    const rig = await pullRig(t);
    rig.git('remote', 'set-url', 'origin', 'https://me:secret@example.org/shop.git');
    const plan = await got(rig.pulls.plan(rig.run(), one));
    assert.equal(plan.url, 'https://example.org/shop.git');
    rig.git('remote', 'set-url', '--add', 'origin', 'https://example.net/copy.git');
    const both = 'https://example.org/shop.git and https://example.net/copy.git';
    assert.equal((await got(rig.pulls.plan(rig.run(), one))).url, both);
    rig.git('remote', 'add', 'mine', rig.remote);
    rig.git('config', 'branch.main.remote', 'mine');
    assert.equal((await got(rig.pulls.plan(rig.run(), one))).remote, 'mine');
    rig.git('remote', 'remove', 'origin');
    assert.equal((await got(rig.pulls.plan(rig.run(), one))).remote, 'mine', 'the only one');
    rig.git('remote', 'remove', 'mine');
    assert.match(await detailOf(rig.pulls.plan(rig.run(), one)), /No remote of main is known/);
  });

  for (const [name, url] of [
    ['with an @ in it', 'https://me:se@cret@127.0.0.1:1/shop.git'],
    ['behind the name of a helper', 'none::https://me:secret@127.0.0.1:1/shop.git'],
    ['in a query', 'https://127.0.0.1:1/shop.git?private_token=secret'],
  ] as const)
    test(`never shows a password ${name}, also where a hook says it`, async (t) => {
      const rig = await pullRig(t);
      const plan = await got(rig.pulls.plan(rig.run(), one));
      rig.git('remote', 'set-url', 'origin', url);
      assert.doesNotMatch((await got(rig.pulls.plan(rig.run(), one))).url, /cret/);
      assert.doesNotMatch(await detailOf(rig.pulls.push(plan)), /cret/);
      rig.git('remote', 'set-url', 'origin', rig.remote);
      const hook = join(rig.root, '.git', 'hooks', 'pre-push');
      writeFileSync(hook, `#!/bin/sh\necho 'No push to ${url}' >&2\nexit 1\n`, { mode: 0o755 });
      assert.match(await detailOf(rig.pulls.push(plan)), /No push to \S*https:\/\/127\.0\.0\.1/);
    });

  test('says that the GitHub CLI is not logged in', async (t) => {
    const said = 'You are not logged into any GitHub hosts. Run gh auth login to authenticate.';
    const rig = await pullRig(t, { 'auth status': [1, '', said] });
    const { whyNoCli } = await got(rig.pulls.plan(rig.run(), one));
    assert.match(whyNoCli ?? '', /not logged in.*gh auth login/);
  });

  const said: readonly [
    name: string,
    answer: [number, string, string],
    expected: object | RegExp,
  ][] = [
    [
      'one that is there already',
      [1, '', `a pull request for branch "${BRANCH}" into branch "main" already exists:\n${URL}\n`],
      { kind: 'exists', url: URL },
    ],
    [
      'a refusal',
      [1, '', 'GraphQL: No commits between main and x'],
      /but gh made no pull request\. GraphQL/,
    ],
    ['an address that is none', [0, 'javascript:alert(1)\n', ''], /no address/],
    ['an address without https', [0, 'http://github.com/me/shop/pull/7\n', ''], /no address/],
    ['an address with a user', [0, 'https://a:b@github.com/x\n', ''], /no address/],
    ['nothing', [0, '', ''], /no address/],
  ];
  for (const [name, answer, expected] of said)
    test(`where the GitHub CLI answers ${name}`, async (t) => {
      const rig = await pullRig(t, { 'pr create': answer });
      const asked = rig.pulls.create(await got(rig.pulls.plan(rig.run(), one)));
      if (expected instanceof RegExp) assert.match(await detailOf(asked), expected);
      else assert.deepEqual(await got(asked), expected);
    });
});

test('its text mentions nobody, closes nothing, and tells nothing of this computer', async (t) => {
  const hostile = '@octocat Fixes #1 <img src=x> ![x](http://evil/)\n```\n@team\n# Heading';
  const evidence = {
    ...EVIDENCE,
    ...{ summary: hostile, logFile: '.todo2/waves/runs/r/1.log', sessionId: 'secret-session' },
    verify: { command: 'npm test @octocat', passed: true, exitCode: 0, durationMs: 1, tail: 'x' },
  };
  const rig = await pullRig(t, {}, { kind: 'succeeded', status: 'Review', evidence });
  const body = pullRequestBody(rig.run(), [one], () => 'Close #2 `@octocat` |');
  // Outside of code, nothing of them is left.
  const bare = body
    .replace(/^(`{3,})text\n[^]*?\n\1$/gm, '')
    .replace(/(`+)(?!`).*?[^`]\1(?!`)/g, '');
  assert.match(body, /^### `T-1`\n\n``Close #2 `@octocat` \|``\n\n- Changed: \\\+1 −0 · 1 file\n/m);
  assert.doesNotMatch(bare, /@|#\d|<img|evil|Heading/);
  assert.doesNotMatch(body, /secret-session|\.log/);

  const long = pullRequestBody(
    rig.run(),
    Array.from({ length: 40 }, () => one),
    () => 'x'.repeat(5000),
  );
  assert.ok(long.length < 65_000);
  assert.match(long, /And \d+ more\./);
});
