import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Locks } from '../../../src/core/ports.ts';
import { fail, ok } from '../../../src/core/result.ts';
import type { TaskChanges } from '../../../src/core/run/isolation.ts';
import type {
  AcceptOutcome,
  KeptWorktree,
  Review,
  ReviewedFile,
  Reviews,
  UndoOutcome,
  WorkPart,
  Merged,
} from '../../../src/core/run/review.ts';
import type { RunState, TaskOutcome } from '../../../src/core/run/run-events.ts';
import { taskId } from '../../../src/core/task.ts';
import { task } from '../../support/backlog.ts';
import {
  answers,
  commands,
  contentProviders,
  lists,
  settings,
  shown,
  trust,
  Uri,
} from '../../support/editor-stub.ts';
import {
  fakeBacklog,
  fakeBacklogs,
  NOW,
  NO_BOARD,
  NO_COMMENTS,
  NO_DOORS,
  NO_WORKSPACE,
  NO_TREE,
} from '../../support/fake-backlog.ts';
import { atWork, ended, failedWith, runAfter, runStarted } from '../../support/run-events.ts';

// After the stub: these import `vscode`.
const { registerCommands } = await import('../../../src/ui/commands.ts');
const { registerReviewFiles, REVIEW_SCHEME, reviewUri } =
  await import('../../../src/ui/review/review-files.ts');
const { parseQuery } = await import('../../../src/ui/documents.ts');

beforeEach(() => {
  for (const list of [answers, shown, lists, commands.executed]) list.length = 0;
  settings.clear();
  trust.isTrusted = true;
});

const ROOT = '/home/me/shop/sub';
const TOP = '/home/me/shop';
const BASE = 'b'.repeat(40);
const COMMIT = 'c'.repeat(40);
const one = taskId('T-1');

const CHANGES: TaskChanges = {
  ...{ branch: 'waves/t-1', base: BASE, commit: COMMIT },
  ...{ files: 1, added: 1, removed: 0 },
};
const succeeded = (changes: TaskChanges | undefined = CHANGES): TaskOutcome => ({
  ...{ kind: 'succeeded', status: 'Review' },
  evidence: {
    ...{ startedAt: 1, endedAt: 2, verify: undefined, files: [], summary: undefined },
    ...{ logFile: undefined, sessionId: undefined, changes },
  },
});
const isolation = { target: 'main', base: BASE, start: 'commit' } as const;

const RUN = runAfter(
  runStarted({ waves: [['T-1', 'T-2', 'T-3']], at: NOW, title: 'All', options: { isolation } }),
  ...atWork('T-1', 1, NOW),
  ended('T-1', succeeded(), NOW),
  ...atWork('T-2', 2, NOW),
  ended('T-2', succeeded({ ...CHANGES, branch: 'waves/t-2' }), NOW),
  ...atWork('T-3', 3, NOW),
  ended('T-3', failedWith({ kind: 'exit' }, 1), NOW),
  { kind: 'runEnded', at: NOW },
);
const SHARED = runAfter(
  runStarted({ runId: 's', waves: [['T-4']], at: NOW, title: 'Shared' }),
  ...atWork('T-4', 1, NOW),
  ended('T-4', succeeded(undefined), NOW),
  { kind: 'runEnded', at: NOW },
);

/** The same tasks in waves that follow one another. */
const IN_WAVES: RunState = {
  ...RUN,
  waves: [[one], [taskId('T-2'), taskId('T-3')]],
  tasks: new Map([...RUN.tasks].map(([id, part]) => [id, { ...part, wave: id === one ? 0 : 1 }])),
};

const file = (path: string, more: Partial<ReviewedFile> = {}): ReviewedFile => ({
  ...{ path, from: undefined, kind: 'modified', added: 1, removed: 0 },
  ...more,
});
const REVIEW: Review = {
  ...{ top: TOP, base: BASE, commit: COMMIT, branch: 'waves/t-1' },
  ...{ files: [file('a.ts')], tasks: [one] },
};
const ACCEPTED: AcceptOutcome = { kind: 'accepted', commit: 'd'.repeat(40), before: BASE };
const inTheWay = {
  kind: 'inTheWay',
  reason: 'Files would\nbe lost.',
  files: ['a', 'b\nc'],
} as const;

