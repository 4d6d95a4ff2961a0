import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import type { RunState } from '../../src/core/run/run-events.ts';
import { runReport } from '../../src/core/run/report/run-report.ts';
import { ok } from '../../src/core/result.ts';
import { PRESET_KINDS, PRESETS, type PresetKind } from '../../src/agent-process/agent-presets.ts';
import type { CustomAgent } from '../../src/agent-process/agents.ts';
import type { RunParts } from '../../src/wire/runs.ts';
import { createBacklog, nativeWriter, type SqlRow } from '../support/fixture.ts';
import { injectionCorpus, type Hostile } from '../support/injection-corpus.ts';
import { shuffled } from '../support/random.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import { openRunWindow, type Programs, type RunWindow } from '../support/run-window.ts';
import { plainNodeEnv } from '../support/sqlite-node.ts';
import { proofOf, type Run } from './proof.ts';
import { Recorder, type Recorded } from './recorder.ts';

interface Size {
  /**
   * How many texts of the corpus, and how many kinds of agents, by chance; all where there are no
   * more.
   */
  readonly texts: number;
  readonly kinds: number;
}

type Kind = PresetKind | 'custom';
type How = 'unattended' | 'interactive';

const KINDS: readonly Kind[] = [...PRESET_KINDS, 'custom'];
const CUSTOM_COMMAND = 'mine';
const HARMLESS = 'T-harmless';
const CAP = 4;
const PLACEHOLDERS = [
  '{taskId}',
  '{runId}',
  '{cwd}',
  '{promptFile}',
  '{sessionId}',
  ['{model}'],
  ['{resumes}'],
];

/** All that a run may add to the folder of its backlog. */
const OURS =
  /^\.todo2\/(?:todo2\.db-(?:wal|shm)|waves(?:\/(?:\.gitignore|runs(?:\/[0-9T]+-[0-9a-f]+(?:\.jsonl|\/(?:\d+\.(?:prompt\.md|log|state\.json|stop)|lead\.\d+\.json|asks\.jsonl))?)?))?)$/;

/**
 * Control characters (but for tabs and ends of lines, in what an agent said), and what changes the
 * order of reading.
 */
const UNPRINTABLE = /[\0-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]/g;

export const injection = proofOf<Size>({
  name: 'injection',
  about: 'whatever stands in a backlog, no agent, shell, terminal or file system obeys it',
  short: { texts: 14, kinds: 2 },
  full: { texts: Infinity, kinds: Infinity },
  run: async (run) => {
    const scene = await Scene.create(run);
    // Unattended and in terminals by turns, so that a short proof has both.
    const kinds = shuffled(run.random, KINDS).slice(0, Math.min(run.size.kinds, KINDS.length));
    for (const kind of kinds) await scene.run(kind, 'unattended');
    if (hasScript()) for (const kind of kinds) await scene.run(kind, 'interactive');
    else run.say('There is no `script` of util-linux here: agents in terminals were not tried.');
    run.say(
      `${scene.texts} texts as id, title, description and tag with ${kinds.join(', ')}: ${scene.started} agents started, ` +
        `${scene.inTerminals} of them in terminals; nothing was executed, substituted or left elsewhere (seed ${run.seed})`,
    );
  },
});

class Scene {
  started = 0;
  inTerminals = 0;
  readonly texts: number;
  readonly #folder: string;
  readonly #canary: string;
  readonly #corpus: readonly Hostile[];
  readonly #programs: Programs;
  readonly #recorder: Recorder;

