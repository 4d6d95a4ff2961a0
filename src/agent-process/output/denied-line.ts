import type { PresetKind } from '../agent-presets.ts';

const MAX_NAMED = 5;

/**
 * What the user can set so that an agent may do more, as the subject of a sentence. Not among the
 * presets, which supervisors do without.
 */
const ALLOWED_BY: Readonly<Record<PresetKind, string>> = {
  cursor: 'permissions.allow in .cursor/cli.json',
  claude: 'permissions.allow in .claude/settings.json',
  codex: 'sandbox_workspace_write in ~/.codex/config.toml',
  gemini: 'tools.allowed in .gemini/settings.json',
  qwen: 'permissions.allow in .qwen/settings.json',
  copilot: 'a custom agent with more of --allow-tool',
  opencode: 'permission in opencode.json',
  amp: 'amp.permissions in its settings',
  aider: 'a custom agent with --suggest-shell-commands',
  goose: 'GOOSE_MODE in the environment of the editor',
};

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
  const allowedBy = Object.entries(ALLOWED_BY).find(([kind]) => kind === agent)?.[1];
  return [`could not run: ${all}${allowedBy === undefined ? '' : `; ${allowedBy} allows it`}`];
}
