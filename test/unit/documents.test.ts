import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { TOOLS } from '../../src/core/batch/batch.ts';

interface Manifest {
  readonly scripts: Readonly<Record<string, string>>;
  readonly contributes: {
    readonly commands: readonly { command: string; title: string }[];
    readonly menus: Readonly<Record<string, readonly { command: string; when?: string }[]>>;
    readonly configuration: {
      readonly properties: Readonly<
        Record<string, { default: unknown; scope: string; enum?: readonly string[] }>
      >;
    };
    readonly languageModelTools: readonly { name: string }[];
  };
}

const root = new URL('../../', import.meta.url);
const read = (path: string): string =>
  readFileSync(new URL(path, root), 'utf8').replaceAll('\r\n', '\n');
const isThere = (path: string): boolean => existsSync(new URL(path, root));
const manifest = JSON.parse(read('package.json')) as Manifest;
const strings = JSON.parse(read('package.nls.json')) as Readonly<Record<string, string>>;

const pages = readdirSync(new URL('docs/', root))
  .filter((name) => name.endsWith('.md'))
  .map((name) => `docs/${name}`);
const documents = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', ...pages];

const { commands, menus, languageModelTools } = manifest.contributes;
const hidden = new Set(
  menus['commandPalette']?.filter(({ when }) => when === 'false').map(({ command }) => command),
);
const titles = (isHidden: boolean): string[] =>
  commands
    .filter(({ command }) => hidden.has(command) === isHidden)
    .map(({ title }) => strings[title.replaceAll('%', '')] ?? title);
const settings = Object.entries(manifest.contributes.configuration.properties).map(
  ([key, setting]) => ({
    name: key.replace('todo2Waves.', ''),
    ...setting,
  }),
);

const sorted = (items: Iterable<string>): string[] => [...items].sort();
const matches = (text: string, pattern: RegExp): string[] =>
  [...text.matchAll(pattern)].map((match) => match[1]!);
const withoutBlocks = (text: string): string => text.replace(/^```[\s\S]*?^```$/gm, '');

/** The text from a heading to the next one of its rank or above. */
function section(text: string, heading: string): string {
  const rank = /^#+/.exec(heading)![0].length;
  const at = text.split('\n').indexOf(heading);
  assert.ok(at >= 0, heading);
  const rest = text.split('\n').slice(at + 1);
  const end = rest.findIndex((line) => new RegExp(`^#{1,${rank}} `).test(line));
  return rest.slice(0, end < 0 ? rest.length : end).join('\n');
}

/**
 * The names in the first column of the first table of a text, without their backticks; a cell may
 * have several.
 */
function firstColumn(text: string): string[] {
  const rows = /(?:^\|.*\n?)+/m.exec(text)?.[0].trim().split('\n').slice(2) ?? [];
  return rows.flatMap((row) => matches(row.split('|')[1]!, /`([^`]+)`/g));
}

/** The anchors of a document, by the rules of GitHub. */
function anchorsOf(text: string): ReadonlySet<string> {
  const anchors = new Set<string>();
  for (const heading of matches(withoutBlocks(text), /^#{1,6} (.+)$/gm)) {
    const plain = heading.replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = plain.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
    let anchor = slug;
    for (let n = 1; anchors.has(anchor); n++) anchor = `${slug}-${n}`;
    anchors.add(anchor);
  }
  return anchors;
}

function linksIn(text: string): string[] {
  return matches(withoutBlocks(text).replace(/`[^`\n]*`/g, ''), /\[[^\]]*\]\(([^)\s]+)\)/g);
}

test('the README is at most 12 KB, and begins with a picture of what it is about', () => {
  const text = read('README.md');
  assert.ok(Buffer.byteLength(text) <= 12 * 1024, `${Buffer.byteLength(text)} bytes`);
  assert.match(
    text.slice(0, text.indexOf('\n## ')),
    /^!\[[^\]]+\]\(media\/readme\/[\w-]+\.png\)$/m,
  );
});

