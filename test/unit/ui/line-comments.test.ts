import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import { taskId } from '../../../src/core/task.ts';
import {
  commenting,
  documents,
  Position,
  Range,
  shown,
  threads,
  Uri,
} from '../../support/editor-stub.ts';

// After the stub: these import `vscode`.
const { LINE_COMMENT_MOST, LineComments } = await import('../../../src/ui/review/line-comments.ts');
const { reviewUri, reviewedWork, workUri } = await import('../../../src/ui/review/review-files.ts');

const ROOT = '/home/me/shop';
const COMMIT = 'c'.repeat(40);
const LATER = 'd'.repeat(40);
const WORK = { runId: 'r', id: taskId('T-1') };
const OTHER = { runId: 'r', id: taskId('T-2') };

type Comments = InstanceType<typeof LineComments>;
type Thread = typeof threads extends Set<infer T> ? T : never;
interface ShownComment {
  body: unknown;
  readonly mode: number;
}

let memory: Map<string, unknown>;
beforeEach(() => {
  memory = new Map();
  shown.length = 0;
  threads.clear();
  documents.clear();
  documents.set('/a.ts', 'one\r\ntwo\nthree\n');
});

function open(mayComment = true): Comments {
  threads.clear();
  return new LineComments(
    {
      get: <T>(key: string, otherwise?: T) => (memory.get(key) ?? otherwise) as T,
      update: (key: string, value: unknown) => Promise.resolve(void memory.set(key, value)),
    },
    () => mayComment,
  );
}

/** What the editor makes of a press on + in the gutter, lines from 0. */
function thread(path: string, from: number, to = from, work = WORK): Thread {
  const uri = workUri({ root: ROOT, commit: COMMIT, path, ...work }) as unknown as Uri;
  const made: Thread = {
    ...{ uri, range: new Range(new Position(from, 0), new Position(to, 3)), comments: [] },
    dispose: () => void threads.delete(made),
  };
  threads.add(made);
  return made;
}

const commentsOf = ({ comments }: Thread) => comments as readonly ShownComment[];
const bodies = (): readonly unknown[] =>
  [...threads].flatMap((each) => commentsOf(each).map(({ body }) => body));

