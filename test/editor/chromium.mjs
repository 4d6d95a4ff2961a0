// Finds a Chromium to show the workbench in, or gets one. Only Node's own modules, since it runs
// while things are being installed.
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { ROOT, run, step } from './install.mjs';

const NAMES = [
  'chromium',
  'chromium-browser',
  'google-chrome',
  'google-chrome-stable',
  'chrome',
  'microsoft-edge',
];

const USUAL_PLACES = {
  linux: [
    '/usr/bin',
    '/usr/local/bin',
    '/snap/bin',
    '/opt/google/chrome',
    '/usr/lib/chromium',
  ].flatMap((folder) => NAMES.map((name) => join(folder, name))),
  darwin: ['/Applications', join(homedir(), 'Applications')].flatMap((folder) =>
    ['Chromium', 'Google Chrome', 'Microsoft Edge'].map(
      (name) => `${folder}/${name}.app/Contents/MacOS/${name}`,
    ),
  ),
  win32: [
    process.env.ProgramFiles,
    process.env['ProgramFiles(x86)'],
    process.env.LOCALAPPDATA,
  ].flatMap((folder) =>
    [
      'Chromium/Application/chrome.exe',
      'Google/Chrome/Application/chrome.exe',
      'Microsoft/Edge/Application/msedge.exe',
    ]
      .filter(() => folder)
      .map((name) => join(folder, name)),
  ),
};

/**
 * The path of a Chromium that runs, or undefined; `CHROMIUM` names one and then is the only one
 * looked at.
 */
export async function findChromium() {
  if (process.env.CHROMIUM) {
    if (await works(process.env.CHROMIUM)) return process.env.CHROMIUM;
    throw new Error(`CHROMIUM is set to ${process.env.CHROMIUM}, which does not run.`);
  }
  const names = process.platform === 'win32' ? ['chrome.exe', 'msedge.exe'] : NAMES;
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .flatMap((folder) => names.map((name) => join(folder, name)));
  for (const path of new Set([
    ...onPath,
    ...(USUAL_PLACES[process.platform] ?? []),
    ...(await playwrights()),
  ])) {
    if (existsSync(path) && (await works(path))) return path;
  }
  return undefined;
}

/**
 * Finds a Chromium or installs one; rejects with everything that was tried. Sets `CHROMIUM` for the
 * processes to come.
 */
export async function installChromium() {
  let path = await findChromium();
  const tried = [];
  for (const [title, get] of path ? [] : ways()) {
    try {
      await step(title, get);
      path = await findChromium();
      if (path) break;
      tried.push(`${title}: done, but no Chromium that runs came of it`);
    } catch (error) {
      tried.push(`${title}: ${error.message}`);
    }
  }
  if (!path) {
    throw new Error(
      `The tests need Chromium, and none could be found or installed.\n${tried.join('\n')}\n` +
        'Install Chromium or Google Chrome, or set CHROMIUM to the path of its program.',
    );
  }
  process.env.CHROMIUM = path;
  return path;
}

function ways() {
  const list = [];
  const isRoot = process.getuid?.() === 0;
  if (process.platform === 'linux' && existsSync('/usr/bin/apt-get')) {
    // Without a password or not at all: there may be no user to type one.
    const apt = (...args) =>
      isRoot ? run('apt-get', args, quiet()) : run('sudo', ['-n', 'apt-get', ...args], quiet());
    list.push([
      'Installing Chromium with apt-get',
      async () => {
        await apt('update');
        await apt('install', '-y', '--no-install-recommends', 'chromium');
      },
    ]);
  }
  const withLibraries = process.platform === 'linux' && isRoot ? ['--with-deps'] : [];
  list.push([
    'Installing Chromium with playwright-core',
    () =>
      run(process.execPath, [
        join(ROOT, 'node_modules/playwright-core/cli.js'),
        'install',
        ...withLibraries,
        'chromium',
      ]),
  ]);
  return list;
}

function quiet() {
  return { env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } };
}

/** Where playwright-core would keep a browser of its own, once the packages are installed. */
async function playwrights() {
  try {
    const { chromium } = await import('playwright-core');
    return [chromium.executablePath()];
  } catch {
    return []; // not installed yet, or no build for this platform
  }
}

/** Some systems have a program of that name that only says where to get the real one. */
async function works(path) {
  if (process.platform === 'win32') return existsSync(path); // `--version` opens a window there
  return run(path, ['--version'], { timeout: 20_000 }).then(
    () => true,
    () => false,
  );
}
