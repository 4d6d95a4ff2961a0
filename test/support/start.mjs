// `npm start [-- PATH] [--no-open]`: from a bare clone to an editor with the extension loaded, on
// the sample backlog or on a folder of the user's own. A bare clone has no packages, so only Node's
// own modules here.
import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { installRoot, installServer, NEWEST } from '../editor/install.mjs';

const words = process.argv.slice(2);
const options = words.filter((word) => word.startsWith('-'));
const paths = words.filter((word) => !word.startsWith('-'));
const unknown = options.filter((option) => option !== '--no-open');
if (unknown.length > 0 || paths.length > 1) {
  fail(
    `Usage: npm start [-- [PATH] [--no-open]]${unknown.length > 0 ? `; there is no ${unknown.join(', ')}` : ''}`,
  );
}
// npm runs us in the repository, but a path is meant from where it was typed.
const folder =
  paths[0] === undefined ? undefined : resolve(process.env.INIT_CWD ?? process.cwd(), paths[0]);
if (folder !== undefined && !statSync(folder, { throwIfNoEntry: false })?.isDirectory()) {
  fail(`There is no folder ${folder}`);
}

try {
  await installRoot();
  await installServer(NEWEST);
  const { register } = await import('tsx/esm/api');
  register();
  const { startEditor } = await import('./start-editor.ts');
  await startEditor({
    folder,
    mayOpenBrowser: !options.includes('--no-open') && process.env.BROWSER !== 'none',
  });
} catch (error) {
  fail(error.message);
}

function fail(message) {
  console.error(`✖ ${message}`);
  process.exit(2);
}
