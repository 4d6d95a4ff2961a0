import { cut, oneLine } from '../../core/text.ts';
import type { ToldUsage } from './usage-meter.ts';
import type { ToldError } from './verdict.ts';

/** A JSON object of which nothing is known. */
export type Json = Readonly<Record<string, unknown>>;

/** An event of an agent, as one line of JSON. */
export type AgentEvent = Json & { readonly type: string };

/** What one event means, in the terms of every agent. */
export type OutputEvent =
  /** A message, whole. */
  | { readonly kind: 'said'; readonly text: string }
  /** A piece of a message that continues. */
  | { readonly kind: 'saying'; readonly text: string }
  /** What it does now, as a line. */
  | { readonly kind: 'does'; readonly line: string }
  /** For display only. */
  | { readonly kind: 'note'; readonly line: string }
  | { readonly kind: 'session'; readonly id: unknown }
  /** An error; the agent may still continue. */
  | ({ readonly kind: 'error' } & ToldError)
  /** An error that it goes on with. */
  | { readonly kind: 'warning'; readonly text: string }
  /** What it was not allowed to do: a command, or a tool with the most telling part of its input. */
  | { readonly kind: 'denied'; readonly what: string }
  /** What the user should know of its work when it has ended. */
  | { readonly kind: 'remark'; readonly line: string }
  /** What it used so far. */
  | { readonly kind: 'usage'; readonly told: ToldUsage }
  /** The maker refuses work until then (epoch ms), or for a while that is not known. */
  | { readonly kind: 'refused'; readonly until: number | undefined; readonly detail: string }
  /** The agent's result; `text` is its final message, `error` what is wrong by it. */
  | {
      readonly kind: 'result';
      readonly text?: string | undefined;
      readonly error: ToldError | undefined;
    };

export type OutputEvents = readonly OutputEvent[];

/** How the events of one agent are understood. */
export interface EventFormat {
  /** Undefined for a type of event that is not known, which is shown by its name. */
  readonly understand: (event: AgentEvent, calls: ToolCalls) => OutputEvents | undefined;
  /** Whether a good end always has a last word: then an end without one is none. */
  readonly hasLastWord: boolean;
  /** Whether lines that are no events are what it says, where it writes nothing else. */
  readonly mayBeText?: boolean;
}

/** Of so many calls that have no answer yet it is known what they were. */
const MAX_CALLS = 1000;

/** What the tool calls were to do that have no answer yet, by their ids. */
export class ToolCalls {
  readonly #calls = new Map<string, string>();

  begin(id: unknown, name: unknown, input: unknown): void {
    if (typeof id === 'string' && this.#calls.size < MAX_CALLS)
      this.#calls.set(id, describeCall(name, input));
  }

  /** The answer to a call has come: what it was not allowed to do, where it was denied. */
  end(id: unknown, isDenied: boolean): OutputEvents {
    const key = textOf(id) ?? '';
    const what = this.#calls.get(key);
    this.#calls.delete(key);
    return isDenied && what !== undefined ? [{ kind: 'denied', what }] : [];
  }
}

const MAX_DETAIL = 160;

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null ? (value as Json) : {};
}

export function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

export function textOf(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** An event, where a line is one; its `type` is any text. */
export function parseEvent(line: string): AgentEvent | undefined {
  if (!line.trimStart().startsWith('{')) return undefined;
  try {
    const event = objectOf(JSON.parse(line));
    return typeof event['type'] === 'string' ? (event as AgentEvent) : undefined;
  } catch {
    // Not an event: it is shown as the agent wrote it.
    return undefined;
  }
}

/** One plain line of at most 160 characters. */
export function shorten(text: string): string {
  return cut(oneLine(text.slice(0, 4 * MAX_DETAIL)), MAX_DETAIL);
}

/** `→ Bash npm test`: a tool and the most informative part of its input. */
export function usesTool(name: unknown, input: unknown): OutputEvent {
  const title = typeof name === 'string' ? shorten(name) : 'tool';
  return { kind: 'does', line: `→ ${title} ${describeInput(objectOf(input))}`.trimEnd() };
}

/** `npm test`, or `Edit src/a.ts`: a command as it is, any other tool with its input. */
export function describeCall(name: unknown, input: unknown): string {
  const { command, cmd } = objectOf(input);
  const words = listOf(command).filter((word) => typeof word === 'string');
  const line = textOf(command) ?? textOf(cmd) ?? textOf(words.join(' '));
  if (line !== undefined) return shorten(line);
  const title = typeof name === 'string' ? shorten(name) : 'tool';
  return `${title} ${describeInput(objectOf(input))}`.trimEnd();
}

/**
 * The sum of these counts of tokens in an object; undefined where it has none of them. The output
 * is not to be trusted: what cannot be a count is left out.
 */
export function sumOf(object: Json, ...names: readonly string[]): number | undefined {
  const counts = names.flatMap((name) => amountOf(object[name]) ?? []).filter(Number.isInteger);
  return counts.length === 0 ? undefined : counts.reduce((sum, n) => sum + n, 0);
}

/** More tokens or dollars than any agent uses, so that sums stay exact. */
const MAX_AMOUNT = 1e12;

/** A number from 0 on; undefined for anything else. */
export function amountOf(value: unknown): number | undefined {
  return typeof value === 'number' && value >= 0 && value <= MAX_AMOUNT ? value : undefined;
}

/** A whole message or a piece of one; nothing where it has no text. */
export function says(kind: 'said' | 'saying', text: unknown): OutputEvents {
  const words = textOf(text);
  return words === undefined ? [] : [{ kind, text: words }];
}

/** The model that answers, where it is named. */
export function usesModel(model: unknown): OutputEvents {
  const name = textOf(model);
  return name === undefined ? [] : [{ kind: 'note', line: `Model: ${shorten(name)}` }];
}

/** The first words among these errors, each a text or an object with a `message`. */
export function findReason(...errors: readonly unknown[]): string | undefined {
  const words = errors.map((error) => textOf(error) ?? textOf(objectOf(error)['message']));
  return words.find((each) => each !== undefined);
}

/** The first words among these errors, with the status of the first that has one. */
export function errorOf(...errors: readonly unknown[]): ToldError {
  const statuses = errors.map((error) => {
    const { api_error_status: api, status, statusCode, status_code: code } = objectOf(error);
    return [api, status, statusCode, code].find((value) => typeof value === 'number');
  });
  return {
    text: findReason(...errors) ?? '',
    status: statuses.find((status) => status !== undefined),
  };
}

const TELLING = [
  'file_path',
  'filePath',
  'path',
  'command',
  'pattern',
  'query',
  'url',
  'description',
];

/** A file, a command, or else the first value. */
function describeInput(input: Json): string {
  const best = [...TELLING.map((name) => input[name]), ...Object.values(input)].find((value) =>
    textOf(value),
  );
  return typeof best === 'string' ? shorten(best) : '';
}
