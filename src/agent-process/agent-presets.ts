import type { AgentOutput } from './output/agent-output.ts';

/** A known command line agent: `simulated` needs no account, `custom` is the user's own command. */
export type AgentKind = PresetKind | 'custom' | 'simulated';

/** Every agent that we know how to call, in the order in which the user is offered them. */
export const PRESET_KINDS = [
  'cursor',
  'claude',
  'codex',
  'gemini',
  'qwen',
  'copilot',
  'opencode',
  'amp',
  'aider',
  'goose',
] as const;

export type PresetKind = (typeof PRESET_KINDS)[number];

/**
 * The search order of `auto`. Without the simulated agent, which would move tasks on without any
 * work done; and without goose, which has no permission limits when unattended (and shares its name
 * with a tool for databases).
 */
export const AUTO_ORDER = PRESET_KINDS.filter((kind) => kind !== 'goose');

/**
 * Arguments with placeholders, see `fillArgs`. A list within the list is a group that is left out
 * where one of its placeholders has no value, so that `--model` never stands alone.
 */
export type ArgsTemplate = readonly (string | readonly string[])[];

/** The arguments of an agent in one of the two modes, and where its prompt goes. */
export interface AgentLine {
  readonly args: ArgsTemplate;
  /** `none`: it reads the file that its arguments name. */
  readonly stdin: 'prompt' | 'none';
}

