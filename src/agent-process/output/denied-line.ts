import { PRESETS } from '../agent-presets.ts';

const MAX_NAMED = 5;

/**
 * What an agent was not allowed to do, as a line for people, `could not run: npm test (2)`, with
 * what would allow it; none where it was allowed everything.
 */
export function deniedLine(agent: string, denied: readonly string[]): readonly string[] {
  if (denied.length === 0) return [];
  const counts = new Map<string, number>();
  for (const what of denied) counts.set(what, (counts.get(what) ?? 0) + 1);
  const named = [...counts]
    .slice(0, MAX_NAMED)
    .map(([what, count]) => (count === 1 ? what : `${what} (${count})`));
  const more = counts.size - named.length;
  const all = [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
  const preset = Object.entries(PRESETS).find(([kind]) => kind === agent)?.[1];
  return [`could not run: ${all}${preset === undefined ? '' : `; ${preset.allowedBy} allows it`}`];
}
