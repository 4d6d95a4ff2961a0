import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { parseCommits, readCommits } from '../../../../src/agent-process/git-commits.ts';
import { linksIn, scanDocs } from '../../../../src/store/files/docs-scan.ts';
import { readGoals, readPlans } from '../../../../src/store/files/workspace-texts.ts';

const GO_ON = new AbortController().signal;

async function folder(
  context: TestContext,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const root = await mkdtemp(join(tmpdir(), 'docs-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
  return root;
}

test('links that lead to nothing or out of the root are found, with their lines; others hold', async (context) => {
  const root = await folder(context, {
    'README.md':
      '# A\n[ok](docs/a.md#top) [no](docs/b.md)\n![p](</docs/a%20b.png>) [out](../../etc/passwd)\n[web](https://a.b) [me](#x)\n',
    'docs/a.md': '[up](../README.md "title")\n[folder](.)\n\n[ref]: gone.md\n',
    'docs/a b.png': '',
    'docs/empty.md': ' \n',
    'node_modules/x/README.md': '[no](no.md)',
    '.cache/y.md': '[no](no.md)',
  });
  const scan = await scanDocs(root, GO_ON);
  assert.deepEqual(
    scan.broken.map(({ file, line, target, why }) => `${file}:${line} ${target} ${why}`),
    [
      'README.md:2 docs/b.md missing',
      'README.md:3 ../../etc/passwd outside',
      'docs/a.md:4 gone.md missing',
    ],
  );
  assert.deepEqual(
    { ...scan, broken: [] },
    { documents: 3, isCut: false, hasReadme: true, empty: ['docs/empty.md'], broken: [] },
  );
});

test('links of the file system are followed neither to walk nor to read, and one that leads out is outside', async (context) => {
  const root = await folder(context, { 'in/a.md': '[x](../out/secret.md) [y](../file.md)' });
  const other = await folder(context, { 'secret.md': '[no](nothing.md)' });
  await symlink(other, join(root, 'out'));
  await symlink(join(other, 'secret.md'), join(root, 'file.md'));
  const scan = await scanDocs(root, GO_ON);
  assert.equal(scan.documents, 1);
  assert.equal(scan.hasReadme, false);
  assert.deepEqual(scan.broken.map(({ why }) => why), ['outside', 'outside']); // prettier-ignore
});

test('what is too much is cut and said to be so', async (context) => {
  const root = await folder(context, { 'a.md': 'a', 'b.md': 'b', 'c.md': 'c'.repeat(100) });
  const limits = { documents: 2, entries: 100, bytes: 50, allBytes: 1000, broken: 10 };
  assert.deepEqual([(await scanDocs(root, GO_ON, limits)).documents, (await scanDocs(root, GO_ON, limits)).isCut], [2, true]); // prettier-ignore
  assert.equal((await scanDocs(root, GO_ON, { ...limits, documents: 5 })).isCut, true);
  assert.equal((await scanDocs(root, GO_ON, { ...limits, documents: 5, entries: 1 })).isCut, true);
  await assert.rejects(scanDocs(root, AbortSignal.abort()));
});

test('what stands in code is no link, and hostile text has none', () => {
  const targets = (text: string) => linksIn(text).map(({ target }) => target);
  assert.deepEqual(targets('`[a](b.md)` [c](d.md)\n```\n[e](f.md)\n```\n[g](h(1).md)'), [
    'd.md',
    'h(1).md',
  ]);
  for (const piece of ['](', '[', '](<', '`', '](((', '[a]:']) {
    assert.deepEqual(linksIn(`${piece.repeat(200_000)}\n`.repeat(3)), [], piece);
  }
});

test('goals and plans are read within the root only', async (context) => {
  const root = await folder(context, { 'docs/GOALS.md': '## One', '.cursor/plans/b.plan.md': 'b', '.cursor/plans/a.plan.md': 'a', '.cursor/plans/x.md': 'x' }); // prettier-ignore
  assert.deepEqual(await readGoals(root), { file: 'docs/GOALS.md', text: '## One' });
  assert.deepEqual((await readPlans(root)).map(({ file }) => file), ['.cursor/plans/a.plan.md', '.cursor/plans/b.plan.md']); // prettier-ignore
  const other = await folder(context, { 'secret.md': '## Secret' });
  await symlink(join(other, 'secret.md'), join(root, 'PROJECT_GOALS.md'));
  assert.equal((await readGoals(root))?.file, 'docs/GOALS.md');
  assert.equal(await readGoals(other), undefined);
  assert.deepEqual(await readPlans(other), []);
});

test('commits are read as git prints them, and a folder without a repository has none', async (context) => {
  assert.deepEqual(parseCommits('1700000000 Fix T-1\0bad\x001700000001 \0'), [
    { subject: 'Fix T-1', at: 1_700_000_000_000 },
    { subject: '', at: 1_700_000_001_000 },
  ]);
  assert.equal(await readCommits(await folder(context, {})), undefined);
});