interface Answers {
  readonly review?: Partial<Review>;
  readonly outcome?: AcceptOutcome;
  readonly undo?: UndoOutcome;
  readonly reviews?: Partial<Reviews>;
  readonly setStatus?: Locks['setStatus'];
  readonly run?: RunState;
}

const partName = (part: WorkPart | undefined): string | undefined =>
  typeof part === 'object' ? `wave ${part.wave}` : part;

/** A window in which each review is answered so; `asked` is what was asked of it. */
function makeWindow(given: Answers = {}) {
  const asked: string[] = [];
  const note = (...words: readonly (string | undefined)[]): void =>
    void asked.push(words.filter((word) => word !== undefined).join(' '));
  const backlog = fakeBacklog({
    root: ROOT,
    tasks: [
      task('T-1', { status: 'Review', title: 'Dredge\n it' }),
      task('T-2', { status: 'Review' }),
      task('T-3'),
      task('T-4', { status: 'Done' }),
    ],
    runs: () => [given.run ?? RUN, SHARED],
    locks: {
      setStatus:
        given.setStatus ??
        ((id, from, to) => {
          note(id, from, to);
          return Promise.resolve(ok(to));
        }),
    },
  });
  const backlogs = fakeBacklogs([backlog], {
    reviews: {
      changes: (_, part) => {
        note('changes', partName(part));
        return Promise.resolve(ok({ ...REVIEW, ...given.review }));
      },
      textAt: (commit, path) => {
        note('textAt', commit, path);
        return Promise.resolve(path === 'binary' ? undefined : `text of ${path}`);
      },
      accept: ({ runId }, part, way) => {
        note('accept', runId, partName(part), way);
        return Promise.resolve(ok(given.outcome ?? ACCEPTED));
      },
      resolve: () => Promise.reject(new Error('not asked for')),
      mergeAgain: () => Promise.reject(new Error('not asked for')),
      mayGoOn: ({ runId }, id) => {
        note('mayGoOn', runId, id);
        return Promise.resolve(ok(undefined));
      },
      undo: (_, work) => {
        note('undo', work.target, work.before, work.commit);
        return Promise.resolve(ok(given.undo ?? { kind: 'undone' }));
      },
      acceptedOf: () => Promise.resolve(ok([])),
      discard: ({ runId }, id) => {
        note('discard', runId, id);
        return Promise.resolve(ok({ ref: 'refs/waves/discarded/t-1', stays: undefined }));
      },
      worktrees: () => Promise.resolve(ok([])),
      remove: (branch) => {
        note('remove', branch);
        return Promise.resolve(ok(undefined));
      },
      ...given.reviews,
    },
    addNote: (id, text) => {
      note('note', id, text);
      return Promise.resolve(ok(undefined));
    },
  });
  registerCommands({
    ...{ backlogs, selection: () => [], showLog: () => undefined },
    ...{
      agents: NO_DOORS,
      lineComments: NO_COMMENTS,
      openBoard: NO_BOARD,
      workspace: NO_WORKSPACE,
      tree: NO_TREE,
    },
  });
  const press = async (
    name: string,
    node?: object,
    selected: readonly object[] = [],
  ): Promise<readonly string[]> => {
    const row = node === undefined ? undefined : { backlog, ...node };
    const rows = selected.map((each) => ({ backlog, ...each }));
    await commands.registered.get(`todo2Waves.${name}`)?.(row, rows);
    return asked;
  };
  return { backlogs, press, asked };
}

const taskRow = { kind: 'task', taskId: one };
const runRow = { kind: 'run', runId: 'r' };
const waveRow = { kind: 'runWave', runId: 'r', wave: 1 };
const messages = (): readonly string[] => shown.map(({ message }) => message);