  private constructor(run: Run<Size>, programs: Programs) {
    this.#folder = run.folder;
    this.#canary = join(run.folder, `canary-${run.seed}`);
    // A task without an id cannot be, and nobody could name it.
    const corpus = injectionCorpus(this.#canary).filter(({ text }) => text !== '');
    this.#corpus = shuffled(run.random, corpus).slice(0, Math.min(run.size.texts, corpus.length));
    this.texts = this.#corpus.length;
    this.#programs = programs;
    this.#recorder = new Recorder(run.folder);
    for (const kind of PRESET_KINDS) this.#recorder.install(PRESETS[kind].commands[0] ?? kind);
    this.#recorder.install(CUSTOM_COMMAND);
  }

  static async create(run: Run<Size>): Promise<Scene> {
    return new Scene(run, await bundlePrograms(join(run.folder, 'programs')));
  }

  async run(kind: Kind, agentMode: How): Promise<void> {
    const root = join(this.#folder, 'work', `${kind} ${agentMode}`);
    mkdirSync(root, { recursive: true });
    const texts = [HARMLESS, ...this.#corpus.map(({ text }) => text)];
    await createBacklog(root, {
      tasks: texts.map((text) => ({ id: text, content: text, description: text, tags: [text] })),
    });
    const before = { rows: await rowsOf(root), files: everything(this.#folder) };
    const known = new Set(this.#recorder.of(commandOf(kind)).map(toText));
    const seen = await this.#work(root, kind, agentMode);
    this.#checkRun(seen.run, texts.length);
    this.#checkPrompts(root, seen);
    const recorded = this.#recorder.of(commandOf(kind)).filter((each) => !known.has(toText(each)));
    checkStarts(recorded, kind);
    this.started += recorded.length;
    if (agentMode === 'interactive') this.inTerminals += recorded.length;
    assert.ok(!seen.shown.includes(this.#canary), 'a terminal shows what nobody wrote into it');
    assert.deepEqual(await rowsOf(root), before.rows);
    this.#checkFiles(root, before.files);
  }

  async #work(
    root: string,
    kind: Kind,
    agentMode: How,
  ): Promise<{
    readonly run: RunState;
    readonly descriptions: readonly string[];
    readonly shown: string;
  }> {
    const custom: CustomAgent = {
      command: CUSTOM_COMMAND,
      args: PLACEHOLDERS,
      stdin: 'prompt',
      env: { MINE: '1' },
    };
    const terminals = openTerminals(this.#programs);
    return withEnvironment({ PATH: this.#path, AMP_API_KEY: 'key' }, async () => {
      const [orderFolder, begunFile] = [join(this.#folder, 'orders'), join(this.#folder, 'begun')];
      const window = openRunWindow(
        {
          ...{ root, custom, orderFolder, begunFile, cap: CAP },
          programs: this.#programs,
          run: { maxEqualFailures: 0 },
        },
        { openInteractive: terminals.open },
      );
      try {
        const { tasks } = await window.ready;
        const run = await runAll(window, kind, agentMode);
        assert.deepEqual([window.bugs, window.failures], [[], []]);
        return {
          run,
          descriptions: tasks.map(({ description }) => description),
          shown: terminals.shown(),
        };
      } finally {
        await window.close('stop');
      }
    });
  }

  get #path(): string {
    return [this.#recorder.bin, process.env['PATH']].join(delimiter);
  }

  /** Every task ends, each in its own way, and the report of it is a page of plain lines. */
  #checkRun(run: RunState, tasks: number): void {
    assert.equal(run.tasks.size, tasks);
    for (const { id, outcome } of run.tasks.values()) {
      const what = `${JSON.stringify(id)}: ${JSON.stringify(outcome)}`;
      // What is no agent does not speak as one does: some of them are not believed that they went
      // well.
      const isOver =
        outcome?.kind === 'succeeded' ||
        (outcome?.kind === 'failed' && outcome.cause.kind === 'said');
      assert.ok(isOver, what);
    }
    const report = runReport(run, {
      ...{ titleOf: (id) => id, dependenciesOf: () => [], now: Date.now(), timeOf: String },
    });
    const strange = [...report.matchAll(UNPRINTABLE)].map(({ 0: found, index }) =>
      JSON.stringify([found, report.slice(Math.max(0, index - 60), index + 60)]),
    );
    assert.deepEqual(strange.slice(0, 5), [], 'what nobody sees in a report');
  }

  /** What a task says reaches its agent as it was written. */
  #checkPrompts(
    root: string,
    { run, descriptions }: { readonly run: RunState; readonly descriptions: readonly string[] },
  ): void {
    const folder = join(root, '.todo2', 'waves', 'runs', run.runId);
    const prompts = readdirSync(folder)
      .filter((name) => name.endsWith('.prompt.md'))
      .map((name) => readFileSync(join(folder, name), 'utf8'));
    for (const description of descriptions) {
      assert.ok(
        prompts.some((prompt) => prompt.includes(description)),
        `no prompt has ${JSON.stringify(description)}`,
      );
    }
  }

  #checkFiles(root: string, before: readonly string[]): void {
    const known = new Set(before);
    const here = relative(this.#folder, root);
    const others = everything(this.#folder).filter((file) => {
      if (known.has(file) || /^records\/[a-z-]+\.\d+\.(?:args|env)$/.test(file)) return false;
      if (file === 'begun' || file === 'orders') return false;
      return !(file.startsWith(`${here}/`) && OURS.test(file.slice(here.length + 1)));
    });
    assert.deepEqual(others, []);
    const name = this.#canary.replace(/^.*\//, '');
    const elsewhere = [
      '/',
      tmpdir(),
      homedir(),
      process.cwd(),
      dirname(this.#folder),
      dirname(process.cwd()),
    ];
    for (const folder of elsewhere)
      assert.ok(!existsSync(join(folder, name)), `${name} is in ${folder}`);
  }
}

async function runAll(window: RunWindow, kind: Kind, agentMode: How): Promise<RunState> {
  const { source, runs } = window;
  const { state } = source;
  const ids = state.kind === 'ready' ? state.snapshot.tasks.map(({ id }) => id) : [];
  assert.equal(await runs.history.prepare(), undefined);
  const started = runs.runner.start(
    window.request([ids], { agent: kind, model: undefined, agentMode }),
  );
  assert.ok(started.ok);
  return started.value.ended;
}

/**
 * All of them were started as the harmless one was, but for what is different with each attempt.
 */
function checkStarts(recorded: readonly Recorded[], kind: Kind): void {
  const same = ({ args, env }: Recorded): string => {
    const own = args.map((arg) =>
      arg
        .replace(/\/\d+\.prompt\.md(?=$| )/, '/<start>.prompt.md')
        .replace(/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, '<session>'),
    );
    // The first argument of ours is the id of the task, as far as it is a plain word.
    if (kind === 'custom') assert.match(own.shift() ?? '', /^[A-Za-z0-9_][A-Za-z0-9._-]{0,63}$/);
    const ours = env.filter((entry) => !/^(?:TODO2_WAVES_WORK=[0-9a-f]{32}$|_=)/.test(entry));
    return JSON.stringify([own, ours]);
  };
  assert.ok(recorded.length > 0, `no ${kind} was started`);
  assert.deepEqual(
    [...new Set(recorded.map(same))].length,
    1,
    [...new Set(recorded.map(same))].join('\n'),
  );
}

/** Makes terminals as an editor does, with the supervisor as their program. */
function openTerminals({ node, supervisor }: Programs): {
  readonly open: NonNullable<RunParts['openInteractive']>;
  readonly shown: () => string;
} {
  let shown = '';
  return {
    open: (_job, _order, orderFile) => {
      // Paths of ours, and the only words of a shell: `script` takes a command in no other way.
      const command = [node, supervisor, orderFile].map((path) => `'${path}'`).join(' ');
      const child = spawn('script', ['-q', '-e', '-c', command, '/dev/null'], {
        env: plainNodeEnv(),
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      child.stdout.setEncoding('utf8').on('data', (text: string) => (shown += text));
      child.stdin.on('error', () => undefined); // its program has ended
      return Promise.resolve(ok({ dispose: () => void child.kill() }));
    },
    shown: () => shown,
  };
}

function hasScript(): boolean {
  const { status, stdout } = spawnSync('script', ['--version'], { encoding: 'utf8' });
  return status === 0 && stdout.includes('util-linux');
}

function commandOf(kind: Kind): string {
  return kind === 'custom' ? CUSTOM_COMMAND : (PRESETS[kind].commands[0] ?? kind);
}

function toText(recorded: Recorded): string {
  return JSON.stringify(recorded);
}

/** The texts of all tasks. */
async function rowsOf(root: string): Promise<readonly SqlRow[]> {
  await using reader = await nativeWriter(root);
  return await reader.all(
    'SELECT id, content, long_description, metadata FROM tasks ORDER BY rowid',
  );
}

function everything(folder: string): readonly string[] {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  return entries.map((entry) => relative(folder, join(entry.parentPath, entry.name))).sort();
}

async function withEnvironment<T>(
  variables: Readonly<Record<string, string>>,
  body: () => Promise<T>,
): Promise<T> {
  const before = Object.keys(variables).map((name) => [name, process.env[name]] as const);
  Object.assign(process.env, variables);
  try {
    return await body();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}