describe('comments on lines', () => {
  test('can be made on the side that has the work of a task, and nowhere else', () => {
    open();
    const ranges = (uri: unknown) =>
      commenting.commentingRangeProvider
        ?.provideCommentingRanges({ uri: uri as Uri, lineCount: 4 })
        .map(({ start, end }) => [start.line, end.line]);
    const work = { root: ROOT, commit: COMMIT, path: 'a.ts', ...WORK };
    assert.deepEqual(ranges(workUri(work)), [[0, 3]]);
    assert.deepEqual(ranges(reviewUri(ROOT, COMMIT, 'a.ts')), [], 'the left side, or a whole run');
    assert.deepEqual(ranges(Uri.file('/a.ts')), []);
    open(false);
    assert.deepEqual(ranges(workUri(work)), [], 'a run that is not known');
  });

  test('are named by the run, the task, the file and its commit, whatever they are called', () => {
    for (const path of ['a.ts', 'a?b#c', '%2e%2e/x', 'ü “x”', ' ']) {
      const work = { root: ROOT, commit: COMMIT, path, runId: 'r', id: taskId('T "1"\n') };
      assert.deepEqual(reviewedWork(workUri(work)), work);
    }
    for (const query of ['', '{}', '[]', `["${ROOT}","${COMMIT}","r",""]`, '["a","b","c",1]'])
      assert.equal(
        reviewedWork(Uri.from({ scheme: 'todo2-waves-file', path: '/a', query }) as never),
        undefined,
        query,
      );
  });

  test('keep the lines that they are about, in the order of files and lines', async () => {
    const comments = open();
    await comments.add({ thread: thread('b.ts', 0), text: 'Third' });
    await comments.add({ thread: thread('a.ts', 2), text: ' Second \n' });
    const several = thread('a.ts', 0, 1);
    await comments.add({ thread: several, text: 'First' });
    await comments.add({ thread: several, text: 'A reply' });
    await comments.add({ thread: thread('a.ts', 0, 0, OTHER), text: 'Of another task' });
    await comments.add({ thread: thread('a.ts', 0), text: '  ' });
    await comments.add(undefined);
    assert.deepEqual(comments.of(ROOT, WORK), [
      { path: 'a.ts', line: 1, quote: 'one\ntwo', text: 'First' },
      { path: 'a.ts', line: 1, quote: 'one\ntwo', text: 'A reply' },
      { path: 'a.ts', line: 3, quote: 'three', text: 'Second' },
      { path: 'b.ts', line: 1, quote: '', text: 'Third' },
    ]);
    assert.deepEqual(comments.of('/elsewhere', WORK), []);
  });

  test('are plain text: no link of theirs runs a command', async () => {
    const text = '[x](command:workbench.action.quit) <img src=x> $(zap)';
    const made = thread('a.ts', 0);
    await open().add({ thread: made, text });
    assert.equal(commentsOf(made)[0]?.body, text, 'a string is not read as Markdown');
  });

  test('can be edited, and an edit can be cancelled', async () => {
    const comments = open();
    const made = thread('a.ts', 0);
    await comments.add({ thread: made, text: 'First' });
    const [comment] = commentsOf(made);
    assert.ok(comment);
    const type = (text: string): void => void (comment.body = text);
    comments.edit(comment);
    assert.equal(comment.mode, 0);
    type('Other');
    comments.cancel(comment);
    assert.deepEqual([comment.body, comment.mode], ['First', 1]);
    type('Better');
    await comments.save(comment);
    assert.deepEqual([comment.body, comment.mode], ['Better', 1]);
    type(' ');
    await comments.save(comment);
    assert.equal(comments.of(ROOT, WORK)[0]?.text, 'Better', 'an empty one is no comment');
    comments.edit({ body: 'of another extension' });
  });

  test('survive a reload of the window, several of a thread together', async () => {
    const before = open();
    const made = thread('a.ts', 0, 1);
    await before.add({ thread: made, text: 'First' });
    await before.add({ thread: made, text: 'A reply' });
    await before.add({ thread: thread('a.ts', 2, 2, OTHER), text: 'Of another task' });
    const known = before.of(ROOT, WORK);
    const after = open();
    assert.deepEqual(after.of(ROOT, WORK), known);
    assert.deepEqual(bodies(), ['First', 'A reply', 'Of another task']);
    const [first] = threads;
    assert.ok(first);
    assert.deepEqual(
      [first.uri.path, first.range.start.line, first.range.end.line],
      ['/a.ts', 0, 1],
    );
    for (const damaged of ['', 'x', '[{}]', '{"a":1}']) {
      memory.set('todo2Waves.lineComments', damaged);
      assert.deepEqual(open().of(ROOT, WORK), [], damaged);
    }
  });

  test('go when they are deleted or sent back, and their threads with them', async () => {
    const comments = open();
    const made = thread('a.ts', 0);
    await comments.add({ thread: made, text: 'First' });
    await comments.add({ thread: made, text: 'Second' });
    await comments.add({ thread: thread('b.ts', 0, 0, OTHER), text: 'Of another task' });
    await comments.remove(commentsOf(made)[0]);
    assert.deepEqual(bodies(), ['Second', 'Of another task']);
    await comments.clear(ROOT, WORK);
    assert.deepEqual(bodies(), ['Of another task']);
    assert.equal(threads.size, 1);
    assert.deepEqual(open().of(ROOT, WORK), []);
  });

  test('go along to a later commit, to where their lines are now', async () => {
    const comments = open();
    await comments.add({ thread: thread('a.ts', 1), text: 'On two' });
    await comments.add({ thread: thread('gone.ts', 4), text: 'On a file that is gone' });
    const texts = new Map([['a.ts', 'two\nzero\none\ntwo\nthree\n']]);
    await comments.follow(ROOT, WORK, LATER, (path) => Promise.resolve(texts.get(path)));
    assert.deepEqual(
      comments.of(ROOT, WORK).map(({ path, line }) => `${path}:${line}`),
      ['a.ts:1', 'gone.ts:5'],
      'the nearer of two',
    );
    assert.deepEqual(
      [...threads].map(({ uri }) => reviewedWork(uri as never)?.commit),
      [LATER, LATER],
    );
    assert.deepEqual(open().of(ROOT, WORK).length, 2);
  });

  test('are not added to work that was sent back since its diff was opened', async () => {
    const comments = open(false);
    await comments.add({ thread: thread('a.ts', 0), text: 'Too late' });
    assert.match(shown.map(({ message }) => message).join(), /^This work was sent back, /);
    assert.deepEqual(comments.of(ROOT, WORK), []);
  });

  test('are bounded in number and length', async () => {
    const comments = open();
    const made = thread('a.ts', 0);
    await comments.add({ thread: made, text: 'x'.repeat(5_000) });
    for (let n = 1; n < LINE_COMMENT_MOST.count; n++)
      await comments.add({ thread: made, text: `Comment ${n}` });
    const messages = (): readonly string[] => shown.map(({ message }) => message);
    assert.deepEqual(messages(), []);
    await comments.add({ thread: made, text: 'One more' });
    assert.match(messages()[0] ?? '', /^A task can have 100 comments on lines\. /);
    const all = comments.of(ROOT, WORK);
    assert.equal(all.length, LINE_COMMENT_MOST.count);
    assert.equal(all[0]?.text.length, LINE_COMMENT_MOST.text);
  });
});
