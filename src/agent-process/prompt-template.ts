import { join } from 'node:path';
import { readWhole } from '../disk/read-whole.ts';

/** Where a project may have its own prompt, relative to its root. */
export const TEMPLATE_FILE = '.todo2/waves/prompt.md';

const MAX_BYTES = 64 * 1024;

/**
 * A project's own prompt; undefined for the built-in one, with a note where that is not what the
 * project wants.
 */
export interface PromptTemplate {
  readonly text: string | undefined;
  readonly note: string | undefined;
}

/** Reads the prompt of a project. Never fails: the note explains why a prompt cannot be used. */
export async function readPromptTemplate(root: string): Promise<PromptTemplate> {
  const builtIn = (why: string): PromptTemplate => ({
    text: undefined,
    note: `${TEMPLATE_FILE} ${why}: agents get the built-in prompt`,
  });
  const read = await readWhole(join(root, TEMPLATE_FILE), { root, mostBytes: MAX_BYTES });
  if (!read.ok) return builtIn(`could not be read (${read.failure.detail})`);
  if (read.value === undefined) return { text: undefined, note: undefined };
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(read.value.bytes);
  } catch {
    return builtIn('could not be read (it is not UTF-8)');
  }
  return text.trim() === ''
    ? builtIn('is empty')
    : { text: text.replace(/\r\n/g, '\n'), note: undefined };
}
