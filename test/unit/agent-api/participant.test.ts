import assert from 'node:assert/strict';
import test from 'node:test';
import type * as vscode from 'vscode';
import type { Editor } from '../../../src/agent-api/editor.ts';
import { InvokedSubagents } from '../../../src/agent-api/invoke-subagent.ts';
import { registerParticipant } from '../../../src/agent-api/participant.ts';
import type { Backlog } from '../../../src/core/backlog.ts';
import { SubagentHostRegistry } from '../../../src/core/run/attempt/subagent-host-registry.ts';
import { tasks } from '../../support/backlog.ts';
import { fakeBacklog } from '../../support/fake-backlog.ts';

interface Setup {
  readonly backlogs?: readonly Backlog[];
  readonly current?: Backlog;
  readonly isTrusted?: boolean;
  readonly tools?: readonly string[];
  readonly subagentHosts?: SubagentHostRegistry | 'none';
}

/**
 * `@waves` in an editor that is made up: asks it something and answers all that it said, an error
 * last.
 */
function rig(setup: Setup = {}) {
  let handler: vscode.ChatRequestHandler | undefined;
  const participant: { followupProvider?: vscode.ChatFollowupProvider } = {};
  const editor = {
    workspace: { isTrusted: setup.isTrusted ?? true },
    ThemeIcon: Object,
    lm: {
      tools: (setup.tools ?? ['runSubagent']).map((name) => ({ name })),
      invokeTool: () => assert.fail(),
    },
    chat: {
      createChatParticipant: (_id: string, given: vscode.ChatRequestHandler) => {
        handler = given;
        return participant;
      },
    },
  } as unknown as Editor;
  const backlogs = setup.backlogs ?? [fakeBacklog({ tasks: tasks('T-1', 'T-2 < T-1') })];
  const subagentHosts = setup.subagentHosts ?? new SubagentHostRegistry();
  registerParticipant({
    ...{ editor, backlogs: () => backlogs, current: () => setup.current },
    ...{ ready: () => Promise.resolve(), toolFor: () => 'runSubagent' },
    subagentHostsOf: () => (subagentHosts === 'none' ? undefined : subagentHosts),
    log: (line) => assert.fail(line),
    reportBug: (error) => assert.fail(String(error)),
  });
  const ask = async (prompt: string, command?: string) => {
    const said: string[] = [];
    const response = {
      markdown: (text: string) => void said.push(text),
      progress: (text: string) => void said.push(text),
      button: ({ title }: vscode.Command) => void said.push(`[${title}]`),
    };
    const token = {
      isCancellationRequested: false,
      onCancellationRequested: () => ({ dispose: () => undefined }),
    };
    const request = { prompt, command, toolInvocationToken: {} };
    const result = await (handler ?? assert.fail('it is not there'))(
      request as never,
      {} as never,
      response as never,
      token,
    );
    const { errorDetails, metadata } = result ?? {};
    return { text: said.join('\n'), error: errorDetails?.message, metadata };
  };
  return { ask, participant, backlogs };
}

test('nothing is answered of a folder that is not trusted, or without a backlog', async () => {
  assert.equal(
    (await rig({ isTrusted: false }).ask('', 'status')).error,
    'Nothing is claimed, written or run in a folder that is not trusted.',
  );
  assert.match(
    (await rig({ backlogs: [] }).ask('', 'status')).error ?? '',
    /no folder with a Todo2 backlog/,
  );
});

test('a task is explained by its id, whatever its case, and an unknown one is said to be unknown', async () => {
  const { ask } = rig();
  assert.match((await ask('why is t-2 not ready?')).text, /T-2/);
  assert.match((await ask('T-99', 'explain')).error ?? '', /no task T-99/);
  assert.match((await ask('', 'explain')).error ?? '', /Which task/);
});

test('plans are written by buttons alone', async () => {
  const { text, metadata } = await rig().ask('', 'plan');
  assert.match(text, /\[Write Wave Plan\]\n\[Write Plan for Subagents\]/);
  assert.deepEqual(metadata, { did: 'plan' });
});

test('what it does not understand starts nothing, and says what it can do', async () => {
  const { text, metadata } = await rig().ask('run for the hills');
  assert.match(text, /\/run wave 2/);
  assert.deepEqual(metadata, { did: 'help' });
});

