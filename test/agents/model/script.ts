/** What the model does in one case, said in the terms of every protocol. */
export type ModelStep =
  | { readonly kind: 'text'; readonly text: string }
  /** An answer that ends as a good one does, without a word in it. */
  | { readonly kind: 'empty' }
  /** `edit`: writes `file`, by whichever tool for it is offered. `shell`: runs a command. */
  | { readonly kind: 'edit'; readonly file: string; readonly content: string }
  | { readonly kind: 'shell'; readonly command: string }
  /**
   * Calls a tool of an MCP server, by whichever name the program shows it. `CLAIMED` among the
   * arguments stands for the id that an answer before it has told.
   */
  | { readonly kind: 'mcp'; readonly tool: string; readonly args: Json }
  | {
      readonly kind: 'refuse';
      readonly status: number;
      readonly message: string;
      /** Stated in the header of that name and where the protocol has a place for it. */
      readonly retryAfterS?: number;
    }
  /** The connection is closed in the middle of an answer that began with this text. */
  | { readonly kind: 'cut'; readonly text: string }
  /** The connection stays open and nothing is ever answered. */
  | { readonly kind: 'silent' };

/** A tool as the request offers it; `schema` is a JSON schema, undefined for one of free text. */
export interface OfferedTool {
  readonly name: string;
  /** The group that it is one of, where the protocol has groups. */
  readonly namespace?: string;
  readonly schema: Json | undefined;
}

export type Json = Readonly<Record<string, unknown>>;

/** A request in the terms of every protocol. */
export interface ModelRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly tools: readonly OfferedTool[];
  /** The answers of tools that it tells the model; see `stepsIn`. */
  readonly toolAnswers: readonly ToolAnswer[];
  /** True where the answer must be JSON of a shape: a question that the program has of its own. */
  readonly wantsJson: boolean;
}

/** What a tool answered: the id of the call, empty where the protocol has none, and the text. */
export interface ToolAnswer {
  readonly id: string;
  readonly text: string;
}

/** One answer, to be written in the words of a protocol. */
export interface ModelAnswer {
  readonly text: string;
  readonly call:
    | {
        readonly name: string;
        readonly namespace?: string | undefined;
        readonly id: string;
        /** Arguments as JSON, or the text that a tool of free text takes. */
        readonly args: Json | string;
      }
    | undefined;
}

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
    ? (value as Json)
    : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

/** The text of a tool's answer, whichever parts it has. */
export function wordsIn(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.values(value ?? {})
    .map(wordsIn)
    .join('\n');
}

/** The answers to the steps of the script so far, without those to searches for a tool. */
function stepsIn({ toolAnswers }: ModelRequest): readonly ToolAnswer[] {
  return toolAnswers.filter(({ id }) => !id.startsWith(SEARCH));
}

/** The step at which a conversation is; the last one is repeated. */
export function stepOf(script: readonly ModelStep[], request: ModelRequest): ModelStep {
  const step = script[Math.min(stepsIn(request).length, script.length - 1)];
  if (step === undefined) throw new Error('A script has at least one step.');
  // A question on the side, such as for a title: it offers no tools.
  const isCall = step.kind === 'edit' || step.kind === 'shell' || step.kind === 'mcp';
  return isCall && request.tools.length === 0 ? { kind: 'text', text: 'Hello.' } : step;
}

/** The answer to a step that has one. `root` is the folder that the agent works in. */
export function answerOf(
  step: Extract<ModelStep, { kind: 'text' | 'empty' | 'edit' | 'shell' | 'mcp' | 'cut' }>,
  request: ModelRequest,
  root: string,
): ModelAnswer {
  if (request.wantsJson) return { text: JSON.stringify(SIDE_ANSWER), call: undefined };
  switch (step.kind) {
    case 'text':
    case 'cut':
      return { text: step.text, call: undefined };
    case 'empty':
      return { text: '', call: undefined };
    case 'edit':
      return { text: '', call: named(editCall(step, request.tools, root), request) };
    case 'shell':
      return { text: '', call: named(shellCall(step.command, request.tools), request) };
    case 'mcp':
      return { text: '', call: named(mcpCall(step, request), request) };
  }
}

/** Answers the questions that programs have of their own, as far as they were seen. */
const SIDE_ANSWER = {
  reasoning: 'It is simple.',
  model_choice: 'flash',
  complexity_reasoning: 'It is simple.',
  complexity_score: 10,
  title: 'A task',
  isNewTopic: false,
};

type Call = Omit<NonNullable<ModelAnswer['call']>, 'id'>;

/** The begin of the ids of calls that look for a tool. */
const SEARCH = 'search';

/** Programs tell calls of one conversation apart by their ids. */
function named(call: Call, request: ModelRequest): NonNullable<ModelAnswer['call']> {
  const kind = call.name === TOOL_SEARCH ? SEARCH : 'call';
  return { ...call, id: `${kind}_${numberOf(request)}` };
}