describe('merging again', () => {
  const verify = { command: 'npm test', passed: false, exitCode: 1, durationMs: 1, tail: '' };
  const cases: readonly [Merged, string][] = [
    [
      { kind: 'merged', verify: undefined, remarks: ['What was merged is not verified: x'] },
      'Dredge it is merged into the run. What was merged is not verified: x. Accept Changes on the run brings it into your branch.',
    ],
    [
      { kind: 'broken', verify, remarks: [] },
      'Dredge it is not merged: its work breaks npm test once merged with earlier work. Its log has the output.',
    ],
    [{ kind: 'stopped' }, 'Dredge it is not merged, as you cancelled that.'],
    [{ kind: 'conflict', files: ['a\nb', 'c'] }, 'Still in conflict: a b, c.'],
  ];
  for (const [merged, words] of cases)
    test(`says what came of it: ${merged.kind}`, async () => {
      const mergeAgain = () => Promise.resolve(ok(merged));
      await makeWindow({ reviews: { mergeAgain } }).press('mergeAgain', taskRow);
      assert.deepEqual(
        messages().map((message) => message.replace('“Dredge it”', 'Dredge it')),
        [words],
      );
    });
});

describe('reviewing', () => {
  test('opens one diff of all files: new ones have no left side, deleted ones no right', async () => {
    const files = [
      file('a.ts'),
      file('new.ts', { kind: 'added' }),
      file('gone.ts', { kind: 'deleted' }),
      file('now.ts', { kind: 'renamed', from: 'before.ts' }),
    ];
    await makeWindow({ review: { files } }).press('reviewChanges', taskRow);
    const [command, title, resources] = commands.executed[0] ?? [];
    assert.deepEqual([command, title], ['vscode.changes', 'Changes of “Dredge it”']);
    const side = (uri: Uri | undefined): string | undefined => {
      if (uri === undefined) return undefined;
      assert.equal(uri.scheme, REVIEW_SCHEME);
      const { root, key } = parseQuery(uri.query);
      assert.equal(root, ROOT);
      return `${key.charAt(0)}:${uri.path}`;
    };
    assert.deepEqual(
      (resources as readonly [Uri, Uri | undefined, Uri | undefined][]).map(
        ([label, left, right]) => [label.path, side(left), side(right)],
      ),
      [
        [`${TOP}/a.ts`, 'b:/a.ts', 'c:/a.ts'],
        [`${TOP}/new.ts`, undefined, 'c:/new.ts'],
        [`${TOP}/gone.ts`, 'b:/gone.ts', undefined],
        [`${TOP}/now.ts`, 'b:/before.ts', 'c:/now.ts'],
      ],
    );
  });

  test('says so where nothing has changed, and opens nothing', async () => {
    await makeWindow({ review: { files: [] } }).press('reviewChanges', runRow);
    assert.deepEqual(messages(), ['“All” has changed no files.']);
    assert.deepEqual(commands.executed, []);
  });

  test('tells why there is nothing to show', async () => {
    const detail = 'This run has no branch any more.';
    const changes = () => Promise.resolve(fail({ kind: 'isolation', detail } as const));
    await makeWindow({ reviews: { changes } }).press('reviewChanges', runRow);
    assert.deepEqual(messages(), [detail]);
    assert.deepEqual(commands.executed, []);
  });

  test('from the palette offers runs with worktrees and their tasks with changes', async () => {
    const { press } = makeWindow();
    answers.push('“Title of T-2”');
    assert.deepEqual(await press('reviewChanges'), ['changes T-2']);
    assert.deepEqual(
      lists[0]?.map(({ label }) => label),
      ['$(history) All', '“Dredge it”', '“Title of T-2”'],
    );
    assert.deepEqual(await makeWindow().press('reviewChanges'), [], 'none was picked');
  });

  test('of a wave shows what came in with it, from its row or the palette', async () => {
    const { press } = makeWindow({ run: IN_WAVES });
    assert.deepEqual(await press('reviewChanges', waveRow), ['changes wave 1']);
    assert.equal(commands.executed[0]?.[1], 'Changes of wave 1 of “All”');
    answers.push('$(layers) Wave 0');
    assert.deepEqual(await press('reviewChanges'), ['changes wave 1', 'changes wave 0']);
  });

  test('is not possible in a window that is not trusted', async () => {
    trust.isTrusted = false;
    for (const name of ['reviewChanges', 'acceptChanges', 'discardChanges', 'cleanUpWorktrees'])
      assert.deepEqual(await makeWindow().press(name, taskRow), [], name);
    assert.equal(shown.length, 4);
  });
});

