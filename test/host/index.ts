import { readdirSync } from 'node:fs';
import { findSourceMap } from 'node:module';
import { join } from 'node:path';
import type MochaClass from 'mocha';
import * as mochaModule from 'mocha';
import { record } from './report.ts';
import { PATIENCE_MS } from '../support/until.ts';

// By name: whether `require` of this package answers the class or a module around it depends on the
// Node of the editor.
const { Mocha } = mochaModule as unknown as { readonly Mocha: typeof MochaClass };

/**
 * What the editor calls in its extension host: runs every test file beside this one, and rejects if
 * a test failed. `HOST_REPORT` gets one line of JSON for each test; `HOST_GREP` chooses tests by
 * their title.
 */
export async function run(): Promise<void> {
  process.setSourceMapsEnabled(true);
  const grep = process.env['HOST_GREP'];
  const mocha = new Mocha({
    ui: 'bdd',
    timeout: 2 * PATIENCE_MS, // a wait in a test says what did not come
    fullTrace: true, // else the folder is cut off each path before it can be mapped
    forbidOnly: process.env['CI'] !== undefined,
    ...(grep === undefined || grep === '' ? {} : { grep }),
    reporter: Mocha.reporters.Base, // the events below are the report
  });
  const files = readdirSync(__dirname).filter((name) => name.endsWith('.test.cjs'));
  for (const file of files.sort()) mocha.addFile(join(__dirname, file));
  const failures = await new Promise<number>((resolve) => {
    mocha
      .run(resolve)
      .on('pass', (test) =>
        record({ kind: 'pass', title: test.fullTitle(), ms: test.duration ?? 0 }),
      )
      .on('pending', (test) => record({ kind: 'skip', title: test.fullTitle() }))
      .on('fail', (test, error: unknown) =>
        record({ kind: 'fail', title: test.fullTitle(), text: describeError(error) }),
      );
  });
  record({ kind: 'end' });
  if (failures > 0) throw new Error(`${failures} failed`);
}

function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { actual, expected } = error as { actual?: unknown; expected?: unknown };
  // An assertion of Node's brings its own diff along in the message.
  const values =
    actual === undefined || error.name === 'AssertionError'
      ? ''
      : `\nactual ${print(actual)}\nexpected ${print(expected)}`;
  return `${mapped(error.stack ?? error.message)}${values}`;
}

function print(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (part === undefined ? 'undefined' : part));
}

/** The extension host has a stack formatter of its own, so source maps are applied here. */
function mapped(stack: string): string {
  return stack
    .split('\n')
    .filter((line) => !/^\s+at .*(node_modules|node:)/.test(line))
    .join('\n')
    .replace(/([^\s()]+\.cjs):(\d+):(\d+)/g, (all, file: string, line: string, column: string) => {
      const entry = findSourceMap(file)?.findEntry(Number(line) - 1, Number(column) - 1);
      if (entry === undefined || !('originalSource' in entry)) return all;
      return `${entry.originalSource.replace(/^(file:\/\/|(\.\.\/)+)/, '')}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    });
}
