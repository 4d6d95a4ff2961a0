import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { RunRequest } from '../../src/core/run/run-options.ts';
import type { RunState } from '../../src/core/run/run-events.ts';
import { resumeRequestOf, sendBackRequestOf } from '../../src/core/run/run-request.ts';
import { sendBackText } from '../../src/core/run/send-back.ts';
import { taskId } from '../../src/core/task.ts';
import { namesOfRun } from '../../src/git/names.ts';
import type { Options } from '../../src/core/config.ts';
import { createBacklog } from '../support/fixture.ts';
import { bundlePrograms } from '../support/run-programs.ts';
import { openRunWindow, type Programs, type RunWindow } from '../support/run-window.ts';

const ONE = taskId('T-1');
const TODAY = { leaseMs: 1_800_000, maxParallelTasks: 4 } as Options;

let bundles: string;
let programs: Programs;
before(async () => {
  bundles = mkdtempSync(join(tmpdir(), 'todo2-bundles-'));
  programs = await bundlePrograms(bundles);
});
after(() => rmSync(bundles, { recursive: true, force: true }));

/** Speaks as Codex does; writes down how it was started, and adds a line to a file. */
const agentThat = (seen: string, exitCodes: string): string => `
  const { appendFileSync, existsSync, readFileSync, rmSync } = require('node:fs');
  const prompt = readFileSync(0, 'utf8');
  const start = { args: process.argv.slice(2).join(' '), cwd: process.cwd(), prompt };
  appendFileSync(${JSON.stringify(seen)}, JSON.stringify(start) + '\\n');
  appendFileSync('log.txt', /Rename this/.test(prompt) ? 'renamed\\n' : 'first\\n');
  const say = (event) => console.log(JSON.stringify(event));
  say({ type: 'thread.started', thread_id: 'thread-1' });
  if (existsSync(${JSON.stringify(exitCodes)})) {
    rmSync(${JSON.stringify(exitCodes)});
    process.exit(3);
  }
  say({ type: 'item.completed', item: { type: 'agent_message', text: 'Done.' } });
  say({ type: 'turn.completed', usage: { input_tokens: 1, output_tokens: 1 } });
`;

interface Start {
  readonly args: string;
  readonly cwd: string;
  readonly prompt: string;
}

interface Rig {
  readonly root: string;
  readonly window: RunWindow;
  readonly git: (...args: string[]) => string;
  /** The next start of the agent fails. */
  readonly failNext: () => void;
  /** Runs this in worktrees to its end. */
  readonly run: (request: RunRequest) => Promise<RunState>;
  readonly starts: () => readonly Start[];
  readonly request: (of: typeof sendBackRequestOf, run: RunState, text: string) => RunRequest;
}

async function withRig(body: (rig: Rig) => Promise<void>): Promise<void> {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-send-back-')));
  const [root, orderFolder] = [join(folder, 'shop'), join(folder, 'orders')];
  const [script, seen, fails] = ['agent.cjs', 'seen', 'fails'].map((name) => join(folder, name));
  assert.ok(script && seen && fails);
  mkdirSync(root);
  writeFileSync(script, agentThat(seen, fails));
  await createBacklog(root, { tasks: [{ id: 'T-1', content: 'Title' }] });
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: 'pipe' });
  git('init', '-q', '-b', 'main');
  git('config', 'user.name', 'A User');
  git('config', 'user.email', 'user@example.org');
  writeFileSync(join(root, '.gitignore'), '.todo2/\n');
  git('add', '.');
  git('commit', '-qm', 'first');
  const window = openRunWindow({
    ...{ root, orderFolder, programs, begunFile: join(folder, 'begun'), cap: 2 },
    run: { retries: 0 },
    custom: {
      ...{ command: programs.node, stdin: 'prompt', env: {}, output: 'codex' },
      args: [script, ['resume', '{resumes}']],
    },
  });
  const { runner, history, isolation } = window.runs;
  try {
    await window.ready;
    assert.equal(await history.prepare(), undefined);
    await body({
      ...{ root, window, git },
      failNext: () => writeFileSync(fails, ''),
      run: async (request) => {
        const { resumes } = request;
        const target = request.options.isolation?.target;
        const asked = { choice: 'worktree', start: 'commit', parallel: 1, isDry: false } as const;
        const decided = await isolation.decide({ ...asked, resumes, target });
        assert.ok(decided.ok, JSON.stringify(decided));
        const options = { ...request.options, isolation: decided.value.isolation };
        const started = runner.start({ ...request, options });
        assert.ok(started.ok, JSON.stringify(started));
        const ended = await started.value.ended;
        assert.deepEqual(window.bugs, []);
        return ended;
      },
      starts: () =>
        readFileSync(seen, 'utf8')
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line) as Start),
      request: (of, run, text) => {
        const { state } = window.source;
        assert.ok(state.kind === 'ready');
        const context = { snapshot: state.snapshot, plan: undefined, options: TODAY };
        const request = of(run, ONE, text, context);
        assert.ok(request.ok, JSON.stringify(request));
        return request.value;
      },
    });
  } finally {
    await window.close('stop');
    rmSync(folder, { recursive: true, force: true });
  }
}