/** The number of an answer in its conversation: `0001` for the first, before any tool was called. */
export function numberOf({ toolAnswers }: ModelRequest): string {
  return String(toolAnswers.length + 1).padStart(4, '0');
}

/** Names of tools that write a file, the plainest first. */
const EDITS = [/^write(_?file)?$/i, /^create(_?file)?$/i, /apply_?patch/i, /^edit$/i];
const SHELLS = [/^bash$/i, /shell/i, /exec_command/i, /terminal/i, /^run/i];

function editCall(
  { file, content }: Extract<ModelStep, { kind: 'edit' }>,
  tools: readonly OfferedTool[],
  root: string,
): Call {
  const tool = firstOf(tools, EDITS);
  if (tool !== undefined && /patch/i.test(tool.name)) {
    const patch = `*** Begin Patch\n*** Add File: ${file}\n+${content.trimEnd()}\n*** End Patch\n`;
    const args = tool.schema === undefined ? patch : filled(tool.schema, { patch });
    return { name: tool.name, args };
  }
  if (tool !== undefined) {
    const args = filled(tool.schema ?? {}, { path: `${root}/${file}`, content });
    return { name: tool.name, args };
  }
  // Agents that edit by nothing but commands.
  return shellCall(`printf '%s' '${content.trimEnd()}' > ${file}`, tools);
}

/** Called although it is not offered, as models do, where no such tool is. */
function shellCall(command: string, tools: readonly OfferedTool[]): Call {
  const tool = firstOf(tools, SHELLS) ?? { name: 'run_shell_command', schema: undefined };
  const args = filled(tool.schema ?? { properties: { command: { type: 'string' } } }, { command });
  return { name: tool.name, args };
}

/** Stands for the id of the task that the model was given. */
export const CLAIMED = '<claimed>';

/** Some programs show the tools of servers to a model only after it has looked for them. */
const TOOL_SEARCH = 'tool_search';

function mcpCall({ tool, args }: Extract<ModelStep, { kind: 'mcp' }>, request: ModelRequest): Call {
  const { tools } = request;
  const offered = offeredAs(tool, tools);
  const search = tools.find(({ name }) => name === TOOL_SEARCH);
  if (offered === undefined && search !== undefined)
    return { name: TOOL_SEARCH, args: { query: tool } };
  const claimed = stepsIn(request).map(({ text }) => /\bT-\d+/.exec(text)?.[0]);
  const id = claimed.findLast((found) => found !== undefined);
  const filledIn = Object.entries(args).map(
    ([name, value]) => [name, value === CLAIMED ? id : value] as const,
  );
  const { name, namespace } = offered ?? { name: tool };
  return { name, namespace, args: Object.fromEntries(filledIn) };
}

/** A tool of an MCP server as a program shows it; undefined where it does not. */
export function offeredAs(tool: string, tools: readonly OfferedTool[]): OfferedTool | undefined {
  const isIt = new RegExp(`(?:^|[^a-z])${tool}$`);
  return tools.find(({ name }) => isIt.test(name));
}

function firstOf(tools: readonly OfferedTool[], names: readonly RegExp[]): OfferedTool | undefined {
  for (const name of names) {
    const tool = tools.find((offered) => name.test(offered.name));
    if (tool !== undefined) return tool;
  }
  return undefined;
}

/** Arguments by the schema of a tool: what is known by the name of a field, and else what fits. */
function filled(
  schema: Json,
  known: { path?: string; content?: string; command?: string; patch?: string },
): Json {
  const required = new Set(listOf(schema['required']).map(textOf));
  const fields = Object.entries(objectOf(schema['properties'])).flatMap(([name, value]) => {
    const found = knownFor(name, known);
    const field = objectOf(value);
    if (found !== undefined)
      return [[name, field['type'] === 'array' ? ['bash', '-lc', found] : found] as const];
    return required.has(name) ? [[name, somethingOf(field)] as const] : [];
  });
  return Object.fromEntries(fields);
}

function knownFor(
  name: string,
  { path, content, command, patch }: Parameters<typeof filled>[1],
): string | undefined {
  if (/^(absolute_|file_?)?path$/i.test(name)) return path;
  if (/^(content|file_text|contents|text|new_string)$/i.test(name)) return content;
  if (/^(command|cmd)$/i.test(name)) return command;
  return /^(patch|input)$/i.test(name) ? patch : undefined;
}

function somethingOf({ type, enum: choices }: Json): unknown {
  const [first] = listOf(choices);
  if (first !== undefined) return first;
  switch (type) {
    case 'boolean':
      return false;
    case 'number':
    case 'integer':
      return 1;
    case 'array':
      return [];
    case 'object':
      return {};
    default:
      return 'x';
  }
}
