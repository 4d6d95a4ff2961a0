import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { Backlog } from '../../../src/core/backlog.ts';
import type { RunState } from '../../../src/core/run/run-events.ts';
import { taskId } from '../../../src/core/task.ts';
import type { ExtensionApi } from '../../../src/extension.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../../support/fixture.ts';
import type { Behaviour, FakeModel } from '../fake-model/extension.ts';
import { until } from '../../support/until.ts';

const CAP = 2;

/**
 * An editor without an account sends a request only where a chat of its own is there, which came
 * after 1.105.
 */
const SENDS_REQUESTS = !vscode.version.startsWith('1.105.');
const inChat = SENDS_REQUESTS ? it : it.skip;

describe('@waves in a real chat, with a model that needs no account', function () {
  this.timeout(60_000);
  let folder: string;
  let writer: NativeWriter;
  let api: ExtensionApi;
  let backlog: Backlog;
  let fake: FakeModel;

  const stored = async (id: string): Promise<Record<string, unknown>> =>
    (await writer.all('SELECT * FROM tasks WHERE id = ?', id))[0] ?? {};
  const locked = (): Promise<unknown[]> =>
    writer.all("SELECT id, assignee FROM tasks WHERE assignee IS NOT NULL AND assignee <> ''");
  const set = (key: string, value: unknown) =>
    vscode.workspace
      .getConfiguration('todo2Waves')
      .update(key, value, vscode.ConfigurationTarget.Global);

  /** Sends a request, as a person would, and resolves when it was answered. */
  const send = (query: string): Thenable<unknown> =>
    vscode.commands.executeCommand('workbench.action.chat.open', {
      ...{ query, mode: 'ask', blockOnResponse: true },
    });

  /** The tasks of wave 0, all Todo, with nobody at them. */
  const reset = async (behaviour: Behaviour): Promise<void> => {
    fake.behaviour = behaviour;
    fake.changed();
    fake.subagents.length = fake.toolCalls.length = fake.mostAtOnce = 0;
    await writer.run("UPDATE tasks SET status = 'Todo' WHERE id LIKE 'T-1%'");
    await backlog.refresh();
    for (const run of backlog.runs.all) backlog.runs.clear(run.runId);
  };
  const lastRun = (): RunState => backlog.runs.all.at(-1) ?? assert.fail('no run');
  const outcomes = (run = lastRun()): (string | undefined)[] =>
    [...run.tasks.values()].map(({ outcome }) => outcome?.kind);

  before(async () => {
    folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail('no folder is open');
    await createBacklog(folder, {
      tasks: [
        ...['T-10', 'T-11', 'T-12', 'T-13', 'T-14'].map((id) => ({ id, content: `Harbour ${id}` })),
        { id: 'T-2', content: 'After all of them', deps: ['T-10', 'T-11', 'T-12', 'T-13', 'T-14'] },
      ],
    });
    writer = await nativeWriter(folder);
    await set('maxParallelTasks', CAP);
    fake = await (
      vscode.extensions.getExtension<FakeModel>('todo2waves-test.fake-model') ?? assert.fail()
    ).activate();
    const extension =
      vscode.extensions.getExtension<ExtensionApi>('todo2waves.todo2-waves') ?? assert.fail();
    api = await extension.activate();
    api.agents.subagentTool = 'standin_subagent';
    await api.backlogs.whenOpened();
    await until('the backlog is read', () => api.backlogs.all[0]?.store.kind === 'ready');
    backlog = api.backlogs.all[0] ?? assert.fail('no backlog');
    if (!SENDS_REQUESTS) return;
    const selector = { vendor: 'todo2-fake', id: 'fake-1' };
    await until(
      'the model is listed',
      async () => (await vscode.lm.selectChatModels(selector)).length > 0,
    );
    // A chat that opens for the first time may still have no model of its own.
    await vscode.commands.executeCommand('workbench.action.chat.open', {
      ...{ query: '@waves /status', mode: 'ask', modelSelector: selector, blockOnResponse: true },
    });
  });
  after(() => writer.close());

  inChat(
    'runs a wave by subagents under the cap, each task claimed for it, and every step in the journal',
    async () => {
      await reset('works');
      let open: () => void = () => undefined;
      fake.gate = new Promise((resolve) => (open = resolve));
      const answered = send('@waves /run wave 0');
      await until('as many subagents as may be are at work', () => fake.subagents.length === CAP);
      const claimed = await locked();
      assert.equal(claimed.length, CAP, 'no more are claimed than are at work');
      open();
      await answered;
      const run = lastRun();
      assert.equal(run.phase, 'ended');
      assert.deepEqual(outcomes(run), Array(5).fill('succeeded'));
      assert.equal(fake.subagents.length, 5);
      assert.ok(fake.mostAtOnce <= CAP, `${fake.mostAtOnce} at once`);
      assert.deepEqual(await locked(), []);
      for (const id of ['T-10', 'T-11', 'T-12', 'T-13', 'T-14']) {
        assert.equal((await stored(id))['status'], 'Review', id);
        const comments = await writer.all(
          "SELECT content FROM task_comments WHERE task_id = ? AND comment_type = 'result'",
          id,
        );
        assert.ok(
          comments.some(({ content }) =>
            (content as string).includes(`I have done ${id} and checked it.`),
          ),
          id,
        );
      }
      const journal = readFileSync(join(folder, '.todo2/waves/runs', `${run.runId}.jsonl`), 'utf8');
      const kinds = journal
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { kind: string }).kind);
      const count = (kind: string): number => kinds.filter((each) => each === kind).length;
      assert.deepEqual(
        ['runStarted', 'taskStarting', 'taskClaimed', 'taskStarted', 'taskEnded', 'runEnded'].map(
          count,
        ),
        [1, 5, 5, 5, 5, 1],
      );
    },
  );

  inChat('lets the model call its tools on the way', () => {
    const shown = fake.toolCalls.filter(({ name }) => name === 'waves_show');
    assert.deepEqual(shown.map(({ input }) => (input as { id: string }).id).sort(), [
      'T-10',
      'T-11',
      'T-12',
      'T-13',
      'T-14',
    ]);
    for (const { input, answer } of shown)
      assert.ok(answer.includes(`Harbour ${(input as { id: string }).id}`));
  });

  for (const behaviour of ['refuses', 'throws', 'absent'] as const) {
    inChat(
      `ends clearly, with nothing locked, where the model is one that ${behaviour === 'absent' ? 'is not there' : behaviour}`,
      async () => {
        await reset(behaviour);
        await send('@waves /run wave 0');
        // Where the editor asks for a model before it asks us, there is no run at all.
        const [run] = backlog.runs.all;
        if (run !== undefined) {
          await until('the run has ended', () =>
            backlog.runs.all.every(({ phase }) => phase === 'ended'),
          );
          assert.ok(
            outcomes().every((kind) => kind === 'failed' || kind === 'skipped'),
            outcomes().join(),
          );
          assert.ok(outcomes().includes('failed'));
        } else assert.equal(behaviour, 'absent');
        assert.deepEqual(await locked(), []);
        assert.equal((await stored('T-10'))['status'], 'Todo');
      },
    );
  }

  inChat('is stopped by the stop of the chat, also where the model never answers', async () => {
    await reset('silent');
    const answered = send('@waves /run wave 0');
    await until('subagents are at work', () => fake.subagents.length === CAP);
    await vscode.commands.executeCommand('workbench.action.chat.cancel');
    await answered;
    await until('the run has ended', () => lastRun().phase === 'ended');
    assert.deepEqual(outcomes().sort(), ['skipped', 'skipped', 'skipped', 'stopped', 'stopped']);
    assert.deepEqual(await locked(), []);
    assert.equal(fake.subagents.length, CAP, 'nothing further was started');
  });

  inChat('is answered when the run is stopped from the tree', async () => {
    await reset('silent');
    const answered = send('@waves /run wave 0');
    await until('subagents are at work', () => fake.subagents.length === CAP);
    await vscode.commands.executeCommand('todo2Waves.stop');
    await answered;
    assert.equal(lastRun().phase, 'ended');
    assert.deepEqual(await locked(), []);
  });

  inChat(
    'ends a task at its time limit where the model never answers and nobody stops anything',
    async function () {
      this.timeout(120_000);
      await reset('silent');
      await writer.run("UPDATE tasks SET status = 'Review' WHERE id IN ('T-12', 'T-13', 'T-14')");
      await backlog.refresh();
      // The shortest that the settings take.
      await set('taskTimeLimitMinutes', 1);
      try {
        await send('@waves /run wave 0');
      } finally {
        await set('taskTimeLimitMinutes', undefined);
      }
      const causes = [...lastRun().tasks.values()].map(
        ({ outcome }) => outcome?.kind === 'failed' && outcome.cause,
      );
      assert.deepEqual(causes, Array(2).fill({ kind: 'timeLimit', limitMs: 60_000 }));
      assert.deepEqual(await locked(), []);
      assert.equal((await stored('T-10'))['status'], 'Todo');
    },
  );

  inChat('is opened by Run Wave with Subagents, and sent where the settings say so', async () => {
    await reset('works');
    fake.gate = Promise.resolve();
    await set('subagentsSend', 'send');
    // As a chat opens where nobody chose a mode.
    await vscode.commands.executeCommand('workbench.action.chat.open', {
      query: '',
      isPartialQuery: true,
      mode: 'agent',
    });
    try {
      await vscode.commands.executeCommand('todo2Waves.runWaveWithSubagents', {
        kind: 'wave',
        backlog,
        number: 0,
      });
      await until('the run has ended', () => backlog.runs.all.at(-1)?.phase === 'ended');
      assert.deepEqual(outcomes(), Array(5).fill('succeeded'));
    } finally {
      await set('subagentsSend', undefined);
    }
  });

  it('only fills the chat in where they do not', async () => {
    await reset('works');
    await vscode.commands.executeCommand('todo2Waves.runWaveWithSubagents', {
      kind: 'wave',
      backlog,
      number: 0,
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.deepEqual(backlog.runs.all, []);
    assert.deepEqual(fake.subagents, []);
  });

  inChat('starts nothing that its tool is not there for, and says so', async () => {
    await reset('works');
    api.agents.subagentTool = 'no_such_tool';
    try {
      await send('@waves /run wave 0');
      assert.deepEqual(backlog.runs.all, []);
      assert.deepEqual(await locked(), []);
    } finally {
      api.agents.subagentTool = 'standin_subagent';
    }
  });

  inChat('answers status, explain and plan without starting or writing anything', async () => {
    await reset('works');
    for (const query of [
      '@waves',
      '@waves /status',
      '@waves /explain T-2',
      '@waves /plan',
      '@waves hello?',
    ]) {
      await send(query);
    }
    assert.deepEqual(backlog.runs.all, []);
    assert.ok(!readdirSync(folder).includes('.cursor'), 'plans are written by their buttons');
  });

  it('offers its operations as tools, which refuse what they cannot do', async () => {
    const names = vscode.lm.tools
      .map(({ name }) => name)
      .filter((name) => name.startsWith('waves_'));
    assert.ok(names.includes('waves_next') && names.includes('waves_complete'), names.join());
    const call = (name: string, input: object): Thenable<vscode.LanguageModelToolResult> =>
      vscode.lm.invokeTool(name, { input, toolInvocationToken: undefined });
    const { content } = await call('waves_explain', { id: 'T-2' });
    const [text] = content;
    assert.ok(text instanceof vscode.LanguageModelTextPart);
    assert.match(text.value, /T-10/);
    await assert.rejects(Promise.resolve(call('waves_show', { id: 'T-999' })), /T-999/);
    await assert.rejects(Promise.resolve(call('waves_show', { nr: 1 })));
    assert.equal(backlog.task(taskId('T-2'))?.status, 'Todo');
  });
});
