import { posix, win32 } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { findCommand, isAbsolute, searchFolders, THIS_DISK, valueOf, type Disk, type Env } from './find-command.ts';
import { resolveShim, type Launch } from './windows-shim.ts';

/** A known command line agent: `simulated` needs no account, `custom` is whatever the user says. */
export type AgentKind = 'cursor' | 'claude' | 'codex' | 'gemini' | 'copilot' | 'opencode' | 'custom' | 'simulated';

/**
 * How an agent talks. `text`: as people read it; success is exit code 0. `streamJson`: one JSON event per line, as Claude
 * Code and Cursor write them; success is exit code 0 and a last `result` event that is no error.
 */
export type AgentOutput = 'text' | 'streamJson';

interface Preset {
  readonly label: string;
  /** Names to look for, the best first. */
  readonly commands: readonly string[];
  /** Constant, except that `{cwd}` stands for the root of the backlog. */
  readonly args: readonly string[];
  readonly output: AgentOutput;
}

/**
 * The command lines of the known agents. All of them read the prompt on stdin. Their permissions are the least with which
 * an agent that nobody watches can still edit files of its folder; none may do whatever it likes.
 */
export const PRESETS: Readonly<Record<Exclude<AgentKind, 'custom' | 'simulated'>, Preset>> = {
  cursor: {
    label: 'Cursor',
    commands: ['cursor-agent', 'agent'],
    // Without --trust it ends with "Workspace Trust Required"; the editor's own trust was asked before we run anything.
    args: ['-p', '--trust', '--output-format', 'stream-json', '--workspace', '{cwd}'],
    output: 'streamJson',
  },
  claude: {
    label: 'Claude Code',
    commands: ['claude'],
    args: ['-p', '--output-format', 'stream-json', '--verbose', '--permission-mode', 'acceptEdits'],
    output: 'streamJson',
  },
  codex: {
    label: 'Codex',
    commands: ['codex'],
    args: ['exec', '--sandbox', 'workspace-write', '-C', '{cwd}', '-'],
    output: 'text',
  },
  gemini: {
    label: 'Gemini',
    commands: ['gemini'],
    args: ['--output-format', 'text', '--skip-trust', '--approval-mode', 'auto_edit'],
    output: 'text',
  },
  copilot: {
    label: 'GitHub Copilot',
    commands: ['copilot'],
    args: ['--no-ask-user', '--no-color', '--no-auto-update', '--trust-folder', '--allow-tool', 'write'],
    output: 'text',
  },
  opencode: {
    label: 'opencode',
    commands: ['opencode'],
    args: ['run', '--dir', '{cwd}'],
    output: 'text',
  },
};

/** The order in which `auto` looks; never the simulated agent, which would move tasks on without any work done. */
export const AUTO_ORDER = ['cursor', 'claude', 'codex', 'gemini', 'copilot', 'opencode'] as const;

/** An agent of the user's own. `{promptFile} {cwd} {taskId} {runId}` are replaced within each argument. */
export interface CustomAgent {
  /** An absolute path, or a name to be found on the PATH. */
  readonly command: string;
  readonly args: readonly string[];
  readonly stdin: 'prompt' | 'none';
  readonly env: Readonly<Record<string, string>>;
}

/** Which agent is wanted. `simulated` names the script and the Node that runs it. */
export type AgentPreference =
  | { readonly kind: 'auto' | Exclude<AgentKind, 'custom' | 'simulated'> }
  | { readonly kind: 'custom'; readonly custom: CustomAgent }
  | { readonly kind: 'simulated'; readonly script: string; readonly node: string };

/** An agent that was found, ready to be started any number of times. */
export interface Agent {
  readonly kind: AgentKind;
  readonly label: string;
  /** Absolute. */
  readonly command: string;
  /** May hold placeholders, see `fillArgs`. */
  readonly args: readonly string[];
  readonly stdin: 'prompt' | 'none';
  readonly output: AgentOutput;
  /** On top of the editor's environment. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Finds the agent that is wanted, or for `auto` the first that is installed.
 *
 * Fails with `noAgent` and everything that was looked for, or with `agentNotStarted` where a program is there but cannot
 * be started without a shell, or a custom command is neither a name nor an absolute path.
 */
export async function findAgent(
  preference: AgentPreference,
  env: Env = process.env,
  platform: NodeJS.Platform = process.platform,
  disk: Disk = THIS_DISK,
): Promise<Result<Agent, Failure>> {
  if (preference.kind === 'simulated') return ok(simulatedAgent(preference));
  const look = new Look(env, platform, disk);
  if (preference.kind === 'custom') return look.findCustom(preference.custom);
  const kinds = preference.kind === 'auto' ? AUTO_ORDER : [preference.kind];
  let unusable: Failure | undefined;
  for (const kind of kinds) {
    const found = await look.findPreset(kind);
    if (found?.ok === true) return found;
    unusable ??= found?.failure;
  }
  return fail(unusable ?? { kind: 'noAgent', tried: look.tried });
}

class Look {
  readonly tried: string[] = [];
  readonly #env: Env;
  readonly #platform: NodeJS.Platform;
  readonly #disk: Disk;

  constructor(env: Env, platform: NodeJS.Platform, disk: Disk) {
    this.#env = env;
    this.#platform = platform;
    this.#disk = disk;
  }

