import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

/**
 * Asserts that `text` is what `test/golden/<name>` holds. `GOLDEN=write npm run unit` writes the
 * files anew: look at the difference before you commit it.
 */
export async function assertGolden(name: string, text: string): Promise<void> {
  const file = fileURLToPath(new URL(`../golden/${name}`, import.meta.url));
  if (process.env['GOLDEN'] === 'write') {
    await writeFile(file, text);
    return;
  }
  // A checkout may have turned the line ends.
  const expected = (await readFile(file, 'utf8')).replaceAll('\r\n', '\n');
  assert.equal(text, expected, `differs from test/golden/${name}; GOLDEN=write writes it anew`);
}
