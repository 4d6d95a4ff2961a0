import { posix, win32 } from 'node:path';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { isAgentOutput, type AgentOutput } from './output/agent-output.ts';
import {
  AUTO_ORDER,
  PRESETS,
  type AgentKind,
  type AgentLine,
  type ArgsTemplate,
  type Preset,
  type PresetKind,
} from './agent-presets.ts';
import {
  findCommand,
  isAbsolute,
  searchFolders,
  THIS_DISK,
  valueOf,
  type Disk,
  type Env,
} from '../disk/find-command.ts';
import { toLaunch, type Launch } from './windows-shim.ts';

export type { AgentOutput };

/**
 * An agent of the user's own. `{promptFile} {cwd} {taskId} {runId} {sessionId} {newSession}
 * {resumes} {model}` are replaced within each argument; a list among the arguments is left out
 * where one of its placeholders has no value.
 */
export interface CustomAgent {
  /** An absolute path, or a name to be found on the PATH. */
  readonly command: string;
  readonly args: ArgsTemplate;
  readonly stdin: 'prompt' | 'none';
  readonly env: Readonly<Record<string, string>>;
  /** How its output is read; `text` unless said. */
  readonly output?: AgentOutput;
}

/** Which agent is wanted. `simulated` names the script and the Node that runs it. */
export type AgentPreference =
  | { readonly kind: 'auto' | PresetKind }
  | { readonly kind: 'custom'; readonly custom: CustomAgent }
  | { readonly kind: 'simulated'; readonly script: string; readonly node: string };

/** An agent that was found, ready to be started any number of times; see `buildCommand`. */
export interface Agent {
  readonly kind: AgentKind;
  readonly label: string;
  /** Absolute. */
  readonly command: string;
  /** Come before all others, as they are: the script of a program that Node runs. */
  readonly first: readonly string[];
  readonly unattended: AgentLine;
  readonly interactive: ArgsTemplate;
  readonly output: AgentOutput;
  /** On top of the editor's environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Why it cannot work unattended on this computer, where that is known before it is tried. */
  readonly lacks: string | undefined;
}

/**
 * Finds the agent that is wanted, or for `auto` the first that is installed and lacks nothing.
 *
 * Fails with `noAgent` and everything that was looked for, or with `agentNotStarted` where a
 * program is there but cannot be started without a shell, or a custom command is neither a name nor
 * an absolute path.
 */
export async function findAgent(
  preference: AgentPreference,
  env: Env = process.env,
  platform: NodeJS.Platform = process.platform,
  disk: Disk = THIS_DISK,
): Promise<Result<Agent, Failure>> {
  if (preference.kind === 'simulated') return ok(simulatedAgent(preference));
  const look = new AgentSearch(env, platform, disk);
  if (preference.kind === 'custom') return look.findCustom(preference.custom);
  if (preference.kind !== 'auto') {
    return (await look.findPreset(preference.kind)) ?? fail({ kind: 'noAgent', tried: look.tried });
  }
  let unusable: Failure | undefined;
  for (const kind of AUTO_ORDER) {
    const found = await look.findPreset(kind);
    if (found?.ok === true) {
      const { lacks, command } = found.value;
      if (lacks === undefined) return found;
      unusable ??= { kind: 'agentNotStarted', command, detail: lacks };
    } else {
      unusable ??= found?.failure;
    }
  }
  return fail(unusable ?? { kind: 'noAgent', tried: look.tried });
}

/**
 * Finds a program that the user named, as a name to be found on the PATH or as an absolute path,
 * and how it is started without a shell. `env` is to be laid over the environment that it gets, so
 * that it finds what it needs in turn.
 *
 * Fails with `noAgent` or `agentNotStarted`, as `findAgent` does.
 */
export async function findProgram(
  name: string,
  env: Env = process.env,
  platform: NodeJS.Platform = process.platform,
  disk: Disk = THIS_DISK,
): Promise<Result<Launch & { readonly env: Readonly<Record<string, string>> }, Failure>> {
  return new AgentSearch(env, platform, disk).findNamed(name);
}

class AgentSearch {
  readonly tried: string[] = [];
  readonly #env: Env;
  readonly #platform: NodeJS.Platform;
  readonly #disk: Disk;

  constructor(env: Env, platform: NodeJS.Platform, disk: Disk) {
    this.#env = env;
    this.#platform = platform;
    this.#disk = disk;
  }