describe('a file of a review', () => {
  const read = async (uri: unknown) => {
    const { backlogs, asked } = makeWindow();
    registerReviewFiles(backlogs);
    const provider = contentProviders.get(REVIEW_SCHEME);
    assert.ok(provider);
    return { text: await provider.provideTextDocumentContent(uri as Uri), asked };
  };

  test('is the text that a commit has, whatever its name', async () => {
    for (const path of ['a.ts', '-x', '../x', 'a?b#c', '%2e%2e/x', 'ü “x”', ' ', 'a\nb', '$(x)']) {
      const { text, asked } = await read(reviewUri(ROOT, COMMIT, path));
      assert.equal(text, `text of ${path}`);
      assert.deepEqual(asked, [`textAt ${COMMIT} ${path}`]);
    }
    assert.doesNotThrow(() => reviewUri(ROOT, COMMIT, 'half a pair \ud800'));
    const { text } = await read(reviewUri(ROOT, COMMIT, 'binary'));
    assert.equal(text, 'This file cannot be shown as text.\n');
  });

  test('is empty for what is no commit, or of no open backlog, and Git is not asked', async () => {
    const commits = ['', 'main', 'HEAD', '--output=/tmp/x', COMMIT.toUpperCase(), `${COMMIT}^`];
    const queries = [
      ...[...commits, `${COMMIT}\n`, 'c'.repeat(41)].map((commit) =>
        JSON.stringify([ROOT, commit]),
      ),
      JSON.stringify(['/elsewhere', COMMIT]),
      ...['', '{}', 'x', '[1,2]', 'null'],
    ];
    for (const query of queries) {
      const uri = Uri.from({ scheme: REVIEW_SCHEME, path: '/a.ts', query });
      assert.deepEqual(await read(uri), { text: '', asked: [] }, query);
    }
    assert.equal((await read(reviewUri(ROOT, undefined, 'a.ts'))).text, '');
  });
});

