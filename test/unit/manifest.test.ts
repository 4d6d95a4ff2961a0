import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { UNREADABLE_CAUSES } from '../../src/core/failure.ts';
import { PRESET_KINDS } from '../../src/agent-process/agent-presets.ts';
import { AGENT_KINDS } from '../../src/core/run/run-messages.ts';

interface Setting {
  readonly scope?: string;
  readonly enum?: readonly string[];
  readonly items?: { readonly properties: Readonly<Record<string, Setting>> };
}

interface Manifest {
  readonly main: string;
  readonly icon: string;
  readonly contributes: {
    readonly commands: readonly {
      command: string;
      title: string;
      category: string;
      enablement?: string;
    }[];
    readonly menus: Readonly<
      Record<string, readonly { command: string; when?: string; group?: string }[]>
    >;
    readonly keybindings: readonly { command: string; args?: { commands: readonly string[] } }[];
    readonly configuration: { readonly properties: Readonly<Record<string, Setting>> };
    readonly viewsWelcome: readonly { contents: string; when: string }[];
    readonly viewsContainers: { readonly activitybar: readonly { icon: string }[] };
  };
  readonly capabilities: {
    readonly untrustedWorkspaces: { readonly restrictedConfigurations: readonly string[] };
  };
}

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');
const manifestText = read('package.json');
const manifest = JSON.parse(manifestText) as Manifest;
const strings = JSON.parse(read('package.nls.json')) as Record<string, string>;
const { commands, menus, keybindings, configuration, viewsWelcome } = manifest.contributes;
const declared = new Set(commands.map((c) => c.command));
const sorted = (items: Iterable<string>): string[] => [...items].sort();

