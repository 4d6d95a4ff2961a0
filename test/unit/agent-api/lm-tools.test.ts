import assert from 'node:assert/strict';
import test from 'node:test';
import type * as vscode from 'vscode';
import type { AgentBacklog } from '../../../src/agent-api/agent-backlog.ts';
import type { Editor } from '../../../src/agent-api/editor.ts';
import { registerLanguageModelTools } from '../../../src/agent-api/lm-tools.ts';
import type { Operation } from '../../../src/agent-api/operation.ts';
import { OPERATIONS } from '../../../src/agent-api/operations.ts';
import { fail, ok } from '../../../src/core/result.ts';
import { fakeBacklog } from '../../support/fake-backlog.ts';

type Tool = vscode.LanguageModelTool<object>;

class Text {
  readonly value: string;
  constructor(value: string) {
    this.value = value;
  }
}

class Content {
  readonly content: readonly Text[];
  constructor(content: readonly Text[]) {
    this.content = content;
  }
}

/** The tools as an editor got them. */
function register(
  operations: readonly Operation[],
  more: {
    readonly isTrusted?: boolean;
    readonly served?: AgentBacklog | 'none';
    readonly refuses?: string;
  } = {},
) {
  const tools = new Map<string, Tool>();
  const [log, bugs]: [string[], unknown[]] = [[], []];
  const editor = {
    workspace: { isTrusted: more.isTrusted ?? true },
    ...{ MarkdownString: Text, LanguageModelTextPart: Text, LanguageModelToolResult: Content },
    lm: {
      registerTool: (name: string, tool: Tool) => {
        if (name === more.refuses) throw new Error('not that one');
        tools.set(name, tool);
        return { dispose: () => tools.delete(name) };
      },
    },
  } as unknown as Editor;
  const served = more.served ?? ({ backlog: fakeBacklog({}) } as unknown as AgentBacklog);
  const registered = registerLanguageModelTools({
    ...{ editor, operations },
    served: () => Promise.resolve(served === 'none' ? undefined : served),
    log: (line) => void log.push(line),
    reportBug: (error) => void bugs.push(error),
  });
  const call = (name: string, input: object, isCancelled = false): Promise<Content> => {
    const token = { isCancellationRequested: isCancelled } as vscode.CancellationToken;
    const tool = tools.get(name) ?? assert.fail(name);
    const options = { input, toolInvocationToken: undefined };
    return Promise.resolve(tool.invoke(options, token)) as unknown as Promise<Content>;
  };
  return { tools, registered, log, bugs, call };
}

const [, ...REST] = OPERATIONS;

function made(run: Operation['run']): Operation {
  return { ...(OPERATIONS[0] ?? assert.fail()), name: 'waves_made', run };
}

const prepare = (tool: Tool | undefined, input: object): vscode.PreparedToolInvocation =>
  (tool?.prepareInvocation?.({ input }, {} as never) as
    vscode.PreparedToolInvocation | undefined) ?? assert.fail('it says nothing before it runs');

test('every operation that changes something asks a person first, and no other one does', () => {
  const { tools, registered } = register(OPERATIONS);
  assert.equal(registered.length, OPERATIONS.length);
  assert.ok(
    OPERATIONS.some(({ effect }) => !effect.readOnly) &&
      OPERATIONS.some(({ effect }) => effect.readOnly),
  );
  for (const { name, title, effect } of OPERATIONS) {
    const { confirmationMessages, invocationMessage } = prepare(tools.get(name), { id: 'T-1' });
    assert.equal(confirmationMessages === undefined, effect.readOnly, name);
    assert.equal(invocationMessage, `${title}: T-1`);
  }
});

test('what a model asks for is shown to a person as plain words, cut where it is long', () => {
  const { tools } = register(OPERATIONS);
  const input = {
    id: 'T-1',
    text: `[press](command:evil) <b>\`x\`\n# head ${'x'.repeat(5_000)}`,
    more: { a: 1 },
  };
  const { message } = prepare(tools.get('waves_note'), input).confirmationMessages ?? assert.fail();
  const text = (message as unknown as Text).value;
  assert.ok(text.length < 1_500, `${text.length}`);
  assert.doesNotMatch(text, /(?<!\\)\[press(?<!\\)\]\(/, 'no link');
  assert.doesNotMatch(text, /^#/m);
  assert.doesNotMatch(text, /(?<!\\)<b>/);
});

test('a model is told what an operation answers, or why it was not done', async () => {
  const good = register([made(() => Promise.resolve(ok({ text: 'Claimed.', structured: {} })))]);
  assert.deepEqual((await good.call('waves_made', {})).content, [new Text('Claimed.')]);
  const bad = register([made(() => Promise.resolve(fail({ kind: 'unknownTask', id: 'T-9' })))]);
  await assert.rejects(bad.call('waves_made', {}), /T-9/);
  assert.deepEqual(bad.bugs, [], 'a refusal is no bug');
});

test('what nobody hears the answer of any more is taken back', async () => {
  let undone = 0;
  const undo = (): Promise<void> => {
    undone++;
    return Promise.resolve();
  };
  const { call } = register([
    made(() => Promise.resolve(ok({ text: 'Claimed.', structured: {}, undo }))),
  ]);
  await call('waves_made', {});
  assert.equal(undone, 0);
  await call('waves_made', {}, true);
  assert.equal(undone, 1);
});

test('a bug is reported, and its words are not shown to the model', async () => {
  const { call, bugs } = register([made(() => Promise.reject(new Error('secret path')))]);
  await assert.rejects(call('waves_made', {}), (error: Error) => !error.message.includes('secret'));
  assert.equal(bugs.length, 1);
});

test('nothing runs where the folder is not trusted, or where there is no backlog', async () => {
  const run: Operation['run'] = () => assert.fail('it ran');
  await assert.rejects(register([made(run)], { isTrusted: false }).call('waves_made', {}), /trust/);
  await assert.rejects(
    register([made(run)], { served: 'none' }).call('waves_made', {}),
    /no Todo2 backlog/,
  );
});

test('an editor that takes no tools has none, and one that refuses a tool has the others', () => {
  const never = (): never => assert.fail();
  const parts = { operations: OPERATIONS, served: never, log: never, reportBug: never };
  assert.deepEqual(registerLanguageModelTools({ ...parts, editor: {} as Editor }), []);
  assert.deepEqual(
    registerLanguageModelTools({ ...parts, editor: { lm: {} } as unknown as Editor }),
    [],
  );
  const { registered, log } = register(OPERATIONS, { refuses: OPERATIONS[0]?.name ?? '' });
  assert.equal(registered.length, REST.length);
  assert.equal(log.length, 1);
});
