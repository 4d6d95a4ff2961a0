import { spawn } from 'node:child_process';
import { realpath, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { cut, oneLine } from '../core/text.ts';
import type { ArgsTemplate } from './agent-presets.ts';
import type { Agent } from './agents.ts';
import { fillArgs } from './args-template.ts';
import { childEnvironment } from './child-environment.ts';
import { killGroup } from './process-tree.ts';
import { lineWith } from './output/provider-sentences.ts';

/** A program that takes longer to explain itself is believed to understand its arguments. */
const TIMEOUT_MS = 20_000;
const MAX_OUTPUT = 512 * 1024;
const MAX_LINE = 300;
/** No program has it: who takes it beside `--help` does not look at its arguments then. */
const NO_OPTION = '--todo2-waves-no-such-option';
const SESSION = '00000000-0000-4000-8000-000000000000';

/** What a program answers, both outputs as one text; undefined where it does not end in time. */
export type Ask = (
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
) => Promise<{ readonly exitCode: number | undefined; readonly text: string } | undefined>;

/**
 * Whether installed agents understand the arguments that we start them with, asked of themselves by
 * `--help` and remembered until their program changes. Nothing of a project is involved.
 */
export class ArgumentChecks {
  readonly #ask: Ask;
  /** By the program with its size and time, and the arguments. */
  readonly #known = new Map<string, Promise<string | undefined>>();

  constructor(ask: Ask = askProgram) {
    this.#ask = ask;
  }

  /**
   * The agent again, where it understands its arguments or nothing shows that it does not. Fails
   * with `agentNotStarted` and the program's own line. A custom agent's arguments are its user's.
   */
  async check(
    agent: Agent,
    agentMode: 'unattended' | 'interactive',
  ): Promise<Result<Agent, Failure>> {
    if (agent.kind === 'custom' || agent.kind === 'simulated') return ok(agent);
    const template = agentMode === 'unattended' ? agent.unattended.args : agent.interactive;
    const key = JSON.stringify([await identityOf(agent), template]);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = this.#misfitOf(agent, template);
      this.#known.set(key, known);
    }
    const misfit = await known;
    if (misfit === undefined) return ok(agent);
    return fail({ kind: 'agentNotStarted', command: agent.command, detail: misfit });
  }

  /** Why the arguments do not fit, in words for people; undefined where they do. */
  async #misfitOf(agent: Agent, template: ArgsTemplate): Promise<string | undefined> {
    const { command, first, env, label } = agent;
    const options = optionsOf(template);
    const helps: string[] = [];
    const explain = async (line: string): Promise<string> => {
      const version = await this.#ask(command, [...first, '--version'], env);
      const told = /(?<!\d)\d+(?:\.\d+)+(?:-\w+)?/.exec(version?.text ?? '')?.[0];
      return `${label}${told === undefined ? '' : ` ${told}`} does not take the arguments that it is started with (${line}). Install another version of it, or set a custom agent with arguments that fit.`;
    };
    const forms = formsOf(template);
    // Some leave out of their help what they are given beside it.
    const bare = forms.slice(0, 1).map((args) => args.slice(0, args.findIndex(isOption)));
    for (const args of [...forms.slice(0, 1), ...bare, ...forms.slice(1)]) {
      const help = await this.#ask(command, [...first, ...args, '--help'], env);
      if (help === undefined) return undefined;
      const line = lineWith('usage', help.text);
      if (help.exitCode !== 0)
        return line === undefined ? undefined : explain(cut(oneLine(line), MAX_LINE));
      helps.push(help.text);
      if (options.every((option) => isNamed(option, helps))) return undefined;
    }
    const missing = options.filter((option) => !isNamed(option, helps));
    // What names none of them is no help that they could be looked up in.
    if (missing.length === options.length) return undefined;
    const [args = []] = forms;
    const strict = await this.#ask(command, [...first, ...args, NO_OPTION, '--help'], env);
    // It refuses what it does not know, so it knows what its help does not name.
    if (strict?.exitCode !== 0) return undefined;
    return explain(`its help does not name ${missing.join(', ')}`);
  }
}

/** The arguments of a new session, and where they are others those of one that is resumed. */
function formsOf(template: ArgsTemplate): readonly (readonly string[])[] {
  const common = {
    promptFile: 'prompt.md',
    cwd: tmpdir(),
    taskId: 'T-1',
    runId: 'run-1',
    model: 'default',
    sessionId: SESSION,
  };
  const begun = fillArgs(template, { ...common, newSession: SESSION });
  const resumed = fillArgs(template, { ...common, resumes: SESSION });
  return begun.join('\0') === resumed.join('\0') ? [begun] : [begun, resumed];
}

/** `--model`, `--resume`: the long options, each once. */
function optionsOf(template: ArgsTemplate): readonly string[] {
  const options = template.flat().flatMap((arg) => /^--[a-z][\w-]*/.exec(arg)?.[0] ?? []);
  return [...new Set(options)];
}

function isOption(arg: string): boolean {
  return arg.startsWith('-');
}

/** Some name `--color` or `--[no-]color` alone, and take `--no-color` too. */
function isNamed(option: string, helps: readonly string[]): boolean {
  const name = option.slice(2);
  const bare = name.replace(/^no-/, '');
  const named = bare === name ? `--${name}` : `--(?:no-|\\[no-\\])?${bare}`;
  const pattern = new RegExp(`(?<![\\w-])${named}(?![\\w-])`);
  return helps.some((help) => pattern.test(help));
}

/** The program that is started, wherever a link leads, as it is now. */
async function identityOf({ command, first }: Agent): Promise<readonly (string | number)[]> {
  const files = await Promise.all(
    [command, ...first.filter((arg) => !arg.startsWith('-'))].map(async (file) => {
      try {
        const target = await realpath(file);
        const { size, mtimeMs } = await stat(target);
        return [target, size, mtimeMs];
      } catch {
        // An argument that is no file.
        return [file];
      }
    }),
  );
  return files.flat();
}

/** Asks a program that is installed; its stdin is empty, and its folder one of no project. */
const askProgram: Ask = (command, args, env) =>
  new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: tmpdir(),
      env: childEnvironment(process.env, env, tmpdir()),
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: process.platform !== 'win32',
      windowsHide: true,
    });
    let text = '';
    const timer = setTimeout(() => {
      if (child.pid !== undefined && process.platform !== 'win32') killGroup(child.pid);
      else child.kill();
      resolve(undefined);
    }, TIMEOUT_MS);
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (more: string) => {
        if (text.length < MAX_OUTPUT) text += more;
      });
    }
    child.on('error', () => resolve(undefined));
    child.on('close', (code) => {
      clearTimeout(timer);
      resolve({ exitCode: code ?? undefined, text });
    });
  });
