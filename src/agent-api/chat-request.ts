import { trimSigns } from '../core/text.ts';
/** What the user asks `@waves` for. Numbers and ids are as typed. */
export type ChatWish =
  | { readonly kind: 'status' }
  | { readonly kind: 'explain'; readonly id: string | undefined }
  | { readonly kind: 'plan' }
  /** `wave` undefined is all waves. `backlog` counts from 1, where the window has several. */
  | { readonly kind: 'run'; readonly wave: number | undefined; readonly backlog?: number }
  | { readonly kind: 'help' };

/** The commands behind `@waves /`, as the manifest has them. */
export const CHAT_COMMANDS = ['status', 'explain', 'plan', 'run'] as const;

const FIRST_WORDS: readonly (readonly [RegExp, (typeof CHAT_COMMANDS)[number]])[] = [
  [/^(run|start|launch|do|work on)\b/i, 'run'],
  [/^(explain|why|what about|show)\b/i, 'explain'],
  [/^(plan|plans|write plans?|write the plans?)\b/i, 'plan'],
  [/^(status|list|waves?|who|locks?|runs?|what)\b/i, 'status'],
];

/**
 * Reads a request. Nothing is guessed that would start something: `run` needs its command or its
 * word at the beginning, and a run of which it is not plain what is wanted is none.
 */
export function readChatRequest(command: string | undefined, prompt: string): ChatWish {
  const text = prompt.trim();
  const known = CHAT_COMMANDS.find((each) => each === command);
  if (known === undefined && text === '') return { kind: 'status' };
  const verb = known ?? FIRST_WORDS.find(([words]) => words.test(text))?.[1];
  switch (verb) {
    case undefined:
      // A single word that is none of ours is most likely the id of a task.
      return !/\s/.test(text) && /\d/.test(text) ? { kind: 'explain', id: text } : { kind: 'help' };
    case 'status':
    case 'plan':
      return { kind: verb };
    case 'explain':
      return { kind: 'explain', id: idIn(text) };
    case 'run':
      return readRun(text);
  }
}

/**
 * What is to be written into the chat for a run, so that `readChatRequest` reads it so. `backlog`
 * is undefined for the only one.
 */
export function writeRunRequest(wave: number, backlog: number | undefined): string {
  return `@waves /run wave ${wave}${backlog === undefined ? '' : ` of backlog ${backlog}`}`;
}

function readRun(text: string): ChatWish {
  const of = /\bof backlog (\d{1,3})$/i.exec(text);
  const named = of === null ? text : text.slice(0, of.index).trimEnd();
  const backlog = of === null ? {} : { backlog: Number(of[1]) };
  const rest = named.replace(/^(run|start|launch|do|work on)\b/i, '').trim();
  if (rest === '' || /^(all|everything|all (the )?waves|the backlog)[.!]?$/i.test(rest)) {
    return { kind: 'run', wave: undefined, ...backlog };
  }
  const number = /^(?:the )?(?:wave )?#?(\d{1,6})[.!]?$/i.exec(rest)?.[1];
  return number === undefined
    ? { kind: 'help' }
    : { kind: 'run', wave: Number(number), ...backlog };
}

/**
 * The last word that has a digit in it, without the marks around it: “why is T-12 not ready?” asks
 * for T-12.
 */
function idIn(text: string): string | undefined {
  const words = text.split(/\s+/).map((word) => trimSigns(word, '"\'`“(#', '"\'`”).,:;?!'));
  const first = words.find((word) => /\d/.test(word));
  if (first !== undefined) return first;
  return words.length === 1 && words[0] !== '' && !FIRST_WORDS.some(([verb]) => verb.test(text))
    ? words[0]
    : undefined;
}
