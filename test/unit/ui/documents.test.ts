import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import '../../support/use-editor-stub.ts';
import { task } from '../../support/backlog.ts';
import { Uri } from '../../support/editor-stub.ts';
import { fakeBacklog, fakeBacklogs } from '../../support/fake-backlog.ts';

// After the stub: these import `vscode`.
const { DOCUMENT_SCHEME, documentText, documentUri, keepText, parseDocumentUri } =
  await import('../../../src/ui/documents.ts');

const KINDS = [
  'task',
  'handoff',
  'resume',
  'doctor',
  'analysis',
  'batch',
  'run',
  'dryRun',
  'plan',
] as const;
const backlog = fakeBacklog({ tasks: [task('T-1'), task('../\ud800')] });
const backlogs = fakeBacklogs([backlog]);

test('a document names what it shows, whatever its id is, and no id is a path', () => {
  fc.assert(
    fc.property(
      fc.constantFrom(...KINDS),
      fc.string({ unit: 'binary' }),
      fc.string(),
      (kind, key, root) => {
        const uri = documentUri(kind, root, key);
        assert.deepEqual(parseDocumentUri(uri), { kind, root, key });
        assert.match(uri.path, /^\/\w+\/[^/\\]*\.md$/);
        assert.ok(uri.query.isWellFormed());
      },
    ),
    { seed: 20_261_202 },
  );
  assert.match(documentText(documentUri('task', backlog.root, '../\ud800'), backlogs), /^# /);
});

test('what is gone, and a URI that the user typed, is told in one line', () => {
  for (const kind of KINDS) {
    assert.match(
      documentText(documentUri(kind, '/elsewhere', 'T-1'), backlogs),
      /^\*[^\n]+\*\n$/,
      kind,
    );
  }
  for (const [path, query] of [
    ['', ''],
    ['/', '[]'],
    ['/constructor/x.md', '["/","T-1"]'],
    ['/task/T-1.md', 'T-1'],
    ['/task/T-1.md', '{"root":"/"}'],
    ['/task/T-1.md', JSON.stringify([backlog.root, 1])],
  ] as const) {
    const uri = Uri.from({ scheme: DOCUMENT_SCHEME, path, query });
    assert.match(documentText(uri as never, backlogs), /^\*[^\n]+\*\n$/, path);
  }
});

test('the last twenty texts of their moment are kept', () => {
  const shown = (key: string): string =>
    documentText(documentUri('dryRun', backlog.root, key), backlogs);
  const keys = Array.from({ length: 21 }, (_, n) => keepText(`text ${n}`));
  assert.match(shown(keys[0]!), /^\*This dry run is not kept any more/);
  assert.deepEqual(
    keys.slice(1).map(shown),
    keys.slice(1).map((_, n) => `text ${n + 1}`),
  );
});