describe('accepting', () => {
  test('asks, sets the task to Done, notes the commit, and offers an undo', async () => {
    answers.push('Accept');
    const commit = 'd'.repeat(40);
    assert.deepEqual(await makeWindow().press('acceptChanges', taskRow), [
      'changes T-1',
      'accept r T-1 merge',
      'T-1 Review Done',
      `note T-1 Accepted into main as ${commit}.`,
    ]);
    assert.deepEqual(shown, [
      {
        message: 'Accept the changes of “Dredge it” into main?',
        detail: '1 file: a.ts\n\nA merge commit is made.',
        buttons: ['Accept'],
      },
      { message: 'The changes of “Dredge it” are in main.', detail: undefined, buttons: ['Undo'] },
    ]);
  });

  test('of work without changes says so', async () => {
    await makeWindow({ review: { files: [] } }).press('acceptChanges', taskRow);
    assert.equal(shown[0]?.detail, 'No files.\n\nA merge commit is made.');
  });

  test('does nothing where the user does not press the button', async () => {
    assert.deepEqual(await makeWindow().press('acceptChanges', taskRow), ['changes T-1']);
  });

  const rowOf = (id: string): object => ({ kind: 'task', taskId: taskId(id) });
  const four = ['T-1', 'T-2', 'T-3', 'T-4'].map(rowOf);

  test('of several rows asks once, and takes each that has something to accept', async () => {
    assert.deepEqual(await makeWindow().press('acceptChanges', taskRow, four), []);
    assert.equal(shown[0]?.message, 'Accept the work on 2 tasks?');
    assert.equal(shown[0].detail, '“Dredge it”\n“Title of T-2”');
    answers.push('Accept');
    const asked = await makeWindow().press('acceptChanges', taskRow, four);
    assert.deepEqual(
      asked.filter((line) => line.startsWith('accept')),
      ['accept r T-1 merge', 'accept r T-2 merge'],
    );
    for (const id of ['T-1', 'T-2']) assert.ok(asked.includes(`${id} Review Done`), id);
  });

  test('of several rows marks as done what is in Review without work of its own', async () => {
    answers.push('Accept');
    const { options } = RUN;
    const run = { ...RUN, runId: 'x', tasks: new Map(), options };
    const asked = await makeWindow({ run }).press('acceptChanges', taskRow, four);
    assert.deepEqual(asked, ['T-1 Review Done', 'T-2 Review Done']);
  });

  test('of several rows stops at the first that does not fit, and names it', async () => {
    answers.push('Accept');
    const outcome = { kind: 'conflict', files: ['a'] } as const;
    const asked = await makeWindow({ outcome }).press('acceptChanges', taskRow, four);
    assert.deepEqual(asked, ['changes T-1', 'accept r T-1 merge']);
    assert.match(messages().at(-1) ?? '', /^“Dredge it”: Nothing was accepted: it conflicts/);
  });

  test('names the other tasks whose work comes with it, and sets them to Done, too', async () => {
    answers.push('Accept');
    const tasks = [one, taskId('T-2'), taskId('T-3')];
    const files = [1, 2, 3, 4, 5, 6, 7].map((n) => file(`${n}\n.ts`));
    const asked = await makeWindow({ review: { tasks, files } }).press('acceptChanges', taskRow);
    assert.equal(
      shown[0]?.detail,
      [
        '7 files: 1 .ts, 2 .ts, 3 .ts, 4 .ts, 5 .ts and 2 more',
        'It was built on other tasks, whose work comes with it: “Title of T-2”, “Title of T-3”.',
        'A merge commit is made.',
      ].join('\n\n'),
    );
    const done = asked.filter((line) => line.endsWith('Done'));
    assert.deepEqual(done, ['T-1 Review Done', 'T-2 Review Done'], 'T-3 is a Todo');
  });

  test('of a wave names the tasks of the waves before it, whose work comes with it', async () => {
    answers.push('Accept');
    const review = { tasks: [one, taskId('T-2')] };
    const asked = await makeWindow({ review, run: IN_WAVES }).press('acceptChanges', waveRow);
    assert.equal(shown[0]?.message, 'Accept the changes of wave 1 of “All” into main?');
    assert.match(shown[0].detail ?? '', /whose work comes with it: “Dredge it”\./);
    assert.equal(asked[1], 'accept r wave 1 merge');
    assert.equal(asked.filter((line) => line.endsWith('Done')).length, 2);
  });

  test('of a run by squash sets all of its merged tasks to Done', async () => {
    settings.set('acceptWay', 'squash');
    answers.push('Accept');
    const review = { tasks: [one, taskId('T-2')] };
    const asked = await makeWindow({ review }).press('acceptChanges', runRow);
    assert.equal(asked[1], 'accept r squash');
    assert.match(shown[0]?.detail ?? '', /\n\nOne commit with all of it is made\.$/);
    assert.doesNotMatch(shown[0]?.detail ?? '', /built on/);
    assert.equal(asked.filter((line) => line.endsWith('Done')).length, 2);
  });

  test('of what the branch has already sets to Done what it has', async () => {
    answers.push('Accept');
    const acceptedOf = () => Promise.resolve(ok([taskId('T-2'), taskId('T-4')]));
    const window = makeWindow({
      ...{ outcome: { kind: 'nothing' }, review: { tasks: [] }, reviews: { acceptedOf } },
    });
    const asked = await window.press('acceptChanges', runRow);
    assert.deepEqual(asked.slice(2), ['T-2 Review Done'], 'no commit is noted');
    assert.deepEqual(messages().slice(1), ['main has it already.']);
  });

  const refusals: readonly [outcome: AcceptOutcome, words: string][] = [
    [
      { kind: 'diverged' },
      'Nothing was accepted: main has commits of its own, so it cannot be fast-forwarded. ' +
        'Choose another way in the setting todo2Waves.acceptWay.',
    ],
    [
      { kind: 'conflict', files: ['a', 'b\nc'] },
      'Nothing was accepted: it conflicts with main in a, b c.',
    ],
    [inTheWay, 'Nothing was accepted. Files would be lost. In the way: a, b c.'],
    [{ ...inTheWay, files: [] }, 'Nothing was accepted. Files would be lost.'],
  ];
  for (const [outcome, words] of refusals)
    test(`says why nothing was accepted: ${words}`, async () => {
      answers.push('Accept');
      const asked = await makeWindow({ outcome }).press('acceptChanges', taskRow);
      assert.deepEqual(asked, ['changes T-1', 'accept r T-1 merge']);
      assert.equal(messages().at(-1), words);
    });

  test('tells a failure, and sets nothing to Done', async () => {
    answers.push('Accept');
    const detail = 'The branch main is gone.';
    const accept = () => Promise.resolve(fail({ kind: 'isolation', detail } as const));
    const asked = await makeWindow({ reviews: { accept } }).press('acceptChanges', taskRow);
    assert.deepEqual(asked, ['changes T-1']);
    assert.equal(messages().at(-1), detail);
  });

  test('still offers the undo where a task could not be set to Done', async () => {
    answers.push('Accept', 'Undo');
    const setStatus: Locks['setStatus'] = () =>
      Promise.resolve(fail({ kind: 'busy', file: 'todo2.db', waitedMs: 1 }));
    const asked = await makeWindow({ setStatus }).press('acceptChanges', taskRow);
    assert.equal(asked.at(-1), `undo main ${BASE} ${'d'.repeat(40)}`);
  });

  const undos: readonly [undo: UndoOutcome, words: string][] = [
    [{ kind: 'undone' }, 'main is as it was before. The tasks keep their status.'],
    [{ kind: 'movedOn' }, 'Nothing was undone: main has later commits.'],
    [inTheWay, 'Nothing was undone. Files would be lost. In the way: a, b c.'],
  ];
  for (const [undo, words] of undos)
    test(`can be undone: ${words}`, async () => {
      answers.push('Accept', 'Undo');
      const asked = await makeWindow({ undo }).press('acceptChanges', taskRow);
      assert.equal(asked.at(-1), `undo main ${BASE} ${'d'.repeat(40)}`);
      assert.equal(messages().at(-1), words);
    });
});

