import type { Unreadable, UnreadableCause } from '../core/failure.ts';
import { messageOf } from '../core/text.ts';

/** Why a file cannot be read. */
export type FileFault = Pick<Unreadable, 'cause' | 'detail'>;

/** What an error of a file operation says about the file. */
export function faultOfError(error: unknown): FileFault {
  return { cause: causeOfError(error), detail: messageOf(error) };
}

/** True for the error of a file that does not exist. */
export function isAbsence(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return code === 'ENOENT' || code === 'ENOTDIR';
}

function causeOfError(error: unknown): UnreadableCause {
  switch ((error as NodeJS.ErrnoException).code) {
    case 'EACCES':
    case 'EPERM':
      return 'permission';
    case 'EBUSY':
      return 'busy';
    default:
      return 'io';
  }
}