export interface Preset {
  readonly label: string;
  /** Names to look for, the best first. */
  readonly commands: readonly string[];
  readonly unattended: AgentLine;
  /** The agent's own screen in a terminal, with stdin being that terminal. */
  readonly interactive: ArgsTemplate;
  readonly output: AgentOutput;
  /** Environment variables without which it cannot work unattended, each with what happens then. */
  readonly needs?: Readonly<Record<string, string>>;
  /** Environment variables for it that the user's own environment overrules. */
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * What an agent in a terminal is told first, where it takes such a message as an argument. A
 * constant and a path of ours: no text of a backlog is ever in an argument.
 */
export const FIRST_MESSAGE = 'Read the file {promptFile} and do what it says.';

const MODEL = ['--model', '{model}'] as const;
const RESUMED = ['--resume', '{resumes}'] as const;
/** The session to begin or to resume; one of the two groups stays. */
const SESSION = [['--session-id', '{newSession}'], RESUMED] as const;

/** The words of a command line, separated by blanks; groups as they are. */
function line(...parts: ArgsTemplate): ArgsTemplate {
  return parts.flatMap((part): ArgsTemplate =>
    typeof part === 'string' ? part.split(' ') : [part],
  );
}

/**
 * The command lines of the known agents. They grant the least permissions with which an unattended
 * agent can edit files of its folder; the user can grant more in the agent's own settings or in a
 * custom agent. `{newSession}` is an id chosen by us, `{resumes}` the session to resume: one of the
 * two has a value.
 */
export const PRESETS: Readonly<Record<PresetKind, Preset>> = {
  cursor: {
    label: 'Cursor',
    commands: ['cursor-agent', 'agent'],
    unattended: {
      // Without --trust it ends with "Workspace Trust Required"; the editor's own trust was asked
      // before we run anything.
      args: line(
        '-p --trust --output-format stream-json --stream-partial-output --workspace {cwd}',
        MODEL,
        RESUMED,
      ),
      stdin: 'prompt',
    },
    interactive: ['--workspace', '{cwd}', MODEL, RESUMED, FIRST_MESSAGE],
    output: 'streamJson',
  },
  claude: {
    label: 'Claude Code',
    commands: ['claude'],
    unattended: {
      args: line(
        '-p --output-format stream-json --verbose --permission-mode acceptEdits',
        MODEL,
        ...SESSION,
      ),
      stdin: 'prompt',
    },
    interactive: [MODEL, ...SESSION, FIRST_MESSAGE],
    output: 'streamJson',
  },
  codex: {
    label: 'Codex',
    commands: ['codex'],
    unattended: {
      args: line(
        'exec --json --sandbox workspace-write -C {cwd}',
        MODEL,
        ['resume', '{resumes}'],
        '-',
      ),
      stdin: 'prompt',
    },
    interactive: [
      ...line('--sandbox workspace-write -C {cwd}', MODEL, ['resume', '{resumes}']),
      FIRST_MESSAGE,
    ],
    output: 'codex',
  },
  gemini: {
    label: 'Gemini',
    commands: ['gemini'],
    unattended: {
      args: line(
        '--output-format stream-json --skip-trust --approval-mode auto_edit',
        MODEL,
        ...SESSION,
      ),
      stdin: 'prompt',
    },
    interactive: [MODEL, ...SESSION, '-i', FIRST_MESSAGE],
    output: 'gemini',
  },
  qwen: {
    label: 'Qwen Code',
    commands: ['qwen'],
    unattended: {
      args: line('--output-format stream-json --approval-mode auto-edit', MODEL, ...SESSION),
      stdin: 'prompt',
    },
    interactive: [MODEL, ...SESSION, '-i', FIRST_MESSAGE],
    output: 'streamJson',
  },
  copilot: {
    label: 'GitHub Copilot',
    commands: ['copilot'],
    unattended: {
      // Not --trust-folder: earlier versions do not know it, later ones refuse it beside a session.
      args: line(
        '--output-format json --no-ask-user --no-color --no-auto-update --allow-tool write',
        MODEL,
        ['--session-id', '{newSession}'],
        ['--resume={resumes}'],
      ),
      stdin: 'prompt',
    },
    interactive: [
      MODEL,
      ['--session-id', '{newSession}'],
      ['--resume={resumes}'],
      '-i',
      FIRST_MESSAGE,
    ],
    output: 'copilot',
    // As --no-auto-update, also where it is asked for nothing but its version.
    env: { COPILOT_AUTO_UPDATE: 'false' },
  },
  opencode: {
    label: 'opencode',
    commands: ['opencode'],
    unattended: {
      args: line('run --format json --dir {cwd}', MODEL, ['--session', '{resumes}']),
      stdin: 'prompt',
    },
    interactive: [MODEL, ['--session', '{resumes}'], '--prompt', FIRST_MESSAGE],
    output: 'opencode',
  },
  amp: {
    label: 'Amp',
    commands: ['amp'],
    // It takes no model on its command line, and resumes a session by another command.
    unattended: {
      args: line(
        ['threads', 'continue', '{resumes}'],
        '-x --stream-json --no-color --no-notifications',
      ),
      stdin: 'prompt',
    },
    interactive: [['threads', 'continue', '{resumes}'], '--no-notifications'],
    output: 'streamJson',
    needs: { AMP_API_KEY: 'without it Amp starts a login and takes the prompt for its code' },
  },
  aider: {
    label: 'Aider',
    commands: ['aider'],
    unattended: {
      // --yes-always agrees to edits; commands that a model suggests are not run, and nothing is
      // committed.
      args: line(
        '--message-file {promptFile} --yes-always --no-stream --no-pretty --no-check-update',
        '--no-auto-commits --no-suggest-shell-commands',
        MODEL,
      ),
      stdin: 'none',
    },
    interactive: ['--no-check-update', '--no-auto-commits', '--read', '{promptFile}', MODEL],
    output: 'aider',
  },
  goose: {
    label: 'goose',
    commands: ['goose'],
    unattended: { args: ['run', '--no-session', MODEL, '-i', '{promptFile}'], stdin: 'none' },
    interactive: ['run', '--interactive', MODEL, '-i', '{promptFile}'],
    output: 'text',
    // Its default is to do everything. Unattended, later versions agree by themselves even so,
    // earlier ones wait for a person until the time limit ends them.
    env: { GOOSE_MODE: 'smart_approve' },
  },
};