describe('discarding', () => {
  test('asks, says what is kept and what stays, and where it is', async () => {
    answers.push('Discard');
    const asked = await makeWindow().press('discardChanges', taskRow);
    assert.deepEqual(asked, ['discard r T-1', 'T-1 Review Todo']);
    assert.equal(shown[0]?.message, 'Discard the changes of “Dredge it”?');
    assert.match(shown[0].detail ?? '', /^Its worktree and its branch are removed\. .* is kept/);
    assert.equal(messages()[1], 'The work is kept as refs/waves/discarded/t-1.');
    assert.deepEqual(await makeWindow().press('discardChanges', taskRow), [], 'not pressed');
  });

  test('says why the worktree is still there', async () => {
    answers.push('Discard');
    const kept = { ref: 'refs/waves/discarded/t-1', stays: 'A program uses it.' };
    const discard = () => Promise.resolve(ok(kept));
    await makeWindow({ reviews: { discard } }).press('discardChanges', taskRow);
    assert.equal(
      messages()[1],
      `The work is kept as ${kept.ref}. Its worktree is still there: A program uses it.`,
    );
  });

  test('is for tasks: a run has none of its own to discard', async () => {
    assert.deepEqual(await makeWindow().press('discardChanges', runRow), []);
    answers.push('“Dredge it”', 'Discard');
    assert.deepEqual(await makeWindow().press('discardChanges'), [
      'discard r T-1',
      'T-1 Review Todo',
    ]);
    assert.deepEqual(
      lists[0]?.map(({ label }) => label),
      ['“Dredge it”', '“Title of T-2”'],
    );
  });
});

