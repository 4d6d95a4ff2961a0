import { realpath, stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** Where the files of one store are, all absolute; none of them need exist. */
export interface StorePaths {
  /** The folder that holds `.todo2` or `.exarp`. */
  readonly root: string;
  /** The project that exarp-go takes this root for: the last part of its path, or `default`. */
  readonly project: string;
  readonly todo2: string;
  readonly database: string;
  readonly json: string;
  readonly handoffs: string;
  readonly configPb: string;
  readonly configYaml: string;
}

/** The paths of the store of a root, as exarp-go names them where its configuration does not say otherwise. */
export function storePathsOf(root: string): StorePaths {
  const absolute = resolve(root);
  const todo2 = join(absolute, '.todo2');
  return {
    root: absolute,
    project: basename(absolute) || 'default',
    todo2,
    database: join(todo2, 'todo2.db'),
    json: join(todo2, 'state.todo2.json'),
    handoffs: join(todo2, 'handoffs.json'),
    configPb: join(absolute, '.exarp', 'config.pb'),
    configYaml: join(absolute, '.exarp', 'config.yaml'),
  };
}

/** The same paths with the database and the JSON file where the project's configuration puts them. */
export function configuredPaths(
  paths: StorePaths,
  config: { readonly sqlitePath: string | undefined; readonly jsonPath: string | undefined },
): StorePaths {
  const defaults = storePathsOf(paths.root);
  return { ...paths, database: config.sqlitePath ?? defaults.database, json: config.jsonPath ?? defaults.json };
}

/** A path as a configuration has it, absolute; undefined where it leads out of the root, or to the root itself. */
export function pathWithin(root: string, path: string): string | undefined {
  const absolute = resolve(root, path);
  const way = relative(resolve(root), absolute);
  const leaves = way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way);
  return leaves ? undefined : absolute;
}

/** The nearest folder from `folder` upwards that holds a `.todo2` or `.exarp` folder; undefined where none does. */
export async function findRoot(folder: string): Promise<string | undefined> {
  for (let current = resolve(folder); ; current = dirname(current)) {
    if ((await isFolder(join(current, '.todo2'))) || (await isFolder(join(current, '.exarp')))) return current;
    if (dirname(current) === current) return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  // Whatever cannot be looked at is no store for us; the walk goes on above it.
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** True where a path, through whatever links lie on its way, stays within a root; what is not there yet leads nowhere else. */
export async function staysWithin(root: string, path: string): Promise<boolean> {
  const base = await realpath(root).catch(() => resolve(root));
  for (let current = resolve(path); ; current = dirname(current)) {
    const real = await realpath(current).catch(() => undefined);
    if (real !== undefined) return real === base || pathWithin(base, real) !== undefined;
    if (current === dirname(current)) return false;
  }
}
