import { stat } from 'node:fs/promises';
import { NO_CONFIG } from '../../core/config.ts';
import { stampOf } from '../read/file-stamp.ts';
import { readConfig, type ConfigRead } from './config.ts';

type ConfigPaths = Parameters<typeof readConfig>[0];

/** The configuration of a root, read again where one of its files has changed. */
export class ConfigFile {
  readonly #paths: ConfigPaths;
  #stamps = '';
  #last: ConfigRead = { config: NO_CONFIG, notices: [], isWhole: true };

  constructor(paths: ConfigPaths) {
    this.#paths = paths;
  }

  /** The configuration where it says something else than at the call before; undefined where it does not. */
  async readIfChanged(): Promise<ConfigRead | undefined> {
    const stamps = `${await stampAt(this.#paths.configPb)} | ${await stampAt(this.#paths.configYaml)}`;
    if (stamps === this.#stamps) return undefined;
    this.#stamps = stamps;
    const read = this.#keepPlace(await readConfig(this.#paths));
    if (JSON.stringify(read) === JSON.stringify(this.#last)) return undefined;
    this.#last = read;
    return read;
  }

  /** A file that cannot be read at the moment, as one that is being edited, is no reason to leave the database it named. */
  #keepPlace(read: ConfigRead): ConfigRead {
    if (read.isWhole) return read;
    const { sqlitePath, jsonPath } = this.#last.config;
    const { config } = read;
    return {
      ...read,
      config: { ...config, sqlitePath: config.sqlitePath ?? sqlitePath, jsonPath: config.jsonPath ?? jsonPath },
    };
  }
}

async function stampAt(file: string): Promise<string> {
  try {
    return stampOf(await stat(file, { bigint: true }));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'unknown';
  }
}
