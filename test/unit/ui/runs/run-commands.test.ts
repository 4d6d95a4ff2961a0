import assert from 'node:assert/strict';
import { beforeEach, describe, test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import '../../../support/use-editor-stub.ts';
import type { RunForecasts } from '../../../../src/core/run-forecasts.ts';
import { ok } from '../../../../src/core/result.ts';
import type { RunChoice } from '../../../../src/core/run/run-choice.ts';
import type { RunState } from '../../../../src/core/run/run-events.ts';
import { taskId } from '../../../../src/core/task.ts';
import { tasks } from '../../../support/backlog.ts';
import {
  answers,
  commands,
  inputBoxes,
  lists,
  shown,
  trust,
  Uri,
} from '../../../support/editor-stub.ts';
import {
  fakeBacklog,
  type FakeBacklog,
  fakeBacklogs,
  NOW,
  NO_BOARD,
  NO_COMMENTS,
  NO_DOORS,
  NO_WORKSPACE,
  NO_TREE,
} from '../../../support/fake-backlog.ts';
import { dryReport, dryStep } from '../../../support/dry-report.ts';
import {
  atWork,
  ended,
  failedWith,
  runAfter,
  runStarted,
  SUCCEEDED,
} from '../../../support/run-events.ts';

// After the stub: these import `vscode`.
const { registerCommands } = await import('../../../../src/ui/commands.ts');
const { DOCUMENT_SCHEME, documentText, documentUri } =
  await import('../../../../src/ui/documents.ts');
const { readRunChoice } = await import('../../../../src/ui/runs/run-choice.ts');

beforeEach(() => {
  for (const list of [answers, shown, lists, inputBoxes, commands.executed]) list.length = 0;
  trust.isTrusted = true;
});

const begun = NOW - 60_000;
const live = runAfter(
  runStarted({ waves: [['T-1', 'T-2'], ['T-3']], at: begun, title: 'All waves' }),
  ...atWork('T-1', 1, begun),
);
const paused = runAfter(runStarted({ runId: 'p', waves: [['T-4']], at: begun, title: 'Wave 3' }), {
  ...{ kind: 'runPaused', by: 'person', at: begun },
});
const over = runAfter(
  runStarted({ runId: 'o', waves: [['T-5', 'T-6']], at: begun, title: 'Wave 5' }),
  ...atWork('T-5', 1, begun),
  ended('T-5', SUCCEEDED, NOW),
  ...atWork('T-6', 2, begun),
  ended('T-6', failedWith({ kind: 'exit' }, 1), NOW),
  { kind: 'runEnded', at: NOW },
);

/** Agents have worked here before, so that nothing is asked about that. */
const earlier = runAfter(
  runStarted({ runId: 'e', waves: [['long-gone']], at: begun - 1, title: 'Before' }),
  ...atWork('long-gone', 1, begun - 1),
  ended('long-gone', SUCCEEDED, begun),
  { kind: 'runEnded', at: begun },
);

/** A window with these runs, in which commands can be pressed. */
function makeWindow(runs: readonly RunState[] = [live, paused, over], more: FakeBacklog = {}) {
  const all = tasks('T-1', 'T-2', 'T-3 < T-1', 'T-4', 'T-5', 'T-6');
  const backlog = fakeBacklog({ tasks: all, runs: () => runs, pastRuns: [earlier], ...more });
  const remembered: RunChoice[] = [];
  const logs: string[] = [];
  const backlogs = fakeBacklogs([backlog], {
    agents: () =>
      Promise.resolve([
        { id: 'auto', title: 'The first', command: '/bin/claude', isChosen: true },
        { id: 'claude', title: 'Claude Code', command: '/bin/claude', isChosen: false },
      ]),
    lastChoice: () => remembered.at(-1) ?? {},
    rememberChoice: (choice) => Promise.resolve(void remembered.push(choice)),
    openLog: (runId, start) => Promise.resolve(void logs.push(`${runId}/${start}`)),
    reportOf: (runId) => `# Report on ${runId}`,
  });
  registerCommands({
    backlogs,
    selection: () => [],
    showLog: () => undefined,
    agents: NO_DOORS,
    lineComments: NO_COMMENTS,
    openBoard: NO_BOARD,
    workspace: NO_WORKSPACE,
    tree: NO_TREE,
  });
  const press = async (
    name: string,
    node?: object,
    selected: readonly object[] = [],
  ): Promise<readonly string[]> => {
    await commands.registered.get(`todo2Waves.${name}`)?.(
      node === undefined ? undefined : { backlog, ...node },
      selected.map((each) => ({ backlog, ...each })),
    );
    return backlog.asked;
  };
  return { backlog, backlogs, press, remembered, logs };
}

const run = (runId: string): object => ({ kind: 'run', runId });
const wave = (number: number): object => ({ kind: 'wave', number });

const presses: readonly [name: string, node: object | undefined, asked: string][] = [
  ['pauseRun', run('r'), 'pause r'],
  ['goOnRun', run('p'), 'goOn p'],
  ['stopRun', run('r'), 'stopRun r'],
  ['stopTask', { kind: 'task', taskId: taskId('T-1') }, 'stopTask r T-1'],
  ['requeueTask', { kind: 'task', taskId: taskId('T-1') }, 'requeue r T-1'],
  // Without a row: the only one that fits.
  ['pauseRun', undefined, 'pause r'],
  ['goOnRun', undefined, 'goOn p'],
];
for (const [name, node, asked] of presses) {
  test(`${name} ${node === undefined ? 'from the palette' : 'on a row'} does ${asked}`, async () => {
    assert.deepEqual(await makeWindow().press(name, node), [asked]);
    assert.deepEqual(shown, []);
  });
}

describe('before many agents start, the user sees how much it is', () => {
  const NINE = Array.from({ length: 9 }, (_, n) => `T-${n + 1}`);
  const many = { tasks: tasks(...NINE.slice(0, 8), 'T-9 < T-1') };

  test('and answers how many are to begin', async () => {
    const { press, backlog } = makeWindow([], many);
    assert.deepEqual(await press('runAllWaves'), [], 'the question was dismissed');
    assert.equal(shown[0]?.message, '9 tasks · Claude Code · 4 at a time · about 15 min');
    assert.deepEqual(shown[0].buttons, ['Run Next 8', 'Run All', 'Preview']);
    answers.push('Run Next 8');
    await press('runAllWaves');
    assert.deepEqual(backlog.started.splice(0), [{ title: 'Next 8', waves: [NINE.slice(0, 8)] }]);
    answers.push('Run All');
    await press('runAllWaves');
    assert.deepEqual(backlog.started.splice(0), [
      { title: 'All waves', waves: [NINE.slice(0, 8), ['T-9']] },
    ]);
  });

  test('and can look at it first, while nothing is started', async () => {
    const { press, backlog } = makeWindow([], many);
    answers.push('Preview');
    await press('runAllWaves');
    assert.deepEqual(backlog.started, []);
    assert.equal(commands.executed[0]?.[0], 'vscode.openWith');
  });

  test('eight are no question, and what runs already does not count', async () => {
    const { press, backlog } = makeWindow([], { ...many, starts: true });
    await press('runWave', wave(0));
    assert.equal(backlog.started.length, 1);
    const { press: again, backlog: beside } = makeWindow([live], { ...many, starts: true });
    await again('runAllWaves');
    assert.equal(beside.started.length, 1);
    assert.deepEqual(shown, []);
  });
});

describe('before the first agent of all starts, the user is asked', () => {
  const first = { pastRuns: [] };

  test('with the agent and the time, and what that means', async () => {
    const { press, backlog } = makeWindow([], first);
    assert.deepEqual(await press('runTask', { kind: 'task', taskId: taskId('T-1') }), []);
    assert.equal(shown[0]?.message, '1 task · Claude Code · 1 at a time · about 5 min');
    assert.match(shown[0].detail ?? '', /^This is the first run with an agent here\./);
    assert.deepEqual(shown[0].buttons, ['Run', 'Preview']);
    answers.push('Run');
    await press('runTask', { kind: 'task', taskId: taskId('T-1') });
    assert.equal(backlog.started.length, 1);
  });

  test('but not about the simulated one, and not where they do the work themselves', async () => {
    for (const [kind, agentMode] of [
      ['simulated', 'unattended'],
      ['human', 'human'],
    ] as const) {
      const agent = { agent: kind, model: undefined, agentMode };
      const { press, backlog } = makeWindow([], { ...first, settings: { agent }, starts: true });
      await press('runTask', { kind: 'task', taskId: taskId('T-1') });
      assert.equal(backlog.started.length, 1);
    }
    assert.deepEqual(shown, []);
  });
});

test('several rows are run as one, without what cannot start', async () => {
  const { press, backlog } = makeWindow([], { starts: true });
  const rows = ['T-1', 'T-3', 'T-2', 'T-1'].map((id) => ({ kind: 'task', taskId: taskId(id) }));
  await press('runTask', rows[0], rows);
  assert.deepEqual(backlog.started, [{ title: '2 tasks', waves: [['T-1', 'T-2']] }]);
});

describe('a second press of Run', () => {
  test('says which run has it already, and starts no other', async () => {
    const { press, backlog } = makeWindow();
    answers.push('Show Run');
    await press('runTask', { kind: 'task', taskId: taskId('T-2') });
    assert.deepEqual(backlog.started, []);
    assert.deepEqual(
      shown.map(({ message }) => message),
      ['Nothing was started: the run “All waves” has this already (1 at work, 2 waiting).'],
    );
    assert.deepEqual(commands.executed, [['todo2Waves.runs.focus']]);
  });

  test('while the first is still starting is the same press', async () => {
    const { press, backlog } = makeWindow([]);
    await Promise.all([press('runWave', wave(0)), press('runWave', wave(0))]);
    assert.equal(backlog.started.length, 1);
    await press('runWave', wave(0));
    assert.equal(backlog.started.length, 2, 'a later one counts');
  });
});

describe('what would lose more than a minute of work is stopped after a question alone', () => {
  const long = NOW - 3 * 60_000;
  const worked = runAfter(
    runStarted({ waves: [['T-1', 'T-2'], ['T-3']], at: long, title: 'All waves' }),
    ...atWork('T-1', 1, long),
    ...atWork('T-2', 2, long + 60_000),
  );
  const row = (id: string): object => ({ kind: 'task', taskId: taskId(id) });
  const stops: readonly [
    name: string,
    node: object | undefined,
    question: string,
    asked: string,
  ][] = [
    ['stopTask', row('T-1'), 'Stop the agent of “Title of T-1”?', 'stopTask r T-1'],
    ['stopWave', wave(0), 'Stop 2 agents?', 'stopWave r 0'],
    ['stopRun', run('r'), 'Stop 2 agents?', 'stopRun r'],
    ['stop', undefined, 'Stop 2 agents?', 'stop all'],
  ];
  for (const [name, node, question, asked] of stops)
    test(`${name}: ${question}`, async () => {
      const { press } = makeWindow([worked]);
      assert.deepEqual(await press(name, node), [], 'the question was dismissed');
      assert.equal(shown[0]?.message, question);
      assert.match(shown[0].detail ?? '', / worked for (?:3|5) min/);
      answers.push('Stop');
      assert.deepEqual(await press(name, node), [asked]);
    });

  test('what only waits, or has just begun, is stopped at once', async () => {
    const { press } = makeWindow([worked]);
    assert.deepEqual(await press('stopTask', row('T-3')), ['stopTask r T-3']);
    assert.deepEqual(shown, []);
  });
});

describe('where something is not committed, the user says what worktrees begin with', () => {
  const answersTo: readonly [answer: string | undefined, asked: readonly string[]][] = [
    ['Last Commit', ['begin with commit', 'start']],
    ['My Files as They Are', ['begin with snapshot', 'start']],
    ['Work in This Folder', ['start']],
    [undefined, []],
  ];
  for (const [answer, then] of answersTo) {
    test(`${answer ?? 'no answer'}: ${then.join(', ') || 'nothing starts'}`, async () => {
      answers.push(answer);
      const { press } = makeWindow([], { isDirty: true });
      const asked = await press('runWave', wave(0));
      assert.deepEqual(
        asked.map((line) => line.replace(/^start .*/, 'start')),
        ['begin with ask', ...then],
      );
      assert.deepEqual(shown[0]?.buttons, [
        ...['Last Commit', 'My Files as They Are', 'Work in This Folder'],
      ]);
    });
  }

  test('the palette and “Run With…” ask, too, unless it is chosen there', async () => {
    const { press } = makeWindow([], { isDirty: true });
    await press('runAllWaves');
    answers.push('Run');
    await press('runWaveWith', wave(0));
    answers.push('Worktrees begin with', 'the last commit', 'Run');
    shown.length = 0;
    await press('runWaveWith', wave(0));
    assert.ok(shown.every(({ buttons }) => !buttons.includes('Last Commit')));
  });
});

test('where several runs fit, a person picks one', async () => {
  const second = runAfter(runStarted({ runId: 's', waves: [['T-3']], at: begun, title: 'Wave 2' }));
  const { press } = makeWindow([live, second]);
  answers.push('Wave 2');
  assert.deepEqual(await press('pauseRun'), ['pause s']);
  const { press: again } = makeWindow([live, second]);
  assert.deepEqual(await again('pauseRun'), [], 'they picked none');
});

test('where no run fits, that is said', async () => {
  await makeWindow([over]).press('pauseRun');
  assert.deepEqual(
    shown.map(({ message }) => message),
    ['Pause Run: there is no such run.'],
  );
});

test('resuming runs what failed, and nothing that succeeded', async () => {
  const { press, backlog } = makeWindow([over]);
  await press('resumeRun', run('o'));
  assert.deepEqual(backlog.started, [{ title: 'Wave 5', waves: [['T-6']] }]);
});

test('a wave of the tree is stopped in every run that has tasks of it, once in each', async () => {
  assert.deepEqual(await makeWindow().press('stopWave', wave(0)), ['stopWave r 0', 'stopWave p 0']);
  answers.push('wave 1 of the run');
  assert.deepEqual(await makeWindow().press('stopWave'), ['stopWave r 1']);
  answers.push('wave 1 of the run');
  assert.deepEqual(await makeWindow([], { elsewhere: [live] }).press('stopWave'), [
    'ask r {"ask":"stopWave","wave":1}',
  ]);
});

test('the report and the log of a run are opened by its rows', async () => {
  const { press, logs, backlog, backlogs } = makeWindow();
  await press('openRunReport', run('r'));
  assert.equal(commands.executed[0]?.[0], 'vscode.openWith');
  assert.equal(documentText(documentUri('run', backlog.root, 'r'), backlogs), '# Report on r');
  for (const query of [
    '',
    '{}',
    '[1]',
    '["/elsewhere","r"]',
    JSON.stringify([backlog.root, 'gone']),
  ]) {
    const uri = Uri.from({ scheme: DOCUMENT_SCHEME, path: '/run/Run report.md', query });
    assert.match(documentText(uri as never, backlogs), /^\*This run is not .*\*\n$/);
  }
  await press('openTaskLog', { kind: 'task', taskId: taskId('T-1') });
  await press('openTaskLog', { kind: 'task', taskId: taskId('T-2') });
  assert.deepEqual(logs, ['r/1'], 'T-2 has not begun');
});

test('all runs can be listed, those of the past as well', async () => {
  await makeWindow([live], { pastRuns: [over] }).press('showRuns');
  assert.deepEqual(
    lists[0]?.map(({ label }) => label),
    ['$(sync) All waves', '$(history) Wave 5'],
  );
});

describe('the number of agents at a time', () => {
  const open = async () => {
    const { press, backlog } = makeWindow();
    const done = press('changeCap');
    await turn();
    const [box] = inputBoxes;
    assert.ok(box);
    return { backlog, box, done };
  };

  test('is what is typed, where that is a number from 1 to 64', async () => {
    const { backlog, box, done } = await open();
    assert.equal(box.value, '4');
    for (const wrong of ['0', '65', 'x', '', '1e1', '-1', '2.5']) {
      box.value = wrong;
      box.accepted.fire(undefined);
    }
    assert.deepEqual(backlog.asked, []);
    box.value = ' 12 ';
    box.accepted.fire(undefined);
    await done;
    assert.deepEqual(backlog.asked, ['cap 12']);
  });

  test('changes by one with each press of a button, and never below one', async () => {
    const { backlog, box, done } = await open();
    const [fewer, more] = box.buttons;
    box.pressed.fire(more);
    for (let i = 0; i < 9; i++) box.pressed.fire(fewer);
    box.hide();
    await done;
    assert.deepEqual(backlog.asked, ['cap 5', 'cap 4', 'cap 3', 'cap 2', 'cap 1']);
  });
});

describe('running with a choice', () => {
  test('a further run leaves the number of agents alone that somebody chose for the one that goes on', async () => {
    const busy = makeWindow([paused], { cap: 2 });
    assert.match((await busy.press('runWave', wave(0))).join(' '), /^start Wave 0/);
    const idle = makeWindow([over], { cap: 2 });
    assert.equal((await idle.press('runWave', wave(0)))[0], 'cap 4');
  });

  test('starts with what was changed, remembers it, and begins with it the next time', async () => {
    const { press, remembered } = makeWindow([]);
    answers.push('Order', 'is done', 'Agent', 'Claude Code', 'Model', 'opus-4.1', 'At a time', '8');
    answers.push('After a failure', 'start nothing further', 'Pause', 'Run');
    const [cap, started] = await press('runWaveWith', wave(0));
    assert.equal(cap, 'cap 8');
    assert.equal(started, 'start Wave 0: T-1 T-2 T-4 T-5 T-6 (flow stopAtOnce claude opus-4.1)');
    const choice = {
      runMode: 'flow',
      agent: 'claude',
      model: 'opus-4.1',
      cap: 8,
      onFailure: 'stopAtOnce',
    };
    assert.deepEqual(remembered, [{ ...choice, pauseBetweenWaves: true }]);
    lists.length = 0;
    await press('runWaveWith', wave(0));
    const words = new Map(
      lists[0]?.map(({ label, description }) => [label.replace(/^\$\(.*?\) /, ''), description]),
    );
    assert.equal(words.get('Agent'), 'Claude Code');
    assert.equal(words.get('At a time'), '8');
    assert.equal(words.get('Pause'), 'after each wave');
  });

  test('starts nothing and remembers nothing where it is left', async () => {
    const { press, remembered } = makeWindow([]);
    answers.push('Order', 'is done');
    assert.deepEqual(await press('runWaveWith', wave(0)), []);
    assert.deepEqual(remembered, []);
  });

  test('can go back to what the settings say', async () => {
    const { press, remembered } = makeWindow([]);
    answers.push('Pause', 'As the settings have it', 'Run');
    await press('runWaveWith', wave(0));
    assert.deepEqual(remembered, [{}]);
  });

  test('asks what to run where no row says it', async () => {
    const { press, backlog } = makeWindow([]);
    answers.push('Wave 1', 'Run');
    await press('runWaveWith');
    assert.deepEqual(backlog.started, [{ title: 'Wave 1', waves: [['T-3']] }]);
  });

  test('takes no name of a model that could be anything else', async () => {
    for (const model of [
      '--dangerously',
      '$(x)',
      'a b',
      '../x',
      '${env:X}',
      `m${'x'.repeat(200)}`,
    ]) {
      const { press, remembered } = makeWindow([]);
      answers.push('Model', model, 'Run');
      await press('runWaveWith', wave(0));
      assert.deepEqual(remembered, [{}], model);
    }
  });
});

test('a choice that is stored wrongly counts as far as it is right', () => {
  assert.deepEqual(readRunChoice(undefined), {});
  assert.deepEqual(readRunChoice('flow'), {});
  assert.deepEqual(
    readRunChoice({
      runMode: 'flow',
      cap: 65,
      agent: '../x',
      model: '-x',
      agentMode: 1,
      onFailure: 'no',
    }),
    {
      runMode: 'flow',
    },
  );
  const whole = {
    runMode: 'strict',
    agent: 'goose',
    model: 'gpt-5',
    agentMode: 'interactive',
    onFailure: 'continue',
  } as const;
  assert.deepEqual(readRunChoice({ ...whole, pauseBetweenWaves: false, cap: 64 }), {
    ...whole,
    ...{ pauseBetweenWaves: false, cap: 64 },
  });
});

test('a dry run opens a page of its own, and starts nothing', async () => {
  const { press, backlog, backlogs } = makeWindow([]);
  const scopes: unknown[] = [];
  const dryRun: RunForecasts['dryRun'] = (...scope) => {
    scopes.push(scope);
    const [step, other] = tasks('T-1', 'T-2').map((task, n) =>
      dryStep(task, { startsAtMs: n * 60_000 }),
    );
    return Promise.resolve(ok(dryReport({ steps: [step!, other!] })));
  };
  Object.defineProperty(backlog.runs.forecasts, 'dryRun', { value: dryRun });
  await press('dryRun', wave(0));
  assert.deepEqual(scopes, [[{ kind: 'wave', number: 0 }, {}]]);
  assert.deepEqual(shown, []);
  const [command, uri] = commands.executed[0] ?? [];
  assert.equal(command, 'vscode.openWith');
  assert.ok(uri instanceof Uri && uri.scheme === DOCUMENT_SCHEME);
  const text = documentText(uri as never, backlogs);
  assert.match(text, /^# Dry run: Wave 0\n/);
  for (const id of ['T-1', 'T-2']) assert.ok(text.includes(`(${id})`), id);
  assert.deepEqual([backlog.started, backlog.asked], [[], []]);
});

test('a dry run goes through the engine itself: what waits comes later, what cannot start is named', async () => {
  const { press, backlog, backlogs } = makeWindow([], {
    tasks: tasks('T-1', 'T-2 < T-1', '#T-3', 'T-4 < T-3'),
  });
  await press('dryRun', { kind: 'task', taskId: taskId('T-4') });
  answers.push('All Waves');
  await press('dryRun');
  const pages = commands.executed.map(([, uri]) => documentText(uri as never, backlogs));
  assert.equal(pages.length, 2, shown.map(({ message }) => message).join());
  assert.match(pages[0] ?? '', /## Not run\n\n- Title of T-4 \(T-4\): waits for T-3 \(Blocked\)/);
  assert.match(pages[1] ?? '', /\| 1 \| 0 \| Title of T-1 \(T-1\) \| at once/);
  assert.match(pages[1] ?? '', /\| 2 \| 1 \| Title of T-2 \(T-2\) \| after 5 min/);
  assert.deepEqual([backlog.started, backlog.asked], [[], []]);
});

test('in a window that is not trusted nothing is started, resumed or tried', async () => {
  trust.isTrusted = false;
  for (const name of ['runWaveWith', 'dryRun', 'resumeRun', 'goOnRun', 'requeueTask']) {
    const { press, backlog } = makeWindow();
    assert.deepEqual(await press(name, name === 'resumeRun' ? run('o') : wave(0)), [], name);
    assert.deepEqual(backlog.started, [], name);
  }
  assert.equal(shown.length, 5);
  assert.deepEqual(
    await makeWindow().press('stopRun', run('r')),
    ['stopRun r'],
    'stopping is always possible',
  );
});
