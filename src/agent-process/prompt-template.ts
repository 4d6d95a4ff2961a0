import { lstat, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../core/text.ts';

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

/**
 * The bytes of a regular file that is not larger than that; undefined where there is none. Throws
 * what the disk says.
 */
export type ReadSmallFile = (
  file: string,
  maxBytes: number,
) => Promise<Uint8Array | 'tooLarge' | undefined>;

/** Reads the prompt of a project. Never fails: the note explains why a prompt cannot be used. */
export async function readPromptTemplate(
  root: string,
  read: ReadSmallFile = readSmallFile,
): Promise<PromptTemplate> {
  const builtIn = (why: string): PromptTemplate => ({
    text: undefined,
    note: `${TEMPLATE_FILE} ${why}: agents get the built-in prompt`,
  });
  try {
    const bytes = await read(join(root, TEMPLATE_FILE), MAX_BYTES);
    if (bytes === undefined) return { text: undefined, note: undefined };
    if (bytes === 'tooLarge') return builtIn('is larger than 64 KB');
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    return text.trim() === ''
      ? builtIn('is empty')
      : { text: text.replace(/\r\n/g, '\n'), note: undefined };
  } catch (error) {
    return builtIn(`could not be read (${messageOf(error)})`);
  }
}

async function readSmallFile(
  file: string,
  maxBytes: number,
): Promise<Uint8Array | 'tooLarge' | undefined> {
  try {
    const stats = await lstat(file);
    // A link could lead out of the project, and a pipe would never end.
    if (!stats.isFile()) throw new Error('it is no regular file');
    if (stats.size > maxBytes) return 'tooLarge';
    const bytes = await readFile(file);
    return bytes.length > maxBytes ? 'tooLarge' : bytes;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? ''))
      return undefined;
    throw error;
  }
}