const AGENT = { agent: 'custom', model: undefined, agentMode: 'unattended' } as const;
const TEXT = sendBackText('Nearly', [
  { path: 'log.txt', line: 1, quote: 'first', text: 'Rename this' },
]);
const statusOf = ({ window }: Rig): string | undefined => {
  const { state } = window.source;
  return state.kind === 'ready' ? state.snapshot.byId.get(ONE)?.status : undefined;
};

test('work that is sent back goes on in the same worktree, on the same branch, in the same session', async () => {
  await withRig(async (rig) => {
    const { window, git } = rig;
    const first = await rig.run(window.request([[ONE]], AGENT));
    assert.equal(first.tasks.get(ONE)?.outcome?.kind, 'succeeded');
    await window.setStatus(ONE, 'Review', 'Todo');
    const second = await rig.run(rig.request(sendBackRequestOf, first, TEXT));
    const outcome = second.tasks.get(ONE)?.outcome;
    assert.ok(outcome?.kind === 'succeeded', JSON.stringify(outcome));

    const [before, again, ...more] = rig.starts();
    assert.deepEqual(more, []);
    assert.deepEqual([before?.args, again?.args], ['', 'resume thread-1']);
    assert.equal(before?.cwd, again?.cwd);
    assert.match(again?.cwd ?? '', /shop\.worktrees\/t-1-title$/);
    const said = again?.prompt ?? '';
    assert.match(said, /sends it back[^]*\n```\nNearly\n\nlog\.txt:1\n> first\nRename this\n```\n/);
    const files = window.runs.journals.folder.filesOf(second.runId, 1);
    assert.equal(readFileSync(files.followUp, 'utf8'), said);

    const { changes } = outcome.evidence ?? {};
    assert.equal(changes?.branch, 'waves/t-1-title');
    assert.equal(changes.base, first.options.isolation?.base, 'the diff has all of the work');
    for (const [{ runId }, text] of [
      [first, 'first\n'],
      [second, 'first\nrenamed\n'],
    ] as const)
      assert.equal(git('show', `${namesOfRun(runId, rig.root).branch}:log.txt`), text);
    assert.equal(git('branch', '--list', 'waves/t-1*').trim().split('\n').length, 1);
    assert.equal(git('status', '--porcelain'), '');
    await window.source.refresh();
    assert.equal(statusOf(rig), 'Review');
    assert.deepEqual(second.resumes, first.runId);
  });
});

test('a resumed run goes on in the worktree of what failed, and begins anew what was accepted', async () => {
  await withRig(async (rig) => {
    const { window, git } = rig;
    rig.failNext();
    const first = await rig.run(window.request([[ONE]], AGENT));
    assert.equal(first.tasks.get(ONE)?.outcome?.kind, 'failed');
    await window.source.refresh();
    const resume: typeof sendBackRequestOf = (run, id, _, context) =>
      resumeRequestOf(run, new Set([id]), context);
    rig.failNext();
    const second = await rig.run(rig.request(resume, first, ''));
    assert.equal(git('show', 'waves/t-1-title:log.txt'), 'first\nfirst\n');

    git('merge', '-q', '--no-edit', 'waves/t-1-title');
    await window.source.refresh();
    const third = await rig.run(rig.request(resume, second, ''));
    assert.equal(third.tasks.get(ONE)?.outcome?.kind, 'succeeded');
    assert.deepEqual(
      rig.starts().map(({ cwd }) => cwd.slice(cwd.lastIndexOf('/') + 1)),
      ['t-1-title', 't-1-title', 't-1-title-2'],
    );
  });
});
