import { stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { isWithin } from '../../disk/within.ts';

/** The file paths of one store, all absolute; none of them need exist. */
export interface StorePaths {
  /** The folder that contains `.todo2` or `.exarp`. */
  readonly root: string;
  /**
   * The project name that exarp-go derives from this root: the last part of its path, or `default`.
   */
  readonly project: string;
  readonly todo2: string;
  readonly database: string;
  readonly json: string;
  readonly handoffs: string;
  readonly configPb: string;
  readonly configYaml: string;
}

/** The default paths of the store of a root. */
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

/** The paths with the database and the JSON file as the project's configuration sets them. */
export function configuredPaths(
  paths: StorePaths,
  config: { readonly sqlitePath: string | undefined; readonly jsonPath: string | undefined },
): StorePaths {
  const defaults = storePathsOf(paths.root);
  return {
    ...paths,
    database: config.sqlitePath ?? defaults.database,
    json: config.jsonPath ?? defaults.json,
  };
}

/** A configured path, absolute; undefined where it is the root or leads out of it. */
export function pathWithin(root: string, path: string): string | undefined {
  const absolute = resolve(root, path);
  return isWithin(resolve(root), absolute) ? absolute : undefined;
}

/**
 * The nearest folder from `folder` upwards that contains a `.todo2` or `.exarp` folder; undefined
 * where none does.
 */
export async function findRoot(folder: string): Promise<string | undefined> {
  for (let current = resolve(folder); ; current = dirname(current)) {
    if ((await isFolder(join(current, '.todo2'))) || (await isFolder(join(current, '.exarp'))))
      return current;
    if (dirname(current) === current) return undefined;
  }
}

async function isFolder(path: string): Promise<boolean> {
  // An inaccessible folder is not a store; the search continues above it.
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}
