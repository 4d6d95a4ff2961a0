import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import type { Backlog } from '../../../src/core/backlog.ts';
import { fail, ok } from '../../../src/core/result.ts';
import { taskId, type Task } from '../../../src/core/task.ts';
import { lock, task, tasks } from '../../support/backlog.ts';
import { answers, commands, shown, trust } from '../../support/editor-stub.ts';
import {
  fakeBacklog,
  fakeBacklogs,
  ME,
  NOW,
  NO_BOARD,
  NO_COMMENTS,
  NO_DOORS,
  NO_WORKSPACE,
  NO_TREE,
} from '../../support/fake-backlog.ts';

// After the stub: it imports `vscode`.
const { registerCommands } = await import('../../../src/ui/commands.ts');

const MINUTE = 60_000;

beforeEach(() => {
  for (const list of [answers, shown]) list.length = 0;
  trust.isTrusted = true;
});

/** A backlog whose locks remember what was asked of them; every claim is granted but one of T-9. */
function makeWindow(all: readonly Task[]) {
  const asked: string[] = [];
  const grant = (id: string) => ({
    ...{ id: taskId(id), holder: ME, since: NOW, until: NOW + 1, fresh: true, version: 2 },
  });
  const backlog: Backlog = fakeBacklog({
    tasks: all,
    alive: [42],
    locks: {
      claim: (id, _, consent) => {
        asked.push(`claim ${id}${consent === undefined ? '' : ` ${consent}`}`);
        return Promise.resolve(ok(grant(id)));
      },
      claimAll: (ids) => {
        asked.push(`claim all ${ids.join(' ')}`);
        const held = ids.find((id) => id === 'T-9');
        if (held !== undefined) {
          return Promise.resolve(
            fail({ kind: 'held', id: held, holder: 'claude-x-1', until: NOW + 5 * MINUTE }),
          );
        }
        return Promise.resolve(ok(ids.map(grant)));
      },
      claimNext: (ids) => Promise.resolve(ok(grant(ids[0] ?? ''))),
      forceRelease: (id, { holder }, reason) => {
        asked.push(`take ${id} off ${holder}: ${reason}`);
        return Promise.resolve(ok('Todo' as const));
      },
      release: (id) => {
        asked.push(`finish ${id}`);
        return Promise.resolve(ok('Todo' as const));
      },
    },
  });
  registerCommands({
    backlogs: fakeBacklogs([backlog]),
    ...{
      selection: () => [],
      showLog: () => undefined,
      agents: NO_DOORS,
      lineComments: NO_COMMENTS,
      openBoard: NO_BOARD,
      workspace: NO_WORKSPACE,
      tree: NO_TREE,
    },
  });
  const rows = (ids: string) =>
    ids.split(' ').map((id) => ({ kind: 'task', backlog, taskId: taskId(id) }));
  const run = async (name: string, ...args: unknown[]): Promise<void> => {
    await commands.registered.get(`todo2Waves.${name}`)?.(...args);
  };
  return { backlog, asked, rows, run };
}

test('claiming the next ready task says which one it is', async () => {
  const { run } = makeWindow(tasks('T-1'));
  await run('claimNext');
  assert.equal(shown[0]?.message, '“Title of T-1” (T-1) is yours.');
});

test('a wave is claimed as a whole: what is in review or blocked is not asked for', async () => {
  const { backlog, asked, run } = makeWindow(tasks('T-1', '?T-2', '#T-3', 'T-4'));
  await run('claimWave', { kind: 'wave', backlog, number: 0 });
  assert.deepEqual(asked, ['claim all T-1 T-4']);
});

test('a wave whose tasks have to wait is claimed only after a question that names them', async () => {
  const { backlog, asked, run } = makeWindow(tasks('T-1', 'T-2 < T-1'));
  await run('claimWave', { kind: 'wave', backlog, number: 1 });
  assert.deepEqual(asked, [], 'the question was dismissed');
  assert.equal(shown[0]?.message, '1 task of 1 is not ready. Claim anyway?');
  assert.equal(shown[0].detail, 'Title of T-2: waits for T-1 (Todo)');
  answers.push('Claim');
  await run('claimWave', { kind: 'wave', backlog, number: 1 });
  assert.deepEqual(asked, ['claim all T-2']);
});

test('of several selected rows all are claimed or none, and the first in the way is named', async () => {
  const { asked, rows, run } = makeWindow(tasks('T-1', 'T-2', 'T-9'));
  const selected = rows('T-1 T-2 T-9');
  await run('claimTask', selected[0], selected);
  assert.deepEqual(asked, ['claim all T-1 T-2 T-9']);
  assert.match(shown[0]?.message ?? '', /^T-9 is held by claude-x-1 until/);
});

test('of several selected rows those that are ours are released, one by one', async () => {
  const mine = { status: 'In Progress', lock: lock(ME, NOW + MINUTE) } as const;
  const { asked, rows, run } = makeWindow([task('T-1', mine), task('T-2'), task('T-3', mine)]);
  const selected = rows('T-1 T-2 T-3');
  await run('releaseTask', selected[1], selected);
  assert.deepEqual(asked, ['finish T-1', 'finish T-3']);
});

describe('taking something from somebody asks first, and says what is known of them', () => {
  const cases: readonly [
    name: string,
    command: string,
    holder: string,
    until: number | undefined,
    words: RegExp,
    done: string,
  ][] = [
    [
      'a lease that ended, of a process that is gone',
      'takeOverTask',
      'claude-desk-7',
      NOW - 12 * MINUTE,
      /from claude-desk-7\? Its lease ended 12 min ago\..*this machine has ended/,
      'claim T-1',
    ],
    [
      'an assignment without an end, on another machine',
      'takeOverTask',
      'claude-elsewhere-7',
      undefined,
      /assignment has no expiry\..*on another machine/,
      'claim T-1 takeUnleased',
    ],
    [
      'a lease that runs, of a process that lives here',
      'forceRelease',
      'claude-desk-42',
      NOW + 90 * MINUTE,
      /lock of claude-desk-42 on .+\? Its lease runs for another 1 h 30 min\..*is alive on this machine.*goes back to Todo/,
      'take T-1 off claude-desk-42: released by the user; the holder’s process: alive',
    ],
    [
      'a name that says nothing of a process',
      'forceRelease',
      'somebody',
      NOW - MINUTE,
      /it is unknown whether/,
      'take T-1 off somebody: released by the user; the holder’s process: unknown',
    ],
  ];
  for (const [name, command, holder, until, words, done] of cases) {
    test(name, async () => {
      const { asked, rows, run } = makeWindow([
        task('T-1', { status: 'In Progress', lock: lock(holder, until) }),
      ]);
      await run(command, ...rows('T-1'));
      assert.deepEqual(asked, [], 'the question was dismissed');
      assert.match(`${shown[0]?.message ?? ''} ${shown[0]?.detail ?? ''}`, words);
      answers.push(command === 'forceRelease' ? 'Force Release' : 'Take Over');
      await run(command, ...rows('T-1'));
      assert.deepEqual(asked, [done]);
    });
  }
});

test('nothing is taken or claimed in a window that is not trusted', async () => {
  trust.isTrusted = false;
  const { asked, rows, run } = makeWindow(tasks('T-1', 'T-2'));
  answers.push('Force Release', 'Take Over', 'Claim');
  for (const name of ['claimNext', 'claimWave', 'forceRelease', 'takeOverTask'])
    await run(name, ...rows('T-1'));
  await run('claimTask', rows('T-1')[0], rows('T-1 T-2'));
  assert.deepEqual(asked, []);
});