test('every text of the manifest stands in package.nls.json, and nothing else does', () => {
  const used = new Set([...manifestText.matchAll(/"%([^%"]+)%"/g)].map((match) => match[1]!));
  assert.deepEqual(sorted(Object.keys(strings)), sorted(used));
});

test('every command of the manifest has a handler, and every handler a command', () => {
  const handlers =
    /const handlers[^{]*\{([\s\S]*?)\n {2}\};/.exec(read('src/ui/commands.ts'))?.[1] ?? '';
  const names = [...handlers.matchAll(/^ {4}(\w+): /gm)].map((match) => `todo2Waves.${match[1]!}`);
  assert.deepEqual(sorted(names), sorted(declared));
});

test('menus, keys and welcome texts name only commands that are there', () => {
  const named = [
    ...Object.values(menus).flatMap((items) => items.map((item) => item.command)),
    ...keybindings
      .flatMap((binding) => binding.args?.commands ?? [binding.command])
      .filter((command) => command.startsWith('todo2Waves.')),
    ...Object.values(strings).flatMap((text) =>
      [...text.matchAll(/\(command:(todo2Waves\.\w+)\)/g)].map((m) => m[1]!),
    ),
  ];
  assert.deepEqual(
    named.filter((command) => !declared.has(command)),
    [],
  );
});

test('every command has a category, so that the palette says whose it is', () => {
  assert.ok(commands.length > 0);
  assert.deepEqual(
    commands.filter((c) => c.category !== 'Todo2 Waves').map((c) => c.command),
    [],
  );
});

test('a command that works only on a row is hidden from the palette', () => {
  const hidden = new Set(
    menus['commandPalette']?.filter((item) => item.when === 'false').map((item) => item.command),
  );
  const onRows = ['clearRun', 'showTerminal', 'copyTaskId', 'runSelected'];
  for (const name of [...onRows, 'requeueTask', 'openRunReport', 'openTaskLog']) {
    assert.ok(hidden.has(`todo2Waves.${name}`), name);
  }
  // Those that ask which one is meant are there for whoever has no row to click on.
  for (const name of ['stopRun', 'stopTask', 'stopWave', 'pauseRun', 'goOnRun', 'resumeRun']) {
    const { enablement } = commands.find(({ command }) => command === `todo2Waves.${name}`) ?? {};
    assert.ok(!hidden.has(`todo2Waves.${name}`) && enablement?.startsWith('todo2Waves.'), name);
  }
});

test('whatever starts a program cannot be set by a folder that is not trusted', () => {
  const restricted = new Set(manifest.capabilities.untrustedWorkspaces.restrictedConfigurations);
  const programs = [
    'agent',
    'customAgent',
    'agentRules',
    'verify',
    'verifyWave',
    'nodePath',
    'exarpPath',
    'batches',
  ];
  for (const name of programs) assert.ok(restricted.has(`todo2Waves.${name}`), name);
  for (const name of ['agent', 'agentRules', 'verify', 'verifyWave', 'batches']) {
    assert.equal(
      configuration.properties[`todo2Waves.${name}`]?.scope,
      'machine-overridable',
      name,
    );
  }
  // A custom command and a Node.js are the machine's own: no workspace sets them, trusted or not.
  for (const name of ['customAgent', 'nodePath', 'exarpPath']) {
    assert.equal(configuration.properties[`todo2Waves.${name}`]?.scope, 'machine', name);
  }
});

test('every setting that the code reads is in the manifest, and every one in the manifest is read', () => {
  const source = read('src/ui/settings.ts');
  const known = Object.keys(configuration.properties).map((key) => key.replace('todo2Waves.', ''));
  const quoted = new Set(
    [...source.matchAll(/(?:oneOf|count|get<[^>]+>)\('(\w+)'/g)].map((match) => match[1]!),
  );
  assert.deepEqual(sorted(quoted), sorted(known));
});

test('the agents that can be chosen are those that the code knows, in settings and in rules', () => {
  const rules = configuration.properties['todo2Waves.agentRules'];
  assert.deepEqual(configuration.properties['todo2Waves.agent']?.enum, AGENT_KINDS);
  assert.deepEqual(rules?.items?.properties['agent']?.enum, AGENT_KINDS);
  for (const preset of PRESET_KINDS) assert.ok(AGENT_KINDS.includes(preset), preset);
});

test('every word that a menu asks of a row is said by some row, and every key by the code', () => {
  const rows = [
    'runs/run-row',
    'runs/run-wave-row',
    'runs/task-part',
    'lock-rows',
    'task-row',
    'tree-item',
    'handoffs/handoff-row',
    'doctor/doctor-rows',
  ].map((file) => read(`src/ui/${file}.ts`));
  const said = new Set(
    rows.flatMap((source) => [...source.matchAll(/'(\w+)'/g)].map((match) => match[1]!)),
  );
  const clauses = [
    ...Object.values(menus).flat(),
    ...commands.map((c) => ({ when: c.enablement })),
  ];
  const whens = clauses.flatMap(({ when }) => when ?? []).join('\n');
  const words = [...whens.matchAll(/viewItem =~ \/\\b\(?([\w|]+)\)?\\b\//g)].flatMap((match) =>
    match[1]!.split('|'),
  );
  assert.ok(words.length > 30);
  assert.deepEqual(
    words.filter((word) => !said.has(word)),
    [],
  );
  const keys = new Set(
    [...whens.matchAll(/todo2Waves\.(\w+)(?= |$|\))/gm)].map((match) => match[1]!),
  );
  for (const view of ['waves', 'runs', 'locks']) keys.delete(view);
  const known = read('src/ui/context-keys.ts');
  for (const key of keys) assert.match(known, new RegExp(`readonly ${key}:`), key);
});

test('there is a welcome text for no folder, no store, nothing to do, unreadable and not trusted', () => {
  const all = viewsWelcome.map((welcome) => welcome.when).join('\n');
  for (const clause of [
    'workspaceFolderCount == 0',
    '!isWorkspaceTrusted',
    'state == missing',
    'state == empty',
    'state == unreadable',
  ]) {
    assert.ok(all.includes(clause), clause);
  }
});

test('every way in which a file cannot be read has a welcome text of its own', () => {
  for (const cause of UNREADABLE_CAUSES) {
    assert.ok(
      viewsWelcome.some((welcome) => welcome.when.endsWith(`todo2Waves.unreadable == ${cause}`)),
      cause,
    );
  }
});

test('each of them has one button, and no more', () => {
  for (const { when, contents } of viewsWelcome.filter((welcome) =>
    welcome.when.includes('unreadable =='),
  )) {
    const text = strings[contents.replaceAll('%', '')] ?? '';
    assert.equal(text.match(/\(command:/g)?.length, 1, when);
  }
});

test('the pictures of the manifest are there', () => {
  for (const path of [
    manifest.icon,
    ...manifest.contributes.viewsContainers.activitybar.map((c) => c.icon),
  ]) {
    assert.ok(existsSync(new URL(path, root)), path);
  }
});