const kept = (branch: string, more: Partial<KeptWorktree> = {}): KeptWorktree => ({
  ...{ branch, folder: `/trees/${branch}`, size: 2_000, changedAt: NOW, why: undefined },
  ...more,
});

describe('the worktree', () => {
  test('is opened in a window of its own', async () => {
    const worktrees = () => Promise.resolve(ok([kept('waves/other'), kept('waves/t-1')]));
    await makeWindow({ reviews: { worktrees } }).press('openWorktree', taskRow);
    const [command, uri, options] = commands.executed[0] ?? [];
    assert.equal(command, 'vscode.openFolder');
    assert.equal((uri as Uri).path, '/trees/waves/t-1');
    assert.deepEqual(options, { forceNewWindow: true });
  });

  test('is not opened where it, or its folder, is gone', async () => {
    for (const all of [[], [kept('waves/t-1', { changedAt: 0, size: 0 })]]) {
      const worktrees = () => Promise.resolve(ok(all));
      await makeWindow({ reviews: { worktrees } }).press('openWorktree', taskRow);
      assert.equal(messages().at(-1), '“Dredge it” has no worktree any more.');
    }
    assert.deepEqual(commands.executed, []);
  });
});

describe('cleaning up', () => {
  const all = [
    kept('waves/t-1'),
    kept('waves/t-2', { size: 3 * 1024 * 1024, changedAt: 0 }),
    kept('waves/t-3', { why: 'Not committed: a.ts.' }),
  ];
  const worktrees = () => Promise.resolve(ok(all));

  test('lists each with size, age and why it stays, and removes what the user picks', async () => {
    answers.push('t-1|t-2');
    const asked = await makeWindow({ reviews: { worktrees } }).press('cleanUpWorktrees');
    assert.deepEqual(asked, ['remove waves/t-1', 'remove waves/t-2']);
    const lines = lists[0] as unknown as readonly Readonly<Record<string, unknown>>[];
    assert.deepEqual(
      lines.map(({ label, detail, picked }) => [label, detail, picked]),
      [
        ['waves/t-1', 'Nothing is lost with it. /trees/waves/t-1', true],
        ['waves/t-2', 'Nothing is lost with it. /trees/waves/t-2', true],
        ['waves/t-3', 'Stays: Not committed: a.ts. /trees/waves/t-3', false],
      ],
    );
    assert.match(String(lines[0]?.['description']), /^2 KB · /);
    assert.equal(lines[1]?.['description'], '3.0 MB');
    assert.deepEqual(messages(), ['2 worktrees removed.']);
  });

  test('goes on after one that cannot be removed, and says which stayed and why', async () => {
    answers.push('t-1|t-2|t-3');
    const remove: Reviews['remove'] = (branch) =>
      Promise.resolve(
        branch.endsWith('1')
          ? fail({ kind: 'isolation', detail: 'Git was not found.' })
          : ok(branch.endsWith('3') ? 'It is locked in Git.' : undefined),
      );
    await makeWindow({ reviews: { worktrees, remove } }).press('cleanUpWorktrees');
    assert.deepEqual(messages(), [
      '1 worktree removed. waves/t-1: Git was not found. waves/t-3: It is locked in Git.',
    ]);
  });

  test('does nothing where the user picks none, and says so where there is none', async () => {
    const picked = makeWindow({ reviews: { worktrees } });
    assert.deepEqual(await picked.press('cleanUpWorktrees'), []);
    assert.deepEqual(shown, []);
    await makeWindow().press('cleanUpWorktrees');
    assert.deepEqual(messages(), ['There are no worktrees of Todo2 Waves.']);
  });
});
