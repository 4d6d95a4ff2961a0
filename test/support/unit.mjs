// `npm run unit -- [PATTERN …] [--watch]`: the unit tests whose path below test/unit contains one
// of the patterns; without one, all.
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { join, sep } from 'node:path';
import { testFilesBelow } from './test-files.mjs';

const args = process.argv.slice(2);
const patterns = args.filter((arg) => !arg.startsWith('--'));
const options = args.filter((arg) => arg.startsWith('--'));
const files = testFilesBelow(join('test', 'unit')).filter(
  (file) =>
    patterns.length === 0 ||
    patterns.some((pattern) => file.split(sep).join('/').includes(pattern)),
);
if (files.length === 0) {
  console.error(`No file below test/unit has ${patterns.join(' or ')} in its path.`);
  process.exit(2);
}
const child = spawn(
  process.execPath,
  [
    ...['--import', 'tsx', '--test', `--test-concurrency=${availableParallelism()}`],
    ...(options.includes('--watch')
      ? ['--test-reporter=spec']
      : ['--test-reporter=./test/support/suite-reporter.mjs']),
    ...options,
    ...files,
  ],
  { stdio: 'inherit' },
);
child.on('close', (code, signal) => (process.exitCode = signal === null ? (code ?? 1) : 1));
