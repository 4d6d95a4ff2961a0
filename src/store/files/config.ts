import { realpath } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { NO_CONFIG, type ProjectConfig } from '../../core/config.ts';
import type { Notice } from '../../core/snapshot.ts';
import { fieldName, FIELDS, type Field } from './config-fields.ts';
import { readConfigValue } from './config-value.ts';
import { configuredPaths, storePathsOf, type StorePaths } from './locate.ts';
import { readWhole } from '../../disk/read-whole.ts';
import { staysWithin } from '../../disk/within.ts';
import { isRecord } from '../../core/shape.ts';
import { bytesOf, integerOf, readMessage, textsOf } from './protobuf.ts';
import { messageOf } from '../../core/text.ts';

export interface ConfigRead {
  readonly config: ProjectConfig;
  readonly notices: readonly Notice[];
  /** False where a file exists and could not be read, so that a missing value means nothing. */
  readonly isWhole: boolean;
}

/** Far more than all settings take. */
const MAX_BYTES = 64 * 1024;

type Paths = Pick<StorePaths, 'root' | 'configPb' | 'configYaml'>;

/** Looks a field up in a file; undefined where it is not set. */
type Lookup = (field: Field) => unknown;

/**
 * Reads `.exarp/config.pb`, and `.exarp/config.yaml` for what the first does not set. Never writes,
 * never fails: bad values are left out with a notice, and so are paths out of the root, since the
 * files may come with a foreign repository.
 *
 * The protobuf file comes first, as exarp-go reads only that. exarp-go ignores its
 * `max_tasks_per_wave` because of a faulty merge; we honour it, so our waves may be smaller than
 * those exarp-go prints.
 */
export async function readConfig(paths: Paths): Promise<ConfigRead> {
  const notices: Notice[] = [];
  const fromPb = await readOne(paths.configPb, paths.root, parsePb, notices);
  const fromYaml = await readOne(paths.configYaml, paths.root, parseYaml, notices);
  const pb = fromPb ?? NO_CONFIG;
  const yaml = fromYaml ?? NO_CONFIG;
  const keys = Object.keys(FIELDS) as (keyof ProjectConfig)[];
  let config = Object.fromEntries(
    keys.map((key) => [key, pb[key] ?? yaml[key]]),
  ) as unknown as ProjectConfig;
  const differing = keys.filter((key) => {
    const [a, b] = [pb[key], yaml[key]];
    return a !== undefined && b !== undefined && JSON.stringify(a) !== JSON.stringify(b);
  });
  if (differing.length > 0) {
    const names = differing.map((key) => fieldName(FIELDS[key][0]));
    notices.push({
      kind: 'configsDiffer',
      used: paths.configPb,
      passedOver: paths.configYaml,
      names,
    });
  }
  for (const key of ['sqlitePath', 'jsonPath'] as const) {
    const path = config[key];
    if (path === undefined || (await staysWithin(paths.root, path))) continue;
    // The text of the path is not enough: a link in a repository may lead anywhere.
    const file = pb[key] === undefined ? paths.configYaml : paths.configPb;
    notices.push({
      kind: 'badConfig',
      file,
      name: fieldName(FIELDS[key][0]),
      detail: 'leads out of the folder',
    });
    config = { ...config, [key]: undefined };
  }
  return { config, notices, isWhole: fromPb !== undefined && fromYaml !== undefined };
}

/** A key that is equal for two roots with the same database, links and configurations resolved. */
export async function storeIdentity(root: string): Promise<string> {
  const { database } = await locateStore(root);
  const folder = dirname(database);
  const real = (path: string): Promise<string | undefined> => realpath(path).catch(() => undefined);
  return (
    (await real(database)) ??
    join((await real(folder)) ?? (await real(root)) ?? root, basename(database))
  );
}

/** The file paths of a root by its current configuration. */
export async function locateStore(root: string): Promise<StorePaths> {
  const paths = storePathsOf(root);
  return configuredPaths(paths, (await readConfig(paths)).config);
}

/** Undefined where the file exists and cannot be read. */
async function readOne(
  file: string,
  root: string,
  parse: (bytes: Uint8Array) => Lookup | Promise<Lookup>,
  notices: Notice[],
): Promise<ProjectConfig | undefined> {
  let lookup: Lookup;
  try {
    const read = await readWhole(file, { root, mostBytes: MAX_BYTES });
    if (!read.ok) throw new Error(read.failure.detail);
    if (read.value === undefined) return NO_CONFIG;
    lookup = await parse(read.value.bytes);
  } catch (error) {
    notices.push({ kind: 'badConfig', file, detail: messageOf(error) });
    return undefined;
  }
  const valueOf = (field: Field): unknown => {
    const read = readConfigValue(lookup(field), field.shape, root);
    if (read === undefined || 'value' in read) return read?.value;
    notices.push({ kind: 'badConfig', file, name: fieldName(field), detail: read.fault });
    return undefined;
  };
  const values = Object.entries(FIELDS).map(([key, fields]) => {
    const set = fields.flatMap((field) => {
      const value = valueOf(field);
      return value === undefined ? [] : [{ value, isFallback: value === field.fallback }];
    });
    const chosen = set.find(({ isFallback }) => !isFallback) ?? set[0];
    return [key, chosen?.value] as const;
  });
  return Object.fromEntries(values) as unknown as ProjectConfig;
}

/** Fields of exarp-go's `FullConfig`; a zero is not written, and means not set. */
function parsePb(bytes: Uint8Array): Lookup {
  const message = need(readMessage(bytes));
  const none = new Uint8Array(0);
  const numbers = new Set(
    Object.values(FIELDS).flatMap((fields) => fields.map(({ section }) => section[1])),
  );
  const sections = new Map(
    [...numbers].map((n) => [n, need(readMessage(bytesOf(message, n) ?? none))]),
  );
  return ({ section, number, shape }) => {
    const fields = sections.get(section[1]) ?? [];
    switch (shape.kind) {
      case 'count':
      case 'duration':
      case 'hours':
        return integerOf(fields, number);
      case 'texts':
        return textsOf(fields, number);
      default:
        return textsOf(fields, number).at(-1);
    }
  };
}

function need<T>(message: T | undefined): T {
  if (message === undefined) throw new Error('not a protobuf message');
  return message;
}

async function parseYaml(bytes: Uint8Array): Promise<Lookup> {
  // Loaded on demand, since few projects have the file.
  const { CONFIG_YAML, readYaml } = await import('../../core/yaml.ts');
  const parsed = readYaml(new TextDecoder().decode(bytes), CONFIG_YAML);
  const [problem] = parsed.problems;
  if (problem !== undefined) throw new Error(problem.text);
  const document: unknown = parsed.document?.toJS();
  if (document === null || document === undefined) return () => undefined;
  if (!isRecord(document)) throw new Error('the file holds no mapping');
  return ({ section, name }) => {
    const part = Object.hasOwn(document, section[0]) ? document[section[0]] : undefined;
    return isRecord(part) && Object.hasOwn(part, name) ? part[name] : undefined;
  };
}
