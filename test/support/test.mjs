// `npm test`: sets up what is missing, runs every suite and ends with one line, `N passed, N
// failed`. `node test/support/test.mjs unit store` runs these parts alone. A bare clone has no
// packages, so only Node's own modules here.
import { installChromium } from '../editor/chromium.mjs';
import {
  installRoot,
  installServer,
  NEWEST,
  VERSIONS,
  WINDOW_VERSION,
} from '../editor/install.mjs';

const PARTS = ['static', 'unit', 'store', 'host', 'e2e'];

const begun = Date.now();
const wanted = process.argv.slice(2);
const unknown = wanted.filter((part) => !PARTS.includes(part));
if (unknown.length > 0) {
  console.error(`There is no part ${unknown.join(', ')}; the parts are ${PARTS.join(', ')}.`);
  process.exit(2);
}
const parts = PARTS.filter((part) => wanted.length === 0 || wanted.includes(part));
const has = (...names) => names.some((name) => parts.includes(name));

// What a part has started ends with this process.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(130));

let [passed, failed] = [0, 0];
try {
  await installRoot();
  const desktop = Boolean(process.env.VSCODE_EXECUTABLE || process.env.VSCODE_DOWNLOAD);
  const needed = VERSIONS.filter(
    (version) =>
      (has('host') && !desktop) ||
      (has('store') && version === NEWEST) ||
      (has('e2e') && version === WINDOW_VERSION),
  );
  for (const version of needed) await installServer(version);
  if (has('e2e') || (has('host') && !desktop)) await installChromium();

  const { register } = await import('tsx/esm/api');
  register();
  const { failuresOf, runSuites } = await import('./run-suites.ts');
  for (const result of (await runSuites(parts)).values()) {
    passed += result.passed;
    failed += failuresOf(result);
  }
} catch (error) {
  console.error(`\n✖ ${error.message}`);
  failed++;
}
console.log(`\nin ${((Date.now() - begun) / 1000).toFixed(0)} s\n`);
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
