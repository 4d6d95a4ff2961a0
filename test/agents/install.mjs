// Installs the agents' command lines that npm has, each in a folder of its own, pinned. Only Node's
// own modules here, as in `test/editor/install.mjs`.
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run, step } from '../editor/install.mjs';

const HERE = dirname(fileURLToPath(import.meta.url));

/**
 * What is installed. `scripts`: its package is complete only after its own install script, which
 * puts the program for this platform in its place. `absent` says why a preset has nothing here.
 */
export const AGENTS = [
  { name: 'claude', preset: 'claude', spec: '@anthropic-ai/claude-code@2.1.197', scripts: true },
  { name: 'codex', preset: 'codex', spec: '@openai/codex@0.171.0' },
  { name: 'gemini', preset: 'gemini', spec: '@google/gemini-cli@0.61.0' },
  { name: 'qwen', preset: 'qwen', spec: '@qwen-code/qwen-code@0.15.10' },
  { name: 'copilot', preset: 'copilot', spec: '@github/copilot@1.0.102' },
  { name: 'copilot-1.0.92', preset: 'copilot', spec: '@github/copilot@1.0.92' },
  { name: 'opencode', preset: 'opencode', spec: 'opencode-ai@1.18.33', scripts: true },
  { name: 'amp', preset: 'amp', spec: '@sourcegraph/amp@0.0.1790142911-g7618fb', scripts: true },
];

/** The presets whose programs npm does not have. */
export const ABSENT = [
  { preset: 'cursor', why: 'comes from cursor.com alone, npm has another package of that name' },
  { preset: 'aider', why: 'is a Python package, npm has another package of that name' },
  { preset: 'goose', why: 'comes as a binary from its releases, npm has no package of it' },
];

/** The folder with the agent's program, to be put on a PATH. */
export const binOf = (name) => join(HERE, 'installed', name, 'node_modules', '.bin');

/** `2.1.197`, as it is pinned. */
export const versionOf = ({ spec }) => spec.slice(spec.lastIndexOf('@') + 1);

/** Installs an agent, unless this version of it is there already; up to 400 MB to fetch. */
export async function installAgent(agent) {
  const folder = join(HERE, 'installed', agent.name);
  const name = agent.spec.slice(0, agent.spec.lastIndexOf('@'));
  const manifest = join(folder, 'node_modules', name, 'package.json');
  // npm writes its record last, so half an install has none.
  const isWhole = existsSync(join(folder, 'node_modules/.package-lock.json'));
  const there = isWhole && existsSync(manifest) ? JSON.parse(readFileSync(manifest, 'utf8')) : {};
  if (there.version === versionOf(agent)) return;
  await step(`Installing ${agent.spec}`, async () => {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
    const args = ['install', agent.spec, '--save-exact', '--no-audit', '--no-fund'];
    const all = [...args, '--loglevel=error', ...(agent.scripts ? [] : ['--ignore-scripts'])];
    await run('npm', all, { cwd: folder, shell: process.platform === 'win32' });
  });
}
