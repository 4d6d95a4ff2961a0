/** What the model does in one case, said in the terms of every protocol. */
export type ModelStep =
  | { readonly kind: 'text'; readonly text: string }
  /** An answer that ends as a good one does, without a word in it. */
  | { readonly kind: 'empty' }
  /** `edit`: writes `file`, by whichever tool for it is offered. `shell`: runs a command. */
  | { readonly kind: 'edit'; readonly file: string; readonly content: string }
  | { readonly kind: 'shell'; readonly command: string }
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
  readonly schema: Json | undefined;
}

export type Json = Readonly<Record<string, unknown>>;

/** A request in the terms of every protocol. */
export interface ModelRequest {
  readonly model: string;
  readonly stream: boolean;
  readonly tools: readonly OfferedTool[];
  /** How many answers of tools it tells the model: so many steps were made. */
  readonly toolAnswers: number;
  /** True where the answer must be JSON of a shape: a question that the program has of its own. */
  readonly wantsJson: boolean;
}

/** One answer, to be written in the words of a protocol. */
export interface ModelAnswer {
  readonly text: string;
  readonly call:
    | {
        readonly name: string;
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

/** The step at which a conversation is; the last one is repeated. */
export function stepOf(script: readonly ModelStep[], request: ModelRequest): ModelStep {
  const step = script[Math.min(request.toolAnswers, script.length - 1)];
  if (step === undefined) throw new Error('A script has at least one step.');
  // A question on the side, such as for a title: it offers no tools.
  const isCall = step.kind === 'edit' || step.kind === 'shell';
  return isCall && request.tools.length === 0 ? { kind: 'text', text: 'Hello.' } : step;
}

/** The answer to a step that has one. `root` is the folder that the agent works in. */
export function answerOf(
  step: Extract<ModelStep, { kind: 'text' | 'empty' | 'edit' | 'shell' | 'cut' }>,
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
      return { text: '', call: editCall(step, request.tools, root) };
    case 'shell':
      return { text: '', call: shellCall(step.command, request.tools) };
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

const CALL_ID = 'call_0001';

/** Names of tools that write a file, the plainest first. */
const EDITS = [/^write(_?file)?$/i, /^create(_?file)?$/i, /apply_?patch/i, /^edit$/i];
const SHELLS = [/^bash$/i, /shell/i, /exec_command/i, /terminal/i, /^run/i];

function editCall(
  { file, content }: Extract<ModelStep, { kind: 'edit' }>,
  tools: readonly OfferedTool[],
  root: string,
): ModelAnswer['call'] {
  const tool = firstOf(tools, EDITS);
  if (tool !== undefined && /patch/i.test(tool.name)) {
    const patch = `*** Begin Patch\n*** Add File: ${file}\n+${content.trimEnd()}\n*** End Patch\n`;
    const args = tool.schema === undefined ? patch : filled(tool.schema, { patch });
    return { name: tool.name, id: CALL_ID, args };
  }
  if (tool !== undefined) {
    const args = filled(tool.schema ?? {}, { path: `${root}/${file}`, content });
    return { name: tool.name, id: CALL_ID, args };
  }
  // Agents that edit by nothing but commands.
  return shellCall(`printf '%s' '${content.trimEnd()}' > ${file}`, tools);
}

/** Called although it is not offered, as models do, where no such tool is. */
function shellCall(command: string, tools: readonly OfferedTool[]): ModelAnswer['call'] {
  const tool = firstOf(tools, SHELLS) ?? { name: 'run_shell_command', schema: undefined };
  const args = filled(tool.schema ?? { properties: { command: { type: 'string' } } }, { command });
  return { name: tool.name, id: CALL_ID, args };
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