test('the README has a table of contents that names each of its sections', () => {
  const text = read('README.md');
  const listed = linksIn(section(text, '## Contents'));
  const sections = matches(withoutBlocks(text), /^## (.+)$/gm).filter(
    (heading) => heading !== 'Contents',
  );
  assert.deepEqual(
    listed,
    sections.map((heading) => `#${[...anchorsOf(`## ${heading}`)][0]!}`),
  );
});

test('the README leads to every page of the manual', () => {
  const linked = new Set(linksIn(read('README.md')).map((link) => link.replace(/#.*/, '')));
  assert.deepEqual(
    pages.filter((page) => !linked.has(page)),
    [],
  );
});

test('each page of the manual says first for whom and for which task it is', () => {
  for (const page of pages) {
    const [title, opening] = read(page).split('\n\n');
    assert.match(title!, /^# \S.*$/, page);
    assert.match(opening!, /^For everyone who [^.]+\.$/, page);
  }
});

test('every link in the documents leads to a file that is there, and to a heading that it has', () => {
  let checked = 0;
  for (const document of documents) {
    const text = read(document);
    for (const link of linksIn(text)) {
      if (/^(https?|mailto):/.test(link)) continue;
      const [path = '', anchor] = link.split('#');
      const file = path === '' ? document : posix.join(posix.dirname(document), path);
      assert.ok(isThere(file), `${document}: ${link}`);
      if (anchor !== undefined)
        assert.ok(anchorsOf(read(file)).has(anchor), `${document}: ${link}`);
      checked++;
    }
  }
  assert.ok(checked > 80, String(checked));
});

test('the page of commands lists those of the palette, and those of rows, by their titles', () => {
  const text = read('docs/commands.md');
  const listed = (heading: string): string[] =>
    sorted(matches(section(text, heading), /^- \*\*(.+?)\*\*: /gm));
  assert.deepEqual(listed('## In the Command Palette'), sorted(titles(false)));
  assert.deepEqual(listed('## Only on rows'), sorted(titles(true)));
});

test('the page of settings lists every setting with its default and with when a change counts', () => {
  const text = read('docs/settings.md');
  const entries = [...text.matchAll(/^### `todo2Waves\.(\w+)`\n\n(.+)$/gm)];
  const said = entries.map(([, name, line]) => {
    const [, value, counts] = /^Default: `(.+?)` · Counts: (.+)$/.exec(line!) ?? [];
    assert.ok(counts, name);
    return `${name!} = ${value!}${counts.endsWith(' · User settings only') ? ', machine' : ''}`;
  });
  const real = settings.map(
    ({ name, default: value, scope }) =>
      `${name} = ${JSON.stringify(value)}${scope === 'machine' ? ', machine' : ''}`,
  );
  assert.deepEqual(sorted(said), sorted(real));
});

test('the pages of agents, of MCP and of batches list what there is', () => {
  const kinds =
    settings.find(({ name }) => name === 'agent')?.enum?.filter((kind) => kind !== 'auto') ?? [];
  const agents = read('docs/agents.md');
  for (const heading of ['## What each agent may do', '## What was and was not tried']) {
    const named = firstColumn(section(agents, heading));
    assert.deepEqual(sorted(named), sorted(kinds), heading);
  }
  const tools = firstColumn(section(read('docs/mcp.md'), '## Tools'));
  assert.deepEqual(sorted(tools), sorted(languageModelTools.map(({ name }) => name)));
  const steps = firstColumn(section(read('docs/batches.md'), '## Your own batches'));
  assert.deepEqual(sorted(steps), sorted(TOOLS.map(({ id }) => id)));
});

test('every command that a document names is in the palette, and every setting in the manifest', () => {
  const palette = new Set(titles(false));
  const names = new Set(settings.map(({ name }) => name));
  for (const document of documents) {
    const text = read(document);
    const named = matches(withoutBlocks(text), /`Todo2 Waves: ([^`]+)`/g);
    assert.deepEqual(named.filter((title) => !palette.has(title.replace(/\s+/g, ' '))), [], document); // prettier-ignore
    assert.deepEqual(matches(text, /\btodo2Waves\.(\w+)/g).filter((name) => !names.has(name)), [], document); // prettier-ignore
  }
});

test('every script and every path that the page for contributors names is there', () => {
  const text = read('CONTRIBUTING.md');
  const scripts = new Set(Object.keys(manifest.scripts));
  const named = [
    ...matches(text, /\bnpm run ([\w:-]+)/g),
    ...matches(text, /\bnpm (start|test)\b/g),
  ];
  assert.ok(named.length > 10);
  assert.deepEqual(
    named.filter((name) => !scripts.has(name)),
    [],
  );
  const paths = matches(text, /`((?:src|test|docs|media|\.vscode|package)[\w./-]*)`/g);
  assert.ok(paths.length > 20);
  assert.deepEqual(
    paths.filter((path) => !isThere(path)),
    [],
  );
});
