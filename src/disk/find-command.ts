import { constants } from 'node:fs';
import { access, realpath, stat } from 'node:fs/promises';
import { posix, win32 } from 'node:path';
import { readWholeText } from './read-whole.ts';

/** The environment variables of a process. */
export type Env = Readonly<Record<string, string | undefined>>;

/** The file system queries of a program search; a test can answer for another platform. */
export interface Disk {
  /** True for a file (links followed) that may be executed; on Windows for any file. */
  isExecutable(file: string): Promise<boolean>;
  /** The target of a link; the file itself where that is not known. */
  resolveLinks(file: string): Promise<string>;
  readText(file: string): Promise<string>;
}

/** The disk of this computer. */
export const THIS_DISK: Disk = {
  async isExecutable(file) {
    try {
      if (!(await stat(file)).isFile()) return false;
      await access(file, constants.X_OK);
      return true;
    } catch {
      // Missing or forbidden: either way it cannot be started from here.
      return false;
    }
  },
  resolveLinks: (file) => realpath(file).catch(() => file),
  async readText(file) {
    const read = await readWholeText(await realpath(file), { mostBytes: 1024 * 1024 });
    if (!read.ok || read.value === undefined)
      throw new Error(read.ok ? `${file} does not exist` : read.failure.detail);
    return read.value;
  },
};

/**
 * Finds a program by its bare name, as an absolute path: first on the PATH, then where people
 * install command line tools that an editor started from a desktop does not have on its PATH. The
 * current directory and relative entries of the PATH are never looked at, since a cloned project
 * could bring a program of that name.
 */
export async function findCommand(
  name: string,
  env: Env,
  platform: NodeJS.Platform,
  disk: Disk,
): Promise<string | undefined> {
  const path = platform === 'win32' ? win32 : posix;
  for (const folder of searchFolders(env, platform)) {
    for (const extension of extensionsOf(name, env, platform)) {
      const file = path.join(folder, name + extension);
      if (await disk.isExecutable(file)) return file;
    }
  }
  return undefined;
}

/** The absolute folders of the PATH, then the usual ones; each once. */
export function searchFolders(env: Env, platform: NodeJS.Platform): readonly string[] {
  const path = platform === 'win32' ? win32 : posix;
  const onPath = (valueOf(env, 'PATH', platform) ?? '')
    .split(path.delimiter)
    .map((entry) => entry.replace(/^"|"$/g, ''));
  return [...new Set([...onPath, ...usualFolders(env, platform)])].filter((folder) =>
    isAbsolute(folder, platform),
  );
}

/** `\bin` on Windows is relative to the current drive, and so not absolute enough. */
export function isAbsolute(file: string, platform: NodeJS.Platform): boolean {
  return platform === 'win32' ? /^([A-Za-z]:[\\/]|\\\\)/.test(file) : file.startsWith('/');
}

/** Reads an environment variable, whose name has no case on Windows (`Path`). */
export function valueOf(env: Env, name: string, platform: NodeJS.Platform): string | undefined {
  if (platform !== 'win32') return env[name];
  return Object.entries(env).find(([key]) => key.toUpperCase() === name)?.[1];
}

function usualFolders(env: Env, platform: NodeJS.Platform): readonly string[] {
  if (platform === 'win32') {
    const data = valueOf(env, 'APPDATA', platform);
    return data === undefined ? [] : [win32.join(data, 'npm')];
  }
  const home = env['HOME'];
  const atHome = [
    '.local/bin',
    'bin',
    '.npm-global/bin',
    '.bun/bin',
    '.volta/bin',
    '.cargo/bin',
    '.opencode/bin',
  ];
  return [
    ...(home === undefined ? [] : atHome.map((folder) => posix.join(home, folder))),
    '/usr/local/bin',
    '/opt/homebrew/bin',
    '/home/linuxbrew/.linuxbrew/bin',
    '/snap/bin',
    '/usr/bin',
  ];
}

function extensionsOf(name: string, env: Env, platform: NodeJS.Platform): readonly string[] {
  if (platform !== 'win32') return [''];
  const known = (valueOf(env, 'PATHEXT', platform) ?? '.COM;.EXE;.BAT;.CMD')
    .split(';')
    .filter(Boolean);
  const has = known.some((extension) => name.toLowerCase().endsWith(extension.toLowerCase()));
  return has ? [''] : known;
}
