import type * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import { inline } from '../core/markdown.ts';
import { oneLine, messageOf } from '../core/text.ts';
import type { SubagentHostRegistry } from '../core/run/attempt/subagent-host-registry.ts';
import type { Task } from '../core/task.ts';
import { type ChatWish, readChatRequest } from './chat-request.ts';
import { type ChatRunEnd, runInChat } from './chat-run.ts';
import { explainText, statusText } from './chat-text.ts';
import type { Editor } from './editor.ts';
import { InvokedSubagents } from './invoke-subagent.ts';
import { failureText } from '../core/messages.ts';

/** As the manifest has it. */
export const PARTICIPANT_ID = 'todo2-waves.waves';

export interface ParticipantParts {
  readonly editor: Editor;
  readonly backlogs: () => readonly Backlog[];
  /** The backlog that a person looks at, where that can be told. */
  readonly current: () => Backlog | undefined;
  /** Resolves when the backlogs of the window were opened. */
  readonly ready: () => Promise<void>;
  readonly subagentHostsOf: (backlog: Backlog) => SubagentHostRegistry | undefined;
  /** The name of the tool that starts subagents. */
  readonly toolFor: (backlog: Backlog) => string;
  readonly log: (line: string) => void;
  readonly reportBug: (error: unknown) => void;
}

type Response = vscode.ChatResponseStream;

/** Registers `@waves`; undefined where the editor has no chat participants or refuses it. */
export function registerParticipant(parts: ParticipantParts): Disposable | undefined {
  const { chat, ThemeIcon } = parts.editor;
  if (typeof chat?.createChatParticipant !== 'function') return undefined;
  try {
    const participant = chat.createChatParticipant(
      PARTICIPANT_ID,
      (request, _context, response, token) => answer(parts, request, response, token),
    );
    participant.iconPath = new ThemeIcon('layers');
    participant.followupProvider = { provideFollowups: (result) => followups(parts, result) };
    return participant;
  } catch (error) {
    parts.log(`@waves was not taken by this editor: ${messageOf(error)}`);
    return undefined;
  }
}

/** Answers one request; what came of it is in the metadata of the result. */
async function answer(
  parts: ParticipantParts,
  request: Pick<vscode.ChatRequest, 'command' | 'prompt' | 'toolInvocationToken'>,
  response: Response,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  if (!parts.editor.workspace.isTrusted) {
    return refuse(failureText({ kind: 'readOnly', cause: { kind: 'untrusted' } }, Date.now()));
  }
  await parts.ready();
  if (parts.backlogs().length === 0)
    return refuse('There is no folder with a Todo2 backlog in this window.');
  const wish = readChatRequest(request.command, request.prompt);
  switch (wish.kind) {
    case 'status':
      return status(parts, response);
    case 'explain':
      return explain(parts, response, wish.id);
    case 'plan':
      return plan(response);
    case 'run':
      return run(parts, wish, request, response, token);
    case 'help':
      response.markdown(HELP);
      return { metadata: { did: 'help' } };
  }
}

const HELP = `I show and run the waves of this backlog. Ask me for

- \`/status\`: the waves, who holds what, and the runs
- \`/explain T-12\`: whether a task may start, and if not, why not
- \`/plan\`: the plan files for agents
- \`/run wave 2\`, or \`/run\` for all waves: one subagent per task, as many at a time as the settings say`;

function refuse(message: string): vscode.ChatResult {
  return { errorDetails: { message }, metadata: { did: 'nothing' } };
}

async function status(
  { backlogs }: ParticipantParts,
  response: Response,
): Promise<vscode.ChatResult> {
  for (const backlog of backlogs()) {
    await backlog.refresh();
    response.markdown(`${statusText(backlog)}\n\n`);
  }
  return { metadata: { did: 'status' } };
}

