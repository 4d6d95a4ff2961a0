import assert from 'node:assert/strict';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Failure } from '../../../../src/core/failure.ts';
import {
  newHandoffId,
  type HandoffDraft,
  type Handoffs,
  type HandoffsState,
} from '../../../../src/core/handoff.ts';
import type { Result } from '../../../../src/core/result.ts';
import { taskId } from '../../../../src/core/task.ts';
import { openHandoffs } from '../../../../src/store/json/handoffs.ts';
import { patchJsonFile } from '../../../../src/store/json/patch-file.ts';
import { formatRfc3339 } from '../../../../src/store/write/rfc3339.ts';
import { task } from '../../../support/backlog.ts';
import { folderFor } from '../../../support/stores.ts';

const NOW = Date.UTC(2026, 2, 1, 12, 30, 15, 678);
const DRAFT: HandoffDraft = {
  summary: 'Half of it',
  blockers: [],
  nextSteps: ['The other half'],
  inProgress: [task('T-1', { status: 'In Progress', title: 'Parse' })],
  held: [taskId('T-1')],
  released: [taskId('T-2')],
  git: { branch: 'main', uncommittedFiles: 1, changedFiles: ['a.ts'] },
};

/** A store with this text in its file, and its handoffs; without a text there is no file. */
async function storeWith(
  t: TestContext,
  text?: string,
): Promise<{ readonly file: string; readonly book: Handoffs }> {
  const folder = join(folderFor(t), '.todo2');
  mkdirSync(folder);
  const file = join(folder, 'handoffs.json');
  if (text !== undefined) writeFileSync(file, text);
  return { file, book: await opened(t, file) };
}

async function opened(t: TestContext, file: string, root = dirname(file)): Promise<Handoffs> {
  const clock = { now: () => NOW, after: () => ({ dispose: () => undefined }) };
  let n = 0;
  const random = (): number => (n++ % 1000) / 1000;
  const book = openHandoffs({ file, root, clock, random, host: 'desk' });
  t.after(() => book.dispose());
  await book.refresh();
  return book;
}

const failure = (result: Result<unknown, Failure>): Failure =>
  result.ok ? assert.fail('it went well') : result.failure;
const listIn = (file: string): Record<string, unknown>[] =>
  (JSON.parse(readFileSync(file, 'utf8')) as { handoffs: Record<string, unknown>[] }).handoffs;

test('a handoff is written in exarp-go’s shape into a file that was not there', async (t) => {
  const { file, book } = await storeWith(t);
  const key = await book.write(DRAFT);
  assert.ok(key.ok);
  assert.deepEqual(listIn(file), [
    {
      id: 'handoff-1772368215000000',
      timestamp: formatRfc3339(NOW),
      host: 'desk',
      summary: 'Half of it',
      blockers: [],
      next_steps: ['The other half'],
      tasks_in_progress: [{ id: 'T-1', content: 'Parse', status: 'In Progress' }],
      git_status: { branch: 'main', uncommitted_files: 1, changed_files: ['a.ts'] },
      task_journal: [
        { id: 'T-1', action: 'claimed' },
        { id: 'T-2', action: 'released' },
      ],
    },
  ]);
  assert.deepEqual(readdirSync(join(file, '..')), ['handoffs.json']);
  assert.equal(book.state.kind === 'read' && book.state.handoffs[0]?.key, key.value);
});

test('no store is made for a handoff', async (t) => {
  const file = join(folderFor(t), '.todo2', 'handoffs.json');
  const book = await opened(t, file);
  assert.equal(failure(await book.write(DRAFT)).kind, 'writeFailed');
  assert.equal(existsSync(join(file, '..')), false);
});

test('none is dropped when one is added, however many there are', async (t) => {
  const old = Array.from({ length: 30 }, (_, index) => ({ id: `handoff-${index}` }));
  const { file, book } = await storeWith(t, JSON.stringify({ handoffs: old, kept: true }));
  await book.write(DRAFT);
  assert.equal(listIn(file).length, 31);
  assert.deepEqual(listIn(file).slice(0, 30), old);
});

test('handoffs that are written at the same time all arrive, each with an id of its own', async (t) => {
  const { file, book } = await storeWith(t);
  const other = await opened(t, file);
  await Promise.all(
    Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? book : other).write(DRAFT)),
  );
  const ids = listIn(file).map((entry) => entry['id']);
  assert.equal(ids.length, 20);
  assert.equal(new Set(ids).size, 20);
});

test('what another process writes between our read and our write is kept', async (t) => {
  const { file } = await storeWith(t, '{"n": 0}');
  let others = 0;
  const done = await patchJsonFile(file, (text) => {
    const { n } = JSON.parse(text) as { n: number };
    // A writer that knows nothing of us, and is faster twice.
    if (others < 2) writeFileSync(file, JSON.stringify({ n: 10 * ++others }));
    return { text: JSON.stringify({ n: n + 1 }) };
  });
  assert.deepEqual(done, { ok: true, value: 'patched' });
  assert.equal(readFileSync(file, 'utf8'), '{"n":21}');
});

test('a file that another process keeps writing is left to it', async (t) => {
  const { file } = await storeWith(t, '{"n": 0}');
  let n = 0;
  const done = await patchJsonFile(file, () => {
    writeFileSync(file, JSON.stringify({ n: ++n }));
    return { text: '{"ours": true}' };
  });
  assert.match(JSON.stringify(done), /another process keeps writing it/);
  assert.equal(readFileSync(file, 'utf8'), `{"n":${n}}`);
  assert.deepEqual(readdirSync(join(file, '..')), ['handoffs.json']);
});

