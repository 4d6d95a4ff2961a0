// Runs test files with node:test in the order given, which its command line does not keep:
// `node run-node-tests.mjs '{"concurrency": 2, "isolation": "process", "files": ["…"]}'`.
// With isolation `none` all files run in this process, one after the other (Node 22.8 or newer).
import { run } from 'node:test';
import report from './suite-reporter.mjs';

const { files, ...options } = JSON.parse(process.argv[2]);
// For a whole file: what hangs must end, and say which.
const events = run({ ...options, files, timeout: 900_000 });
events.on('test:fail', () => (process.exitCode = 1));
events.compose(report).pipe(process.stdout);
