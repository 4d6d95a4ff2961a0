import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { nodeOf, run, serverFolder, WINDOW_VERSION } from './install.mjs';
import { MARK } from './reap.mjs';

/**
 * How an editor is started. What is left out is the newest version, the installed extensions none,
 * nothing kept.
 */
export interface EditorOptions {
  readonly version?: string;
  /**
   * `tests`: the page runs a test entry point in the extension host, and shows no notification.
   * `person`: as users have it.
   */
  readonly use?: 'tests' | 'person';
  /** A package to install first. */
  readonly vsix?: string;
  /** Folders of extensions to load as they are. */
  readonly extensions?: readonly string[];
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** `asked`: a folder opens in Restricted Mode until the user trusts it. */
  readonly trust?: 'given' | 'asked';
  /**
   * A folder that keeps the user's settings, state, address and token from one start to the next.
   */
  readonly home?: string;
}

/** A running server, reachable from this machine alone, and by those who know its token. */
export interface EditorServer {
  readonly version: string;
  /** Without a slash at the end. */
  readonly url: string;
  readonly token: string;
  readonly logFile: string;
  /** A file of this machine as the page names it. */
  uriOf(path: string): string;
  /**
   * Ends the server and everything that it started; `graceMs` is how long extensions may take to
   * deactivate.
   */
  stop(options?: { readonly graceMs?: number; readonly keepScratch?: boolean }): Promise<void>;
  /** Resolves when the server has ended, for any reason. */
  readonly ended: Promise<void>;
}

/** What a page opens: a folder, a `.code-workspace` file, or neither. */
export interface Target {
  readonly folder?: string;
  readonly workspace?: string;
  /** Startup options of the workbench, such as `openFile`. */
  readonly payload?: readonly (readonly [string, string])[];
}

// Each built-in that is left out saves start-up time and noise: no GitHub, no Copilot, no diagrams.
const BUILT_IN = [
  ...[
    'theme-defaults',
    'theme-seti',
    'git',
    'git-base',
    'json',
    'markdown-basics',
    'markdown-language-features',
  ],
  ...['typescript-basics', 'javascript', 'shellscript', 'yaml', 'configuration-editing', 'diff'],
];

const SETTINGS: Readonly<Record<string, unknown>> = {
  'chat.disableAIFeatures': true,
  'workbench.startupEditor': 'none',
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'telemetry.telemetryLevel': 'off',
  'update.mode': 'none',
  'extensions.autoUpdate': false,
  'extensions.autoCheckUpdates': false,
  'extensions.ignoreRecommendations': true,
  'extensions.webWorker': false, // a second extension host that nothing here needs
  'git.openRepositoryInParentFolders': 'never',
};

/** Settings that make pictures and texts reproducible; the user may want others. */
const TEST_SETTINGS: Readonly<Record<string, unknown>> = {
  'workbench.colorTheme': 'Dark Modern',
  'workbench.reduceMotion': 'on',
  'security.workspace.trust.startupPrompt': 'never', // some versions ask with a dialog over everything
  'terminal.integrated.gpuAcceleration': 'off', // else a terminal is a canvas, whose text tests cannot read
  'terminal.integrated.enablePersistentSessions': false,
};

