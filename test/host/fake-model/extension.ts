import * as vscode from 'vscode';

/** What the model does when it is asked. */
export type Behaviour =
  /** Looks at the task by a tool of ours, and says that it is done. */
  | 'works'
  /** There is no model at all. */
  | 'absent'
  | 'refuses'
  | 'throws'
  /** Takes the request and never answers, whatever it is told. */
  | 'silent';

/**
 * What a test finds behind this extension: it sets how the model behaves, and sees what was asked
 * of it.
 */
export interface FakeModel {
  behaviour: Behaviour;
  /** Tells the editor that the list of models is another one. */
  changed(): void;
  /** Every subagent that was started, in order; `ended` is set when its tool has answered. */
  readonly subagents: { readonly prompt: string; readonly description: string; ended: boolean }[];
  /** The most that were at work at the same time. */
  mostAtOnce: number;
  /** Tools that the model called, and what it was told. */
  readonly toolCalls: { readonly name: string; readonly input: object; readonly answer: string }[];
  /** Holds every answer back until it resolves. */
  gate: Promise<void>;
}

const VENDOR = 'todo2-fake';

/**
 * A chat model and a stand-in for the editor's own subagents, neither of which needs an account.
 */
export function activate(context: vscode.ExtensionContext): FakeModel {
  const listChanged = new vscode.EventEmitter<void>();
  const fake: FakeModel = {
    ...{ behaviour: 'works', subagents: [], mostAtOnce: 0, toolCalls: [], gate: Promise.resolve() },
    changed: () => listChanged.fire(),
  };
  context.subscriptions.push(
    listChanged,
    vscode.lm.registerLanguageModelChatProvider(VENDOR, modelOf(fake, listChanged.event)),
    vscode.lm.registerTool('standin_subagent', standIn(fake)),
  );
  return fake;
}

function modelOf(fake: FakeModel, changed: vscode.Event<void>): vscode.LanguageModelChatProvider {
  const model: vscode.LanguageModelChatInformation = {
    ...{
      id: 'fake-1',
      name: 'Fake 1',
      family: 'fake',
      version: '1',
      maxInputTokens: 100_000,
      maxOutputTokens: 10_000,
    },
    capabilities: { toolCalling: true },
  };
  return {
    onDidChangeLanguageModelChatInformation: changed,
    provideLanguageModelChatInformation: () => (fake.behaviour === 'absent' ? [] : [model]),
    provideLanguageModelChatResponse: async (_model, messages, _options, progress) => {
      const said = messages.flatMap(({ content }) => [...content]);
      if (fake.behaviour === 'refuses')
        throw vscode.LanguageModelError.Blocked('The model refuses to do that.');
      if (fake.behaviour === 'throws') throw new Error('The model broke down.');
      if (fake.behaviour === 'silent') await new Promise(() => undefined);
      const prompt = said
        .map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : ''))
        .join('\n');
      const id = /^Id: (\S+)$/m.exec(prompt)?.[1] ?? 'unknown';
      const hasLooked = said.some((part) => part instanceof vscode.LanguageModelToolResultPart);
      if (!hasLooked) {
        progress.report(new vscode.LanguageModelToolCallPart(`call-${id}`, 'waves_show', { id }));
        return;
      }
      await fake.gate;
      progress.report(new vscode.LanguageModelTextPart(`I have done ${id} and checked it.`));
    },
    provideTokenCount: (_model, text) =>
      Promise.resolve(typeof text === 'string' ? text.length : 1),
  };
}

interface Input {
  readonly prompt: string;
  readonly description: string;
}

function standIn(fake: FakeModel): vscode.LanguageModelTool<Input> {
  return {
    invoke: async ({ input, toolInvocationToken }, token) => {
      // As the editor's own: nobody but a chat request may start a subagent.
      // By its type there always is one, yet a caller without a chat request passes none.
      const right: unknown = toolInvocationToken;
      if (right === undefined) throw new Error('toolInvocationToken is required for this tool');
      const subagent = { ...input, ended: false };
      fake.subagents.push(subagent);
      fake.mostAtOnce = Math.max(
        fake.mostAtOnce,
        fake.subagents.filter(({ ended }) => !ended).length,
      );
      try {
        const text = await converse(
          fake,
          input.prompt,
          right as vscode.ChatParticipantToolToken,
          token,
        );
        return new vscode.LanguageModelToolResult([new vscode.LanguageModelTextPart(text)]);
      } finally {
        subagent.ended = true;
      }
    },
  };
}

const MOST_ROUNDS = 5;

/** Lets the model speak and call tools of ours until it calls none. */
async function converse(
  fake: FakeModel,
  prompt: string,
  toolInvocationToken: vscode.ChatParticipantToolToken,
  token: vscode.CancellationToken,
): Promise<string> {
  const [model] = await vscode.lm.selectChatModels({ vendor: VENDOR });
  if (model === undefined) throw new Error('There is no model to be had.');
  const messages = [vscode.LanguageModelChatMessage.User(prompt)];
  const tools = vscode.lm.tools.filter(({ name }) => name.startsWith('waves_'));
  for (let round = 0; round < MOST_ROUNDS; round++) {
    const response = await model.sendRequest(messages, { tools: [...tools] }, token);
    let text = '';
    const calls: vscode.LanguageModelToolCallPart[] = [];
    for await (const part of response.stream) {
      if (part instanceof vscode.LanguageModelTextPart) text += part.value;
      if (part instanceof vscode.LanguageModelToolCallPart) calls.push(part);
    }
    if (calls.length === 0) return text;
    messages.push(vscode.LanguageModelChatMessage.Assistant(calls));
    for (const { callId, name, input } of calls) {
      const { content } = await vscode.lm.invokeTool(name, { input, toolInvocationToken }, token);
      const answer = content
        .map((part) => (part instanceof vscode.LanguageModelTextPart ? part.value : ''))
        .join('');
      fake.toolCalls.push({ name, input, answer });
      messages.push(
        vscode.LanguageModelChatMessage.User([
          new vscode.LanguageModelToolResultPart(callId, [
            new vscode.LanguageModelTextPart(answer),
          ]),
        ]),
      );
    }
  }
  throw new Error('The model called tools without an end.');
}
