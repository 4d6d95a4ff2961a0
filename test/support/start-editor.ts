import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { basename, delimiter, join } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { NEWEST, nodeOf, ROOT, run, step } from '../editor/install.mjs';
import { kill, MARK, marked, reap } from '../editor/reap.mjs';
import { addressOf, cleanEnvironment, startServer } from '../editor/server.ts';
import { endWithNpm } from './end-with-npm.ts';

export interface StartOptions {
  /** A folder of the user's own; undefined is the sample. */
  readonly folder: string | undefined;
  readonly mayOpenBrowser: boolean;
}

/** An editor that shows the folder. `stop` ends it and everything that it started. */
interface Running {
  readonly ended: Promise<void>;
  stop(): Promise<void>;
}

/** Agents and locks get this long to end well before they are killed. */
const GRACE_MS = 6000;

/**
 * Builds the extension, opens an editor with it and stays until that is closed or Ctrl+C ends it;
 * then ends this process.
 */
export async function startEditor(options: StartOptions): Promise<void> {
  const home = join(ROOT, 'out', 'editor');
  mkdirSync(home, { recursive: true });
  await step('Building the extension', () =>
    run(process.execPath, [join(ROOT, 'esbuild.mjs')], { cwd: ROOT }),
  );
  const folder = options.folder ?? (await prepareSample());
  const trusted = options.folder === undefined;

  const state: { running?: Running; ending: boolean } = { ending: false };
  const end = async (): Promise<void> => {
    // One Ctrl+C may come twice, from the terminal and from npm; either way the leash of the server
    // does it in order.
    if (state.ending) return;
    state.ending = true;
    console.log('\nEnding the editor …');
    await state.running?.stop();
    process.exit(0);
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => void end());
  process.stdout.on('error', () => undefined); // a terminal that was closed
  endWithNpm(() => void end());

  const desktop = await chooseDesktop();
  const running =
    desktop === undefined
      ? await openEmbedded(home, folder, trusted, options.mayOpenBrowser)
      : openDesktop(desktop, home, folder, trusted);
  state.running = running;
  await running.ended;
  if (state.ending) return; // `end` is at work
  await running.stop();
  if (desktop === undefined) {
    console.error(
      `The editor ended by itself:\n${readFileSync(join(home, 'server.log'), 'utf8').slice(-2000)}`,
    );
  }
  process.exit(desktop === undefined ? 1 : 0);
}

async function prepareSample(): Promise<string> {
  const folder = join(ROOT, 'sample');
  const script = join(ROOT, 'test', 'support', 'make-sample.ts');
  if (!existsSync(script)) mkdirSync(folder, { recursive: true });
  else if (!existsSync(join(folder, '.todo2', 'todo2.db'))) {
    await step('Making the sample backlog in sample/', () =>
      run(nodeOf(NEWEST), ['--import', 'tsx', script, folder], { cwd: ROOT }),
    );
  }
  return folder;
}

async function openEmbedded(
  home: string,
  folder: string,
  trusted: boolean,
  mayOpenBrowser: boolean,
): Promise<Running> {
  const server = await step(`Starting VS Code ${NEWEST}`, () =>
    startServer({ version: NEWEST, home, extensions: [ROOT], trust: trusted ? 'given' : 'asked' }),
  );
  const address = addressOf(server, { folder });
  console.log(`\nTodo2 Waves shows ${folder} at\n\n  ${address}\n`);
  console.log(
    'This address gives control of the editor. Ctrl+C ends it and everything that it started.',
  );
  if (mayOpenBrowser) openBrowser(address);
  return { ended: server.ended, stop: () => server.stop({ graceMs: GRACE_MS }) };
}

/**
 * Opens the address where there is a screen; no more than a convenience, as it has been printed.
 */
function openBrowser(address: string): void {
  const hasScreen =
    process.env['DISPLAY'] !== undefined || process.env['WAYLAND_DISPLAY'] !== undefined;
  const opener: readonly [string, ...string[]] | undefined =
    process.platform === 'darwin'
      ? ['open', address]
      : process.platform === 'win32'
        ? ['rundll32', 'url.dll,FileProtocolHandler', address]
        : hasScreen
          ? ['xdg-open', address]
          : undefined;
  if (opener === undefined) return;
  const [command, ...args] = opener;
  const child = spawn(command, args, { stdio: 'ignore', detached: true });
  child.on('error', () =>
    console.log(`(${command} could not be started; open the address yourself.)`),
  );
  child.unref();
}

/**
 * The desktop editor that the user wants instead of the embedded one; asked only on an interactive
 * terminal.
 */
async function chooseDesktop(): Promise<string | undefined> {
  const found = ['cursor', 'code'].map(findOnPath).filter((path) => path !== undefined);
  if (found.length === 0 || !process.stdin.isTTY || !process.stdout.isTTY) return undefined;
  console.log('\nWhere do you want to see it?');
  console.log(`  1  in your browser, in the VS Code ${NEWEST} that comes with this repository`);
  found.forEach((path, index) => {
    console.log(
      `  ${index + 2}  in ${/cursor/i.test(basename(path)) ? 'Cursor' : 'VS Code'}, with a profile of its own (${path})`,
    );
  });
  const lines = createInterface({ input: process.stdin, output: process.stdout });
  lines.on('SIGINT', () => process.emit('SIGINT'));
  const answer = await lines.question('1 ');
  lines.close();
  return found[Number(answer.trim()) - 2];
}

function findOnPath(name: string): string | undefined {
  const file = process.platform === 'win32' ? `${name}.cmd` : name;
  const folders = cleanEnvironment()['PATH']?.split(delimiter) ?? [];
  return folders.map((folder) => join(folder, file)).find((path) => existsSync(path));
}

/**
 * A profile of its own makes it a process of its own, which can be ended without ending the user's
 * other windows.
 */
function openDesktop(command: string, home: string, folder: string, trusted: boolean): Running {
  const mark = randomBytes(8).toString('hex');
  const profile = join(home, `desktop-${basename(command, '.cmd')}`);
  const args = [
    ...[
      '--new-window',
      '--wait',
      '--user-data-dir',
      profile,
      '--extensions-dir',
      join(profile, 'extensions'),
    ],
    ...[
      `--extensionDevelopmentPath=${ROOT}`,
      ...(trusted ? ['--disable-workspace-trust'] : []),
      folder,
    ],
  ];
  console.log(
    `\nTodo2 Waves shows ${folder} in ${command}. Ctrl+C ends it and everything that it started.`,
  );
  const env = { ...cleanEnvironment(), [MARK]: mark };
  // On Windows it is a batch file, which only a shell runs; so each argument is quoted.
  const child: ChildProcess =
    process.platform === 'win32'
      ? spawn(
          `"${command}"`,
          args.map((arg) => `"${arg}"`),
          { env, stdio: 'ignore', shell: true },
        )
      : spawn(command, args, { env, stdio: 'ignore', detached: true });
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', (error) => {
      console.error(`${command} could not be started: ${error.message}`);
      resolve();
    });
  });
  return {
    ended,
    stop: async () => {
      if (process.platform === 'win32' && child.pid !== undefined) kill(child.pid, 'SIGTERM');
      for (const { pid } of marked(mark)) kill(pid, 'SIGTERM');
      await reap(mark, GRACE_MS);
    },
  };
}
