import { oneLine } from '../core/text.ts';

/**
 * Backlog text for quick picks, the status bar and messages, which draw `$(name)` as an icon and, in messages,
 * `[text](target)` as a link: a zero-width space keeps both from being read as such.
 */
export function plain(text: string): string {
  return oneLine(text).replace(/\$\(/g, '$\u200b(').replace(/\]\(/g, ']\u200b(');
}
