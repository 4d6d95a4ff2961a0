import { NO_CONFIG } from '../../core/config.ts';
import { stampAt } from '../read/file-stamp.ts';
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

  /** The configuration where it differs from the last call; else undefined. */
  async readIfChanged(): Promise<ConfigRead | undefined> {
    const stamps = `${await stampAt(this.#paths.configPb)} | ${await stampAt(this.#paths.configYaml)}`;
    if (stamps === this.#stamps) return undefined;
    this.#stamps = stamps;
    const read = this.#keepPlace(await readConfig(this.#paths));
    if (JSON.stringify(read) === JSON.stringify(this.#last)) return undefined;
    this.#last = read;
    return read;
  }

  /**
   * A file that is unreadable at the moment, for example while it is edited, must not switch to
   * another database.
   */
  #keepPlace(read: ConfigRead): ConfigRead {
    if (read.isWhole) return read;
    const { sqlitePath, jsonPath } = this.#last.config;
    const { config } = read;
    return {
      ...read,
      config: {
        ...config,
        sqlitePath: config.sqlitePath ?? sqlitePath,
        jsonPath: config.jsonPath ?? jsonPath,
      },
    };
  }
}
