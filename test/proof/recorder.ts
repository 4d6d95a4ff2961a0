import { chmodSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** How one program was started. */
export interface Recorded {
  readonly args: readonly string[];
  /** As `NAME=value`, in order. */
  readonly env: readonly string[];
}

/**
 * Programs under other programs' names that write down how they were started, and say whatever they
 * are told.
 */
export class Recorder {
  /** To be the first on the PATH. */
  readonly bin: string;
  readonly #records: string;

  constructor(folder: string) {
    this.bin = join(folder, 'bin');
    this.#records = join(folder, 'records');
    for (const each of [this.bin, this.#records]) mkdirSync(each, { recursive: true });
  }

  install(name: string): void {
    const file = join(this.bin, name);
    // What it is told comes back as its own output, so that whoever reads that meets the same
    // texts.
    const text = `#!/bin/sh
to="${this.#records}/${name}.$$"
printf '%s\\0' "$@" > "$to.args"
env -0 > "$to.env"
[ -t 0 ] || cat
printf '\\n{"type":"result","subtype":"success","is_error":false,"result":"Done."}\\n'
exit 0
`;
    writeFileSync(file, text);
    chmodSync(file, 0o755);
  }

  /** Everything that was recorded under this name so far. */
  of(name: string): readonly Recorded[] {
    return readdirSync(this.#records).flatMap((file) => {
      if (!file.startsWith(`${name}.`) || !file.endsWith('.args')) return [];
      const read = (suffix: string): readonly string[] =>
        readFileSync(join(this.#records, file.replace(/\.args$/, suffix)), 'utf8')
          .split('\0')
          .slice(0, -1);
      return [{ args: read('.args'), env: [...read('.env')].sort() }];
    });
  }
}