  async findPreset(kind: PresetKind): Promise<Result<Agent, Failure> | undefined> {
    const preset = PRESETS[kind];
    for (const name of preset.commands) {
      this.tried.push(name);
      const file = await findCommand(name, this.#env, this.#platform, this.#disk);
      if (file === undefined || (name === 'agent' && !(await this.#isCursor(file)))) continue;
      const launch = await toLaunch(file, this.#env, this.#platform, this.#disk);
      if (!launch.ok) return launch;
      const { command, args: first } = launch.value;
      const { label, unattended, interactive, output } = preset;
      const env = { ...this.#agentEnv(command), ...this.#presetEnv(preset) };
      return ok({
        kind,
        label,
        command,
        first,
        unattended,
        interactive,
        output,
        env,
        lacks: this.#lacksOf(preset),
      });
    }
    return undefined;
  }

  async findCustom(custom: CustomAgent): Promise<Result<Agent, Failure>> {
    const { command: label, args, stdin, output = 'text' } = custom;
    const found = await this.findNamed(label);
    if (!found.ok) return found;
    const { command, args: first } = found.value;
    const env = { ...found.value.env, ...custom.env };
    const unattended: AgentLine = { args, stdin };
    return ok({
      kind: 'custom',
      label,
      command,
      first,
      unattended,
      interactive: args,
      output,
      env,
      lacks: undefined,
    });
  }

  async findNamed(
    name: string,
  ): Promise<Result<Launch & { readonly env: Record<string, string> }, Failure>> {
    this.tried.push(name);
    let file: string | undefined;
    if (isAbsolute(name, this.#platform)) {
      file = (await this.#disk.isExecutable(name)) ? name : undefined;
    } else if (/[\\/]/.test(name) || name === '') {
      const detail = 'A command is an absolute path, or a name to be found on the PATH.';
      return fail({ kind: 'agentNotStarted', command: name, detail });
    } else {
      file = await findCommand(name, this.#env, this.#platform, this.#disk);
    }
    if (file === undefined) return fail({ kind: 'noAgent', tried: this.tried });
    const launch = await toLaunch(file, this.#env, this.#platform, this.#disk);
    if (!launch.ok) return launch;
    return ok({ ...launch.value, env: this.#agentEnv(launch.value.command) });
  }

  /**
   * `agent` is what Cursor's installer calls its program too, but others use that name: it counts
   * only where the link leads into Cursor's folder `cursor-agent`, or where exarp-go's own variable
   * says that this is the agent.
   */
  async #isCursor(file: string): Promise<boolean> {
    const target = await this.#disk.resolveLinks(file);
    if (target.split(/[\\/]/).some((part) => /^cursor-agent(\.|$)/i.test(part))) return true;
    return (
      valueOf(this.#env, 'EXARP_AGENT_CMD', this.#platform)?.trim().split(/\s+/)[0] === 'agent'
    );
  }

  #presetEnv({ env = {} }: Preset): Record<string, string> {
    const unset = Object.entries(env).filter(([name]) => !valueOf(this.#env, name, this.#platform));
    return Object.fromEntries(unset);
  }

  #lacksOf({ needs = {} }: Preset): string | undefined {
    const missing = Object.entries(needs).find(
      ([name]) => !valueOf(this.#env, name, this.#platform)?.trim(),
    );
    if (missing === undefined) return undefined;
    const [name, otherwise] = missing;
    return `The environment of the editor has no ${name}: ${otherwise}.`;
  }

  /**
   * The PATH for the agent: the editor's, and then the folders we search ourselves, so that an
   * agent installed beside its Node finds that Node although the editor was not started from a
   * shell.
   */
  #agentEnv(command: string): Record<string, string> {
    const path = this.#platform === 'win32' ? win32 : posix;
    const folders = new Set([...searchFolders(this.#env, this.#platform), path.dirname(command)]);
    const name =
      this.#platform === 'win32'
        ? (Object.keys(this.#env).find((key) => /^path$/i.test(key)) ?? 'Path')
        : 'PATH';
    return { [name]: [...folders].join(path.delimiter), NO_COLOR: '1' };
  }
}

function simulatedAgent({
  script,
  node,
}: {
  readonly script: string;
  readonly node: string;
}): Agent {
  return {
    kind: 'simulated',
    label: 'Simulated agent',
    command: node,
    first: [script],
    unattended: { args: [], stdin: 'prompt' },
    interactive: ['{promptFile}'],
    output: 'simulated',
    env: { ELECTRON_RUN_AS_NODE: '1' },
    lacks: undefined,
  };
}

/** Reads a custom agent as it stands in settings; undefined where it is not of the right shape. */
export function readCustomAgent(value: unknown): CustomAgent | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const {
    command,
    args = [],
    stdin = 'prompt',
    env = {},
    output = 'text',
  } = value as Readonly<Record<string, unknown>>;
  if (typeof command !== 'string' || command.trim() === '') return undefined;
  if (!Array.isArray(args) || !args.every(isArgument)) return undefined;
  if (stdin !== 'prompt' && stdin !== 'none') return undefined;
  if (!isAgentOutput(output)) return undefined;
  if (typeof env !== 'object' || env === null || Array.isArray(env)) return undefined;
  const pairs = Object.entries(env as Readonly<Record<string, unknown>>);
  const texts = pairs.flatMap(([key, text]) =>
    typeof text === 'string' ? [[key, text] as const] : [],
  );
  if (texts.length !== pairs.length) return undefined;
  return { command: command.trim(), args, stdin, env: Object.fromEntries(texts), output };
}

function isArgument(arg: unknown): arg is string | string[] {
  return (
    typeof arg === 'string' || (Array.isArray(arg) && arg.every((part) => typeof part === 'string'))
  );
}
