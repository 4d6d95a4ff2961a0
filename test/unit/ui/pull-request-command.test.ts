import assert from 'node:assert/strict';
import { beforeEach, test } from 'node:test';
import '../../support/use-editor-stub.ts';
import { fail, ok } from '../../../src/core/result.ts';
import type { PullRequestPlan, PullRequests } from '../../../src/core/run/pull-request.ts';
import { answers, commands, installed, opens, shown, trust } from '../../support/editor-stub.ts';
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
import { runAfter, runStarted } from '../../support/run-events.ts';

// After the stub: it imports `vscode`.
const { registerCommands } = await import('../../../src/ui/commands.ts');

beforeEach(() => {
  for (const list of [answers, shown, commands.executed, opens]) list.length = 0;
  installed.clear();
  trust.isTrusted = true;
});

const isolation = { target: 'main', base: 'b'.repeat(40), start: 'commit' } as const;
const RUN = runAfter(
  runStarted({ waves: [['T-1']], at: NOW, title: 'Dredge\nit', options: { isolation } }),
);
const PLAN: PullRequestPlan = {
  ...{ top: '/home/me/shop', remote: 'origin', url: 'https://example.org/shop.git' },
  ...{ branch: 'waves/run-r', commit: 'c'.repeat(40), commits: 2, target: 'main' },
  ...{ title: 'Dredge it', body: 'Body.', whyNoCli: undefined },
};
const NO_CLI = 'The GitHub CLI (gh) was not found.';
const URL = 'https://github.com/me/shop/pull/7';

/** Presses the command on the row of the run; answers what was asked of the repository. */
async function press(
  plan: Partial<PullRequestPlan> = {},
  more: Partial<PullRequests> = {},
): Promise<readonly string[]> {
  const asked: string[] = [];
  const backlog = fakeBacklog({ runs: () => [RUN] });
  registerCommands({
    ...{ selection: () => [], showLog: () => undefined },
    ...{
      agents: NO_DOORS,
      lineComments: NO_COMMENTS,
      openBoard: NO_BOARD,
      workspace: NO_WORKSPACE,
      tree: NO_TREE,
    },
    backlogs: fakeBacklogs([backlog], {
      pullRequests: {
        plan: ({ runId }, id) => {
          asked.push(`plan ${runId} ${id ?? ''}`.trim());
          return Promise.resolve(ok({ ...PLAN, ...plan }));
        },
        push: ({ branch, remote }) => {
          asked.push(`push ${branch} to ${remote}`);
          return Promise.resolve(ok(undefined));
        },
        create: ({ title }) => {
          asked.push(`create ${title}`);
          return Promise.resolve(ok({ kind: 'created', url: URL }));
        },
        ...more,
      },
    }),
  });
  await commands.registered.get('todo2Waves.createPullRequest')?.({
    ...{ kind: 'run', backlog, runId: 'r', ended: true },
  });
  return asked;
}

test('nothing is pushed before the user has seen what, where and under which name', async () => {
  assert.deepEqual(await press(), ['plan r']);
  assert.deepEqual(shown, [
    {
      message: 'Push “Dredge it” and create a pull request?',
      detail:
        'The branch waves/run-r with 2 commits that main does not have is pushed to origin (https://example.org/shop.git), without force and with your pre-push hook.\n\nThe GitHub CLI then makes a pull request into main, called “Dredge it”.',
      buttons: ['Push'],
    },
  ]);
});

test('the branch is pushed, the pull request made, and its address opened on request', async () => {
  answers.push('Push', 'Open');
  assert.deepEqual(await press(), ['plan r', 'push waves/run-r to origin', 'create Dredge it']);
  assert.equal(shown[1]?.message, `The pull request is made: ${URL}`);
  assert.deepEqual(opens, [URL]);
  answers.push('Push');
  const exists = () => Promise.resolve(ok({ kind: 'exists', url: URL } as const));
  await press({}, { create: exists });
  assert.equal(shown.at(-1)?.message, `It was there already: ${URL}`);
  assert.equal(opens.length, 1);
});

test('without the GitHub CLI it says what is missing, or leaves it to the extension', async () => {
  assert.deepEqual(await press({ whyNoCli: NO_CLI }), ['plan r']);
  assert.equal(
    shown[0]?.message,
    `No pull request can be made. ${NO_CLI} The extension GitHub Pull Requests would do, too.`,
  );
  installed.add('GitHub.vscode-pull-request-github');
  answers.push('Push');
  assert.deepEqual(await press({ whyNoCli: NO_CLI }), ['plan r', 'push waves/run-r to origin']);
  assert.match(shown[1]?.detail ?? '', /form of the extension GitHub Pull Requests then opens/);
  assert.deepEqual(commands.executed, [
    ['pr.create', { repoPath: '/home/me/shop', compareBranch: 'waves/run-r' }],
  ]);
});

test('a push that is refused is told, and nothing is made', async () => {
  answers.push('Push');
  const detail = 'The hook says no.';
  const push = () => Promise.resolve(fail({ kind: 'isolation', detail } as const));
  assert.deepEqual(await press({}, { push }), ['plan r']);
  assert.equal(shown[1]?.message, detail);
});

test('is not possible in a window that is not trusted', async () => {
  trust.isTrusted = false;
  assert.deepEqual(await press(), []);
});