test('closing, approving and reopening change one word and nothing else', async (t) => {
  const text =
    '{\n  "mine": 1e3,\n  "handoffs": [\n    {"id": "a", "x": {"status": "deep"}}, {"id": "a"}\n  ]\n}\n';
  const { file, book } = await storeWith(t, text);
  const shown = () =>
    book.state.kind === 'read' ? book.state.handoffs : assert.fail(book.state.failure.detail);
  const second = (): ReturnType<typeof shown>[number] => shown()[1]!;
  assert.ok((await book.setStatus(second(), 'closed')).ok);
  assert.equal(
    readFileSync(file, 'utf8'),
    text.replace('{"id": "a"}', '{"id": "a","status": "closed"}'),
  );
  assert.equal(second().status, 'closed');
  assert.ok((await book.setStatus(second(), 'approved')).ok);
  assert.equal(second().status, 'approved');
  assert.ok((await book.setStatus(second(), 'open')).ok);
  assert.equal(readFileSync(file, 'utf8'), text);
  assert.ok((await book.remove(second())).ok);
  assert.deepEqual(
    shown().map((handoff) => handoff.key),
    ['a'],
  );
});

test('a handoff that was changed or removed meanwhile is named, and the file stays as it is', async (t) => {
  const { file, book } = await storeWith(t, '{"handoffs": [{"id": "a"}]}');
  const [shown] = book.state.kind === 'read' ? book.state.handoffs : [];
  assert.ok(shown);
  for (const text of ['{"handoffs": [{"id": "a", "status": "approved"}]}', '{"handoffs": []}']) {
    writeFileSync(file, text);
    assert.deepEqual(failure(await book.setStatus(shown, 'closed')), {
      kind: 'handoffChanged',
      id: 'a',
    });
    assert.equal(readFileSync(file, 'utf8'), text);
  }
  rmSync(file);
  assert.equal(failure(await book.remove(shown)).kind, 'handoffChanged');
  assert.equal(existsSync(file), false);
});

const broken: readonly [name: string, text: string | Buffer, cause: string][] = [
  ['broken JSON', '{"handoffs": [}', 'malformed'],
  ['an end that is cut off', '{"handoffs": [{"id": "a"', 'truncated'],
  ['nothing in it', '', 'empty'],
  ['a list that is none', '{"handoffs": {"id": "a"}}', 'malformed'],
  ['Latin-1', Buffer.from('{"handoffs": [], "x": "\xe4"}', 'latin1'), 'malformed'],
];
for (const [name, text, cause] of broken) {
  test(`a file with ${name} is named and never written over`, async (t) => {
    const { file, book } = await storeWith(t, text as string);
    const failed = failure(await book.write(DRAFT));
    assert.ok(failed.kind === 'unreadable');
    assert.deepEqual([failed.file, failed.cause], [file, cause]);
    assert.deepEqual(readFileSync(file), Buffer.from(text as string));
  });
}

/** A question, as the answer changes from one look to the next. */
const stateOf = (book: Handoffs): HandoffsState => book.state;

test('a file that cannot be read is a state, and is over when it can', async (t) => {
  const { file, book } = await storeWith(t, '{"handoffs": [\n oops');
  assert.equal(stateOf(book).kind, 'read', 'a writer may be in the middle of it');
  utimesSync(file, NOW / 1000 - 60, NOW / 1000 - 60);
  await book.refresh();
  const state = stateOf(book);
  assert.ok(state.kind === 'unreadable');
  assert.match(state.failure.detail, /line 2/);
  writeFileSync(file, '{"handoffs": [{"id": "a"}]}');
  await book.refresh();
  const mended = stateOf(book);
  assert.equal(mended.kind === 'read' && mended.handoffs[0]?.id, 'a');
  rmSync(file);
  await book.refresh();
  assert.deepEqual(stateOf(book), { kind: 'read', handoffs: [], bad: [] });
});

test('a file that is protected stays as it is, and one that is not keeps its mode', async (t) => {
  const { file, book } = await storeWith(t, '{"handoffs": []}');
  chmodSync(file, 0o444);
  const failed = failure(await book.write(DRAFT));
  assert.ok(failed.kind === 'writeFailed');
  assert.match(failed.detail, /read-only/);
  chmodSync(file, 0o640);
  assert.ok((await book.write(DRAFT)).ok);
  assert.equal(statSync(file).mode & 0o777, 0o640);
});

test('ids of one second differ, and one that is taken is passed over', () => {
  const numbers = [0.5, 0.5, 0.25];
  const taken = new Set(['handoff-1772368215500000']);
  assert.equal(
    newHandoffId(NOW, () => numbers.shift() ?? 0, taken),
    'handoff-1772368215250000',
  );
});

test('views are told of a change once, and not of a look that found the same', async (t) => {
  const { file, book } = await storeWith(t, '{"handoffs": []}');
  let told = 0;
  book.onDidChange(() => told++);
  await book.refresh();
  assert.equal(told, 0);
  writeFileSync(file, '{"handoffs": [{}]}');
  await book.refresh();
  await book.refresh();
  assert.equal(told, 1);
});

test('handoffs that lead out of the folder are neither read nor written, and the reason is told', async (t) => {
  const [root, outside] = [folderFor(t), folderFor(t)];
  const file = join(root, '.todo2', 'handoffs.json');
  mkdirSync(join(root, '.todo2'));
  writeFileSync(join(outside, 'there.json'), '{"handoffs":[]}');
  for (const name of ['there.json', 'not-there.json']) {
    symlinkSync(join(outside, name), file);
    const written = failure(await (await opened(t, file, root)).write(DRAFT));
    assert.match('detail' in written ? written.detail : '', /leads out of|a link to nothing/);
    rmSync(file);
  }
  assert.deepEqual(readdirSync(outside), ['there.json']);
  assert.equal(readFileSync(join(outside, 'there.json'), 'utf8'), '{"handoffs":[]}');
});
