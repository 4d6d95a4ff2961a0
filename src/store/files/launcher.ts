import { mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Failure } from '../../core/failure.ts';
import { ok, type Result } from '../../core/result.ts';
import { readWholeText } from '../../disk/read-whole.ts';
import { replaceFile } from '../../disk/replace-file.ts';
import { tryWrite } from '../../core/try-write.ts';

/**
 * Writes `<folder>/<name>`, which starts a script, and returns its path. Configurations that the
 * user copies name this file, since the script itself moves with each update of the extension.
 * Fails with `writeFailed`.
 */
export async function writeLauncher(
  folder: string,
  name: string,
  script: string,
): Promise<Result<string, Failure>> {
  const file = join(folder, name);
  const text = `// Made by Todo2 Waves, which keeps it in step with where its server is.\nrequire(${JSON.stringify(script)});\n`;
  return tryWrite(file, async () => {
    await mkdir(folder, { recursive: true });
    const before = await readWholeText(file, { mostBytes: 64 * 1024 });
    if (!before.ok || before.value !== text) await replaceFile(file, text, 0o600);
    return file;
  });
}

/** As `writeLauncher`, but only where the file exists. */
export async function refreshLauncher(
  folder: string,
  name: string,
  script: string,
): Promise<Result<unknown, Failure>> {
  const isWanted = await stat(join(folder, name)).then(
    (found) => found.isFile(),
    () => false,
  );
  return isWanted ? writeLauncher(folder, name, script) : ok(undefined);
}
