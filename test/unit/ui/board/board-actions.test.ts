import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import '../../../support/use-editor-stub.ts';
import type { FromBoard } from '../../../../src/core/board/board-messages.ts';
import type { Evidence } from '../../../../src/core/run/evidence.ts';
import type { RunState, TaskOutcome } from '../../../../src/core/run/run-events.ts';
import { nodeKey, type TreeNode } from '../../../../src/ui/tree-nodes.ts';
import { tasks } from '../../../support/backlog.ts';
import { fakeBacklog, NOW } from '../../../support/fake-backlog.ts';
import { atWork, ended, runAfter, runStarted } from '../../../support/run-events.ts';

const { callsOf } = await import('../../../../src/ui/board/board-actions.ts');
const { boardPage, rootOfState, rootText } = await import('../../../../src/ui/board/board-page.ts');

const WORK: TaskOutcome = {
  kind: 'succeeded',
  status: 'Review',
  evidence: { changes: { added: 1, removed: 0, files: 1 } } as Evidence,
};
const ended1: RunState = runAfter(
  runStarted({ waves: [['T-1']], at: NOW, runId: 'r' }),
  ...atWork('T-1', 1, NOW),
  ended('T-1', WORK, NOW),
  { kind: 'runEnded', at: NOW },
);

/** Each command with the row that it is called on, such as `runTask task|T-1`. */
function calls(message: FromBoard, runs: readonly RunState[] = [ended1]): readonly string[] {
  const backlog = fakeBacklog({ tasks: tasks('T-1', 'T-2'), runs: () => runs });
  return callsOf(backlog, message).map(([command, node]) => {
    const row = node as TreeNode;
    const key =
      row.kind === 'wave' ? `wave ${row.number}` : nodeKey(row).replace(`${backlog.root}|`, '');
    return `${command.replace('todo2Waves.', '')} ${key}`;
  });
}

describe('what a board asks for', () => {
  const cases: readonly [what: string, message: FromBoard, expected: readonly string[]][] = [
    [
      'starts a task as its row does',
      { kind: 'card', action: 'run', ids: ['T-2'] },
      ['runTask task|T-2'],
    ],
    [
      'accepts the work of a run where there is some, else marks as done',
      { kind: 'card', action: 'accept', ids: ['T-1', 'T-2'] },
      ['acceptChanges task|T-1', 'markDone task|T-2'],
    ],
    [
      'sends back likewise',
      { kind: 'card', action: 'sendBack', ids: ['T-1', 'T-2'] },
      ['sendBackWork task|T-1', 'sendBack task|T-2'],
    ],
    ['opens a log', { kind: 'card', action: 'log', ids: ['T-1'] }, ['openTaskLog task|T-1']],
    ['is nothing for a task that is gone', { kind: 'card', action: 'run', ids: ['T-9'] }, []],
    ['starts a wave by its number', { kind: 'wave', wave: 3 }, ['runWave wave 3']],
    [
      'is about the run that the board shows',
      { kind: 'run', action: 'resumeRun', runId: 'r' },
      ['resumeRun endedRun|r'],
    ],
    ['is nothing for a run that is gone', { kind: 'run', action: 'pause', runId: 'x' }, []],
    ['runs everything', { kind: 'run', action: 'runAll' }, ['runAllWaves backlog']],
    ['is done by the board itself', { kind: 'cap', cap: 4 }, []],
  ];
  for (const [what, message, expected] of cases)
    test(what, () => assert.deepEqual(calls(message), expected));
});

describe('the page of a board', () => {
  const root = '/home/me/"><script>alert(1)</script>/shop';
  const webview = {
    cspSource: 'https://*.example-cdn.net',
    asWebviewUri: (uri: { readonly path: string }) => ({ toString: () => `res:${uri.path}` }),
  };
  const page = boardPage(webview as never, { fsPath: '/ext', path: '/ext' } as never, root);

  test('has one script, with a nonce, and allows no other', () => {
    const [, nonce] = /script-src 'nonce-([\w-]+)'/.exec(page) ?? [];
    assert.ok(nonce !== undefined && nonce.length >= 22);
    assert.deepEqual(
      [...page.matchAll(/<script ([^>]*)>/g)].map(([, attributes]) => attributes),
      [`nonce="${nonce}" src="res:/ext/dist/board/board.js"`],
    );
    assert.match(page, /default-src 'none'/);
    assert.doesNotMatch(page, /unsafe|alert/);
  });

  test('finds its backlog again after a reload, and takes nothing else for one', () => {
    assert.equal(rootOfState({ root: rootText(root) }), root);
    for (const state of [undefined, null, 7, {}, { root: 7 }, { root: '' }])
      assert.equal(rootOfState(state), undefined);
  });
});