async function explain(
  { backlogs }: ParticipantParts,
  response: Response,
  id: string | undefined,
): Promise<vscode.ChatResult> {
  if (id === undefined) return refuse('Which task? Say its id, as in “/explain T-12”.');
  for (const backlog of backlogs()) {
    await backlog.refresh();
    const task = findTask(backlog, id);
    if (task === undefined) continue;
    response.markdown(explainText(backlog, task));
    return { metadata: { did: 'explain' } };
  }
  return refuse(`There is no task ${oneLine(id).slice(0, 80)} in this backlog.`);
}

/** The task of this id, else the only one whose id differs in case alone, as users type. */
function findTask(backlog: Backlog, id: string): Task | undefined {
  const tasks = backlog.snapshot?.tasks ?? [];
  const exact = tasks.find((task) => task.id === id);
  if (exact !== undefined) return exact;
  const alike = tasks.filter((task) => task.id.toLowerCase() === id.toLowerCase());
  return alike.length === 1 ? alike[0] : undefined;
}

/** Only the buttons write files, so the user always decides. */
function plan(response: Response): vscode.ChatResult {
  response.markdown(
    'These files go into `.cursor/plans`; what people wrote into the main plan stays. Which one shall be written?\n\n',
  );
  response.button({ command: 'todo2Waves.writePlan', title: 'Write Wave Plan' });
  response.button({ command: 'todo2Waves.writeSubagentsPlan', title: 'Write Plan for Subagents' });
  return { metadata: { did: 'plan' } };
}

async function run(
  parts: ParticipantParts,
  wish: Extract<ChatWish, { readonly kind: 'run' }>,
  request: Pick<vscode.ChatRequest, 'toolInvocationToken'>,
  response: Response,
  token: vscode.CancellationToken,
): Promise<vscode.ChatResult> {
  const { editor, reportBug } = parts;
  const backlog = meant(parts, wish.backlog);
  if (backlog === undefined) {
    const names = parts.backlogs().map((each, i) => `${i + 1}. ${inline(each.name)}`);
    response.markdown(
      `Of which backlog? Say for example “/run wave 0 of backlog 1”.\n\n${names.join('\n')}`,
    );
    return { metadata: { did: 'nothing' } };
  }
  const subagentHosts = parts.subagentHostsOf(backlog);
  if (subagentHosts === undefined)
    return refuse('This backlog is being opened; ask again in a moment.');
  await backlog.refresh();
  const name = parts.toolFor(backlog);
  const ended = await runInChat({
    backlog,
    wave: wish.wave,
    subagentHosts,
    response,
    token,
    reportBug,
    host: new InvokedSubagents(editor, { name, token: request.toolInvocationToken }),
  });
  return resultOf(ended, name);
}

/** The one that was named by its number, the only one, or the one that a person looks at. */
function meant(
  { backlogs, current }: ParticipantParts,
  number: number | undefined,
): Backlog | undefined {
  const all = backlogs();
  if (number !== undefined) return all[number - 1];
  return all.length === 1 ? all[0] : current();
}

function resultOf(ended: ChatRunEnd, tool: string): vscode.ChatResult {
  if (ended.kind === 'ended') {
    return { metadata: { did: 'run', runId: ended.runId, isCancelled: ended.isCancelled } };
  }
  const { failure } = ended;
  if (failure.kind !== 'noSubagents') return refuse(failureText(failure, Date.now()));
  return refuse(
    `This editor has no tool called ${oneLine(tool)}, which starts subagents. VS Code has one once a chat model is there: sign in to Copilot, or add a model of your own. Nothing was started or claimed.`,
  );
}

function followups(
  { backlogs }: ParticipantParts,
  { metadata }: vscode.ChatResult,
): vscode.ChatFollowup[] {
  const did: unknown = metadata?.['did'];
  const [backlog, ...more] = backlogs();
  const wave = backlog?.plan?.waves.find((each) => backlog.progressOf(each).ready > 0);
  if (did !== 'status' || more.length > 0 || wave === undefined) return [];
  return [
    {
      prompt: `wave ${wave.number}`,
      command: 'run',
      label: `Run wave ${wave.number} with subagents`,
    },
  ];
}