/** Starts a server and resolves when it listens. It ends with this process, however that ends. */
export async function startServer(options: EditorOptions = {}): Promise<EditorServer> {
  const { version = WINDOW_VERSION, use = 'person', trust = 'given', home } = options;
  const scratch = mkdtempSync(join(tmpdir(), 'todo2-editor-'));
  const [data, extensions, temporary] = [
    join(home ?? scratch, 'data'),
    join(scratch, 'extensions'),
    join(scratch, 'tmp'),
  ];
  const userSettings = join(data, 'data', 'User', 'settings.json');
  for (const folder of [extensions, temporary, dirname(userSettings)])
    mkdirSync(folder, { recursive: true });
  if (!existsSync(userSettings)) {
    const settings = {
      ...SETTINGS,
      ...(home === undefined ? TEST_SETTINGS : {}),
      ...options.settings,
    };
    writeFileSync(userSettings, JSON.stringify(settings, null, 2));
  }
  const tokenFile = join(home ?? scratch, 'token');
  if (!existsSync(tokenFile))
    writeFileSync(tokenFile, randomBytes(16).toString('hex'), { mode: 0o600 });

  const node = nodeOf(version);
  const main = join(codeOf(version), 'out', 'server-main.js');
  const mark = randomBytes(8).toString('hex');
  const env = {
    ...cleanEnvironment(),
    // Its sockets go with the folder. On Windows they are no files.
    ...(process.platform === 'win32' ? {} : { TMPDIR: temporary, XDG_RUNTIME_DIR: temporary }),
    EXTENSIONS_GALLERY: '{}', // without it, it asks a marketplace on the internet
    [MARK]: mark,
    ...options.env,
  };
  const folders = [
    '--server-data-dir',
    data,
    '--extensions-dir',
    extensions,
    '--accept-server-license-terms',
  ];
  folders.push('--builtin-extensions-dir', linkBuiltIns(version));
  if (options.vsix !== undefined)
    await run(node, [main, ...folders, '--install-extension', options.vsix], { env });
  for (const folder of options.extensions ?? []) linkExtension(folder, extensions);

  const logFile = join(home ?? scratch, 'server.log');
  const log = openSync(logFile, 'w');
  const child = spawn(
    process.execPath,
    [
      ...[join(import.meta.dirname, 'leash.mjs'), scratch, node, main, ...folders],
      ...['--host', '127.0.0.1', '--port', String(await rememberedPort(home))],
      ...['--connection-token-file', tokenFile, '--telemetry-level', 'off'],
      // A window that went without a goodbye would keep its extension host, and so its locks, for
      // three hours.
      ...['--reconnection-grace-time', home === undefined ? '2' : '60'],
      ...(trust === 'given' ? ['--disable-workspace-trust'] : []),
      ...(use === 'tests' ? ['--enable-smoke-test-driver'] : []),
    ],
    // In a group of its own, so that Ctrl+C reaches us alone and the editor can be ended in order.
    { env, stdio: ['pipe', log, log], detached: process.platform !== 'win32' },
  );
  closeSync(log);
  child.stdin?.on('error', () => undefined); // it has ended already, and that is seen below
  const ended = new Promise<void>((resolve) => {
    child.once('close', () => resolve());
    child.once('error', () => resolve());
  });
  const stop: EditorServer['stop'] = ({ graceMs = 1500, keepScratch = false } = {}) => {
    child.stdin?.end(JSON.stringify({ graceMs, keepScratch }));
    return ended;
  };

  const port = await listeningPort(logFile, ended);
  if (port === undefined) {
    await stop({ keepScratch: true });
    const said = readFileSync(logFile, 'utf8');
    rmSync(scratch, { recursive: true, force: true });
    throw new Error(`VS Code ${version} did not start:\n${said}`);
  }
  if (home !== undefined) writeFileSync(join(home, 'port'), String(port));
  return {
    version,
    url: `http://127.0.0.1:${port}`,
    token: readFileSync(tokenFile, 'utf8').trim(),
    logFile,
    uriOf: (path) => `vscode-remote://127.0.0.1:${port}${path}`,
    stop,
    ended,
  };
}

/** The address of a page. It gives control of the editor, and with it of this machine. */
export function addressOf(server: EditorServer, target: Target): string {
  const query = new URLSearchParams({ tkn: server.token });
  if (target.folder !== undefined) query.set('folder', target.folder);
  else if (target.workspace !== undefined) query.set('workspace', target.workspace);
  else query.set('ew', 'true');
  query.set('payload', JSON.stringify([['skipWelcome', 'true'], ...(target.payload ?? [])]));
  return `${server.url}/?${query.toString()}`;
}

/** The environment without what the editor or the npm that we run in has put there. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(VSCODE_|ELECTRON_|NODE_OPTIONS$|NODE_TEST|NODE_V8|npm_|INIT_CWD$|TODO2_EDITOR_)/;
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
  const path = env['PATH']
    ?.split(delimiter)
    .filter((folder) => !/node_modules[\\/](\.bin|.*node-gyp-bin)$/.test(folder));
  return path === undefined ? env : { ...env, PATH: path.join(delimiter) };
}

function codeOf(version: string): string {
  return join(serverFolder(version), 'node_modules', 'code-server', 'lib', 'vscode');
}

function linkBuiltIns(version: string): string {
  const modules = join(serverFolder(version), 'node_modules');
  const code = codeOf(version);
  if (!existsSync(code))
    throw new Error(`VS Code ${version} is not installed. \`npm test\` installs it.`);
  // Node finds the packages by walking up; the page loads its own from here.
  link(modules, join(code, 'node_modules'));
  const folder = join(modules, '.built-in');
  for (const name of BUILT_IN) link(join(code, 'extensions', name), join(folder, name));
  return folder;
}

function linkExtension(folder: string, extensions: string): void {
  const manifest = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  link(
    folder,
    join(extensions, `${manifest['publisher']}.${manifest['name']}-${manifest['version']}`),
  );
}

function link(target: string, at: string): void {
  if (existsSync(at)) return;
  mkdirSync(dirname(at), { recursive: true });
  // A junction needs no special right on Windows.
  symlinkSync(target, at, 'junction');
}

/**
 * The port of the last start, as the browser keeps its state by address; 0, for any, where that is
 * taken or unknown.
 */
async function rememberedPort(home: string | undefined): Promise<number> {
  const file = home === undefined ? undefined : join(home, 'port');
  const port = file !== undefined && existsSync(file) ? Number(readFileSync(file, 'utf8')) : 0;
  if (!Number.isInteger(port) || port <= 0) return 0;
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve(0));
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(port)));
  });
}

async function listeningPort(logFile: string, ended: Promise<void>): Promise<number | undefined> {
  const end = Date.now() + 30_000;
  const over = ended.then(() => true);
  do {
    const port = /agent listening on (\d+)/.exec(readFileSync(logFile, 'utf8'));
    if (port) return Number(port[1]);
  } while (!(await Promise.race([over, pause(50, false)])) && Date.now() < end);
  return undefined;
}