  async findPreset(kind: (typeof AUTO_ORDER)[number]): Promise<Result<Agent, Failure> | undefined> {
    const { label, commands, args, output } = PRESETS[kind];
    for (const name of commands) {
      this.tried.push(name);
      const file = await findCommand(name, this.#env, this.#platform, this.#disk);
      if (file === undefined || (name === 'agent' && !(await this.#isCursor(file)))) continue;
      const launch = await this.#launch(file);
      if (!launch.ok) return launch;
      const { command, args: first } = launch.value;
      const all = [...first.map(escapePlaceholders), ...args];
      return ok({ kind, label, command, args: all, stdin: 'prompt', output, env: this.#agentEnv(command) });
    }
    return undefined;
  }

  async findCustom(custom: CustomAgent): Promise<Result<Agent, Failure>> {
    const { command: name, args, stdin, env } = custom;
    this.tried.push(name);
    let file: string | undefined;
    if (isAbsolute(name, this.#platform)) {
      file = (await this.#disk.isExecutable(name)) ? name : undefined;
    } else if (/[\\/]/.test(name) || name === '') {
      const detail = 'The command of a custom agent is an absolute path, or a name to be found on the PATH.';
      return fail({ kind: 'agentNotStarted', command: name, detail });
    } else {
      file = await findCommand(name, this.#env, this.#platform, this.#disk);
    }
    if (file === undefined) return fail({ kind: 'noAgent', tried: this.tried });
    const launch = await this.#launch(file);
    if (!launch.ok) return launch;
    const { command, args: first } = launch.value;
    const merged = { ...this.#agentEnv(command), ...env };
    const all = [...first.map(escapePlaceholders), ...args];
    return ok({ kind: 'custom', label: name, command, args: all, stdin, output: 'text', env: merged });
  }

  /**
   * `agent` is what Cursor's installer calls its program too, but others use that name: it counts only where the link
   * leads into Cursor's folder `cursor-agent`, or where exarp-go's own variable says that this is the agent.
   */
  async #isCursor(file: string): Promise<boolean> {
    const target = await this.#disk.resolveLinks(file);
    if (target.split(/[\\/]/).some((part) => /^cursor-agent(\.|$)/i.test(part))) return true;
    return valueOf(this.#env, 'EXARP_AGENT_CMD', this.#platform)?.trim().split(/\s+/)[0] === 'agent';
  }

  async #launch(file: string): Promise<Result<Launch, Failure>> {
    if (this.#platform !== 'win32' || !/\.(cmd|bat)$/i.test(file)) return ok({ command: file, args: [] });
    const shim = await resolveShim(file, this.#env, this.#disk);
    if (shim !== undefined) return ok(shim);
    const detail = 'It is a batch file that does not say which program it starts, and a shell is never used.';
    return fail({ kind: 'agentNotStarted', command: file, detail });
  }

  /**
   * The PATH for the agent: the editor's, and then the folders we search ourselves, so that an agent installed beside
   * its Node finds that Node although the editor was not started from a shell.
   */
  #agentEnv(command: string): Record<string, string> {
    const path = this.#platform === 'win32' ? win32 : posix;
    const folders = new Set([...searchFolders(this.#env, this.#platform), path.dirname(command)]);
    const name =
      this.#platform === 'win32' ? (Object.keys(this.#env).find((key) => /^path$/i.test(key)) ?? 'Path') : 'PATH';
    return { [name]: [...folders].join(path.delimiter), NO_COLOR: '1' };
  }
}

function simulatedAgent({ script, node }: { readonly script: string; readonly node: string }): Agent {
  const env = { ELECTRON_RUN_AS_NODE: '1' };
  const args = [escapePlaceholders(script)];
  return { kind: 'simulated', label: 'Simulated agent', command: node, args, stdin: 'prompt', output: 'text', env };
}

/** Reads a custom agent as it stands in settings; undefined where it is not of the right shape. */
export function readCustomAgent(value: unknown): CustomAgent | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { command, args = [], stdin = 'prompt', env = {} } = value as Readonly<Record<string, unknown>>;
  if (typeof command !== 'string' || command.trim() === '') return undefined;
  if (!Array.isArray(args) || !args.every((arg) => typeof arg === 'string')) return undefined;
  if (stdin !== 'prompt' && stdin !== 'none') return undefined;
  if (typeof env !== 'object' || env === null || Array.isArray(env)) return undefined;
  const pairs = Object.entries(env as Readonly<Record<string, unknown>>);
  const texts = pairs.flatMap(([key, text]) => (typeof text === 'string' ? [[key, text] as const] : []));
  if (texts.length !== pairs.length) return undefined;
  return { command: command.trim(), args, stdin, env: Object.fromEntries(texts) };
}

/** What the placeholders of an argument stand for. */
export interface Placeholders {
  readonly promptFile: string;
  readonly cwd: string;
  readonly taskId: string;
  readonly runId: string;
}

/** Replaces placeholders within each argument, once: what a value contains is not looked at again. */
export function fillArgs(args: readonly string[], values: Placeholders): string[] {
  const texts = { ...values, taskId: toSafeName(values.taskId), runId: toSafeName(values.runId), open: '{' };
  return args.map((arg) =>
    arg.replace(/\{(promptFile|cwd|taskId|runId|open)\}/g, (_, name: keyof typeof texts) => texts[name]),
  );
}

/**
 * An id as a word that no program can take for an option, a path or a pattern: letters, digits, `.`, `_` and `-`, not
 * beginning with `-` or `.`, at most 64 of them. Different ids may become the same word.
 */
export function toSafeName(id: string): string {
  return (
    id
      .slice(0, 64)
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^[-.]+/, '_') || '_'
  );
}

/** A path that is no place for placeholders, whatever it is called. */
function escapePlaceholders(path: string): string {
  return path.replaceAll('{', '{open}');
}