test('of several backlogs the one that a person names or looks at is run, and else they are asked', async () => {
  const [one, two] = ['/one', '/two'].map((root) => fakeBacklog({ tasks: tasks('T-1'), root }));
  assert.ok(one && two);
  const both = { backlogs: [one, two] };
  assert.match((await rig(both).ask('wave 0', 'run')).text, /Of which backlog\?/);
  assert.deepEqual([one.asked, two.asked], [[], []]);
  await rig(both).ask('wave 0 of backlog 2', 'run');
  assert.deepEqual([one.asked.length, two.asked.length], [0, 1]);
  await rig({ ...both, current: one }).ask('wave 0', 'run');
  assert.deepEqual([one.asked.length, two.asked.length], [1, 1]);
  assert.match((await rig(both).ask('wave 0 of backlog 3', 'run')).text, /Of which backlog\?/);
});

test('without the tool that starts subagents no run is started, and no subagent host is left', async () => {
  const subagentHosts = new SubagentHostRegistry();
  const backlog = fakeBacklog({ tasks: tasks('T-1') });
  const { error } = await rig({ backlogs: [backlog], tools: [], subagentHosts }).ask(
    'wave 0',
    'run',
  );
  assert.match(error ?? '', /no tool called runSubagent.*Nothing was started or claimed/s);
  assert.deepEqual(backlog.asked, []);
  assert.deepEqual(subagentHosts.available(), { kind: 'noSubagents' });
});

test('a run that cannot start says why, and leaves no subagent host', async () => {
  const subagentHosts = new SubagentHostRegistry();
  const { error } = await rig({ subagentHosts }).ask('wave 0', 'run');
  assert.equal(error, 'There is nothing to run: no task is ready.');
  assert.deepEqual(subagentHosts.available(), { kind: 'noSubagents' });
  assert.match(
    (await rig({ subagentHosts: 'none' }).ask('wave 0', 'run')).error ?? '',
    /being opened/,
  );
});

test('after a status the next wave is proposed, and nothing after anything else', async () => {
  const { ask, participant } = rig();
  const proposed = async (metadata: Readonly<Record<string, unknown>> | undefined) =>
    participant.followupProvider?.provideFollowups(
      { metadata: metadata ?? {} },
      {} as never,
      {} as never,
    );
  const [followup] = (await proposed((await ask('')).metadata)) ?? [];
  assert.deepEqual([followup?.command, followup?.prompt], ['run', 'wave 0']);
  assert.deepEqual(await proposed({ did: 'help' }), []);
});

/** The editor's tool for subagents, doing what a test says. */
function subagents(
  invokeTool: (options: object, token: vscode.CancellationToken) => Promise<unknown>,
) {
  class Source {
    readonly token = { isCancellationRequested: false };
    cancel(): void {
      this.token.isCancellationRequested = true;
    }
    dispose(): void {
      this.cancel();
    }
  }
  const lm = {
    tools: [{ name: 'runSubagent' }],
    invokeTool: (_: string, options: object, token: vscode.CancellationToken) =>
      invokeTool(options, token),
  };
  const editor = { lm, CancellationTokenSource: Source } as unknown as Editor;
  return new InvokedSubagents(editor, { name: 'runSubagent', token: 'the right to' as never });
}

const request = (signal = new AbortController().signal) => ({
  ...{ prompt: 'Do T-1', description: 'T-1', signal, onActivity: () => undefined },
});

test('a subagent gets the prompt with the right of the chat request, and answers with the text of the tool', async () => {
  const asked: object[] = [];
  const host = subagents((options) => {
    asked.push(options);
    return Promise.resolve({
      content: [{ value: ' I have ' }, { other: 1 }, null, { value: 'done it. ' }],
    });
  });
  assert.deepEqual(await host.run(request()), { text: 'I have \ndone it.' });
  assert.deepEqual(asked, [
    { input: { prompt: 'Do T-1', description: 'T-1' }, toolInvocationToken: 'the right to' },
  ]);
});

test('a quota that is used up is no failure of the task, and any other refusal is one', async () => {
  const limited = subagents(() =>
    Promise.reject(new Error('Rate limit exceeded, try again later')),
  );
  const { rateLimit } = await limited.run(request());
  assert.match(rateLimit?.detail ?? '', /Rate limit/);
  await assert.rejects(
    subagents(() => Promise.reject(new Error('off topic'))).run(request()),
    /off topic/,
  );
});

test('an abort cancels the subagent, also one from before it was started', async () => {
  const control = new AbortController();
  let isCancelled = (): boolean => assert.fail('it was not started');
  const host = subagents((_, token) => {
    isCancelled = () => token.isCancellationRequested;
    return new Promise(() => undefined);
  });
  void host.run(request(control.signal));
  assert.equal(isCancelled(), false);
  control.abort();
  assert.equal(isCancelled(), true);
  void host.run(request(AbortSignal.abort()));
  assert.equal(isCancelled(), true);
});
