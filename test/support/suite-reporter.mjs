// How \`node --test\` speaks in \`npm test\`: a line per file, one more for what takes its time,
// and all of what fails. The counts go to the file that SUITE_RESULT names, so that callers need
// not parse text.
import { writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { inspect, stripVTControlCharacters } from 'node:util';

const SLOW_MS = 1000;

export default async function* report(events) {
  const count = { passed: 0, failed: 0, skipped: 0 };
  let file = { name: undefined, tests: 0, ms: 0 };
  const summary = () =>
    file.tests > 0 ? `  ✔ ${file.name}: ${file.tests} (${Math.round(file.ms)} ms)\n` : '';

  for await (const { type, data } of events) {
    if (type === 'test:stderr') yield data.message;
    // What a test has found, and not what node:test counts at the end, which belongs to no file.
    if (type === 'test:diagnostic' && data.file !== undefined) yield `    ${data.message}\n`;
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    const of = data.file === undefined ? 'tests' : basename(data.file);
    if (of !== file.name) {
      yield summary();
      file = { name: of, tests: 0, ms: 0 };
    }
    if (data.skip !== undefined || data.todo !== undefined) {
      count.skipped++;
      yield `  – ${data.name}\n`;
    } else if (type === 'test:fail') {
      // A parent fails because of its children, and they have been told already.
      if (data.details.error?.failureType === 'subtestsFailed') continue;
      count.failed++;
      yield `  ✖ ${of}: ${data.name}\n${indent(describe(data.details.error))}\n`;
    } else if (isWholeFile(data)) {
      count.failed++;
      yield `  ✖ ${of} has no test\n`;
    } else if (data.details.type !== 'suite') {
      count.passed++;
      file.tests++;
      if (data.nesting === 0) file.ms += data.details.duration_ms;
      if (data.details.duration_ms >= SLOW_MS) {
        yield `    ${data.name} (${(data.details.duration_ms / 1000).toFixed(1)} s)\n`;
      }
    }
  }
  yield summary();
  if (process.env.SUITE_RESULT) writeFileSync(process.env.SUITE_RESULT, JSON.stringify(count));
}

/** A file that declares no test is reported as a test with its own path as name. */
function isWholeFile({ name, file, nesting }) {
  return nesting === 0 && file !== undefined && resolve(name) === resolve(file);
}

/**
 * The message with its stack, and that of what caused it; not every property, as some errors carry
 * their message twice.
 */
function describe(error) {
  const cause = error?.cause ?? error;
  if (!(cause instanceof Error)) return String(cause);
  const below =
    cause.cause === undefined ? '' : `\ncaused by ${inspect(cause.cause, { depth: 4 })}`;
  return stripVTControlCharacters(`${cause.stack ?? cause.message}${below}`);
}

function indent(text) {
  return text.replace(/^/gm, '      ');
}
