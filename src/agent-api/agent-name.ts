import { trimSigns } from '../core/text.ts';
/**
 * A client's own name as the first part of the name in a lock: letters, digits, dots and
 * underscores, at most 32. Never with a `-`, at which readers of such names take the first part to
 * end. `mcp` where nothing is left.
 */
export function agentNameOf(name: string | undefined): string {
  const signs = (name ?? '')
    .trim()
    .replace(/[\s-]+/g, '_')
    .replace(/[^A-Za-z0-9._]/g, '')
    .slice(0, 32);
  const safe = trimSigns(signs, '._', '._');
  return safe === '' ? 'mcp' : safe;
}
