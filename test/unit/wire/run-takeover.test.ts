import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import type { WorkEnd } from '../../../src/core/ports.ts';
import type { RunEvent, RunState } from '../../../src/core/run/run-events.ts';
import { formatEntry } from '../../../src/core/run/journal/journal-entry.ts';
import type { WorkDecision } from '../../../src/core/run/work-decision.ts';
import { storedWorkState, type WorkState } from '../../../src/core/run/journal/work-state.ts';
import { taskId, type TaskId } from '../../../src/core/task.ts';
import { RunTakeover, type RunTakeoverOptions } from '../../../src/wire/run-takeover.ts';
import { RunJournals } from '../../../src/store/runs/run-journals.ts';
import { HandClock } from '../../support/hand-clock.ts';
import { ranFor, startOf, succeeded } from '../../support/run-stories.ts';

const RUN = '20261125T023000-a1b2c3';
const SUPERVISOR = 4711;
const END: RunEvent = { kind: 'runEnded', runId: RUN, at: 99 };

/** A run of three tasks whose window was gone in the middle of the first two. */
const STORY: readonly RunEvent[] = [
  startOf(RUN, [['T-1', 'T-2', 'T-3']]),
  { kind: 'waveStarted', runId: RUN, wave: 0, at: 1 },
  { kind: 'taskStarting', runId: RUN, id: taskId('T-1'), attemptNo: 1, tryNo: 1, at: 2 },
  { kind: 'taskStarting', runId: RUN, id: taskId('T-2'), attemptNo: 2, tryNo: 1, at: 2 },
];

const IN_CONFLICT: Extract<WorkEnd, { kind: 'conflict' }> = {
  ...{ kind: 'conflict', files: ['a.txt'], status: 'Review', evidence: undefined },
};

/** A folder in which an earlier window wrote this down, and a window that opens on it now. */
async function reopened(
  t: TestContext,
  story: readonly RunEvent[],
  { begunHere }: { readonly begunHere: boolean },
) {
  const root = mkdtempSync(join(tmpdir(), 'todo2-history-'));
  const opened: RunTakeover[] = [];
  const bugs: unknown[] = [];
  t.after(async () => {
    for (const history of opened) await history.close();
    assert.deepEqual([bugs.splice(0), failures.splice(0)], [[], []]);
    rmSync(root, { recursive: true, force: true });
  });
  mkdirSync(join(root, '.todo2'));
  const clock = new HandClock(Date.now());
  const alive = new Set([1, 2]);
  const journalsOf = (pid: number): RunJournals => {
    const journals = new RunJournals({
      ...{ root, clock, pid, log: () => undefined },
      processes: { hostname: 'desk', isAlive: (asked) => alive.has(asked) },
      processStartTime: (asked) => Promise.resolve(alive.has(asked) ? `began ${asked}` : undefined),
    });
    t.after(() => journals.dispose());
    return journals;
  };
  const before = journalsOf(1);
  const nobody = {
    onFailed: () => assert.fail('it can be written'),
    onLost: () => assert.fail('it is ours'),
  };
  const writer = before.open(RUN, nobody);
  for (const event of story) writer.append(event);
  await writer.close();
  alive.delete(1);

  const journals = journalsOf(2);
  const files = (attemptNo: number) => journals.folder.filesOf(RUN, attemptNo);
  const writeState = (attemptNo: number, part: Partial<WorkState> = {}): void => {
    const state: WorkState = {
      ...{
        runId: RUN,
        attemptNo,
        taskId: taskId(`T-${attemptNo}`),
        phase: 'claiming',
        pid: SUPERVISOR,
        begin: 'b',
        host: 'desk',
      },
      ...{
        holder: `claude-desk-${SUPERVISOR}`,
        agentPid: undefined,
        agentBegin: null,
        mark: '0'.repeat(32),
        label: 'Claude',
      },
      ...{
        output: 'text',
        startedAt: 3,
        lastOutputAt: undefined,
        activity: undefined,
        sessionId: undefined,
        sessionUsage: undefined,
        refusal: undefined,
        end: undefined,
        ...part,
      },
    };
    writeFileSync(files(attemptNo).state, JSON.stringify(storedWorkState(state)));
  };
  const told: string[] = [];
  const failures: string[] = [];
  /** Runs that this window leads. */
  const live: RunState[] = [];
  const renewed: RunState[] = [];
  const restored: { run: RunState; attach: ReadonlySet<TaskId> }[] = [];
  const note =
    (what: string) =>
    (...about: unknown[]): void =>
      void told.push([what, ...about.filter((each) => typeof each !== 'object')].join(' '));
  const tell = (what: string) => {
    const noted = note(what);
    return (...about: unknown[]): Promise<void> => {
      noted(...about);
      return Promise.resolve();
    };
  };
  const runner: RunTakeoverOptions['runner'] = {
    ...{ onEvent: () => ({ dispose: () => undefined }), runs: live, detach: () => undefined },
    renew: (run) => void renewed.push(run),
    restore: (run, attach) => {
      restored.push({ run, attach });
      return { runId: run.runId, ended: new Promise(() => undefined) };
    },
    setCap: note('cap'),
    steer: (runId, { ask, ...about }) => tell(ask)(runId, ...Object.values<unknown>(about)),
  };
  const open = async (
    isAlive: RunTakeoverOptions['isAlive'] = () => Promise.resolve(false),
    ready: RunTakeoverOptions['ready'] = () => Promise.resolve(),
  ): Promise<RunTakeover> => {
    const history = new RunTakeover({
      ...{
        journals,
        runner,
        isAlive,
        ready,
        clock,
        log: () => undefined,
        reportBug: (bug) => void bugs.push(bug),
      },
      ...{
        endOrphan: tell('endOrphan'),
        releaseFor: tell('releaseFor'),
        bringIn: (attempt, end) => {
          note('bringIn')(attempt.id, end.kind);
          return Promise.resolve(end.kind === 'succeeded' ? IN_CONFLICT : end);
        },
        endVerification: tell('endVerification'),
      },
      ...{ begun: { has: () => begunHere, add: () => undefined }, onAttached: () => undefined },
      onFailed: ({ kind }) => void failures.push(kind),
    });
    opened.push(history);
    await history.open();
    return history;
  };
  const journal = (): string =>
    readFileSync(join(root, '.todo2', 'waves', 'runs', `${RUN}.jsonl`), 'utf8');
  const folder = (): readonly string[] =>
    readdirSync(join(root, '.todo2', 'waves', 'runs', RUN)).sort();
  return {
    open,
    writeState,
    files,
    told,
    restored,
    journal,
    folder,
    bugs,
    root,
    journalsOf,
    alive,
    failures,
    live,
    now: () => clock.now(),
    renewed: () => renewed.flatMap(({ tasks }) => tasks.get(taskId('T-1'))?.decision ?? []),
  };
}

describe('a run that was not begun here', () => {
  test('and that nobody works for is left as it is: nothing is written, ended, or called interrupted', async (t) => {
    const at = await reopened(t, STORY, { begunHere: false });
    at.writeState(1, { phase: 'working', agentPid: 1234 });
    const before = [at.journal(), at.folder()];
    const history = await at.open();
    assert.deepEqual([at.journal(), at.folder()], before);
    assert.deepEqual(at.told, []);
    assert.deepEqual(at.restored, []);
    assert.deepEqual(history.elsewhere, []);
    const [run, ...others] = history.past;
    assert.deepEqual(others, []);
    // It can be looked at, and resumed by who wants to.
    assert.deepEqual([run?.runId, run?.phase, run?.stop], [RUN, 'ended', undefined]);
    assert.equal(run?.tasks.get(taskId('T-1'))?.outcome?.kind, 'unknown');
    assert.equal(run.tasks.get(taskId('T-3'))?.outcome?.kind, 'skipped');
  });

  test('is taken over where its supervisor surely lives', async (t) => {
    const at = await reopened(t, STORY, { begunHere: false });
    at.writeState(1, { phase: 'working', agentPid: 1234 });
    await at.open((state) => Promise.resolve(state.attemptNo === 1));
    assert.deepEqual([...(at.restored[0]?.attach ?? [])], ['T-1']);
  });

  test('and that has ended is shown as it ended', async (t) => {
    const story = [
      startOf(RUN, [['T-1']]),
      { kind: 'waveStarted', runId: RUN, wave: 0, at: 1 } as const,
      ...ranFor(RUN, 'T-1', { attemptNo: 1, from: 2, ms: 3, outcome: succeeded() }),
      END,
    ];
    const history = await (await reopened(t, story, { begunHere: false })).open();
    assert.equal(history.past[0]?.tasks.get(taskId('T-1'))?.outcome?.kind, 'succeeded');
  });
});

describe('an attempt that nothing shows of', () => {
  test('is told not to begin, and its task has another turn', async (t) => {
    const at = await reopened(t, STORY, { begunHere: true });
    await at.open();
    assert.ok(existsSync(at.files(1).stop) && existsSync(at.files(2).stop));
    assert.deepEqual([...(at.restored[0]?.attach ?? ['not restored'])], []);
    assert.deepEqual([...at.restored[0]!.run.tasks.values()].map(({ phase }) => phase), ['queued', 'queued', 'queued']); // prettier-ignore
  });

  test('and that began just before it was told is watched to its end before its task has another turn', async (t) => {
    const at = await reopened(t, STORY, { begunHere: true });
    at.writeState(2, { phase: 'working', agentPid: 1234 });
    // While the second one is looked at, the first one begins: it was looked at before.
    await at.open(() => {
      if (!existsSync(at.files(1).state)) at.writeState(1);
      return Promise.resolve(true);
    });
    assert.ok(existsSync(at.files(1).stop));
    assert.deepEqual([...(at.restored[0]?.attach ?? [])], ['T-1', 'T-2']);
    assert.deepEqual(
      at.told.filter((line) => line.startsWith('requeue')),
      [`requeue ${RUN} T-1`],
    );
  });

  test('and that has ended by being told so has its turn again as well', async (t) => {
    const at = await reopened(t, STORY, { begunHere: true });
    at.writeState(2, { phase: 'working', agentPid: 1234 });
    await at.open(({ attemptNo }) => {
      at.writeState(1, { phase: 'ended', end: { kind: 'stopped' } });
      return Promise.resolve(attemptNo === 2);
    });
    assert.deepEqual([...(at.restored[0]?.attach ?? [])], ['T-2']);
    assert.equal(at.restored[0]?.run.tasks.get(taskId('T-1'))?.phase, 'queued');
  });
});

test('nothing is taken over before the backlog was read', async (t) => {
  const at = await reopened(t, STORY, { begunHere: true });
  let tell: () => void = () => undefined;
  const opening = at.open(undefined, () => new Promise((resolve) => (tell = resolve)));
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.deepEqual([at.restored.length, existsSync(at.files(1).stop)], [0, false]);
  tell();
  await opening;
  assert.equal(at.restored.length, 1);
});

test('a run that cannot be taken over keeps no other one from it', async (t) => {
  const at = await reopened(t, STORY, { begunHere: true });
  const other = '20261125T023001-a1b2c4';
  const runs = join(at.root, '.todo2', 'waves', 'runs');
  mkdirSync(join(runs, other));
  writeFileSync(join(runs, `${other}.jsonl`), at.journal().replaceAll(RUN, other));
  const bug = new Error('it cannot be looked at');
  const state = { pid: SUPERVISOR, phase: 'working', agentPid: 1234 } as const;
  at.writeState(1, state);
  const history = await at.open(() => Promise.reject(bug));
  assert.deepEqual(at.bugs.splice(0), [bug]);
  assert.deepEqual(
    history.past.map(({ runId, stop }) => [runId, stop?.kind]),
    [[other, 'interrupted']],
  );
});

test('the work of an attempt that ended while no window was there is brought in, and its end is as that says', async (t) => {
  const at = await reopened(t, STORY, { begunHere: true });
  at.writeState(1, { phase: 'ended', agentPid: 1234, end: succeeded() });
  at.writeState(2, { phase: 'working', agentPid: 1235 });
  await at.open();
  assert.deepEqual(
    at.told.filter((line) => /^(?:bringIn|endOrphan)/.test(line)),
    ['bringIn T-1 succeeded', 'endOrphan', 'bringIn T-2 unknown'],
  );
  const outcome = at.restored[0]?.run.tasks.get(taskId('T-1'))?.outcome;
  assert.deepEqual(outcome, IN_CONFLICT);
});

describe('a decision about the work of a run', () => {
  const ONE = [taskId('T-1')];
  const DECIDED: WorkDecision = { kind: 'discarded', ref: 'refs/waves/discarded/t-1' };
  const OVER: readonly RunEvent[] = [
    startOf(RUN, [['T-1']]),
    { kind: 'waveStarted', runId: RUN, wave: 0, at: 1 },
    ...ranFor(RUN, 'T-1', { attemptNo: 1, from: 2, ms: 3, outcome: succeeded() }),
    END,
  ];

  test('that has ended is appended to its journal under the lead, and shown', async (t) => {
    const at = await reopened(t, OVER, { begunHere: true });
    const history = await at.open();
    const before = at.journal();
    await history.noteDecision(RUN, [], DECIDED);
    assert.equal(at.journal(), before);
    await history.noteDecision(RUN, ONE, DECIDED);
    const event = { ids: ONE, decision: DECIDED, at: at.now() };
    const line = formatEntry({ kind: 'workDecided', runId: RUN, ...event });
    assert.equal(at.journal(), `${before}${line}\n`);
    assert.deepEqual(history.past[0]?.tasks.get(ONE[0]!)?.decision, DECIDED);
    assert.deepEqual(at.renewed(), [DECIDED], 'also where the window has the run itself');
    assert.deepEqual(at.folder(), [], 'the lead was given up');
    const next = await at.journalsOf(3).read(RUN);
    assert.deepEqual(next?.state.tasks.get(ONE[0]!)?.decision, DECIDED);
  });

  test('that another window is writing to is not written, and the user is told', async (t) => {
    const at = await reopened(t, OVER, { begunHere: true });
    const history = await at.open();
    at.alive.add(3);
    assert.ok(await at.journalsOf(3).lead(RUN, () => undefined));
    const before = at.journal();
    await history.noteDecision(RUN, ONE, DECIDED);
    assert.equal(at.journal(), before);
    assert.deepEqual(at.failures.splice(0), ['writeFailed']);
  });

  test('that came with a folder and has no end is not written', async (t) => {
    const at = await reopened(t, STORY, { begunHere: false });
    const history = await at.open();
    const before = [at.journal(), at.folder()];
    await history.noteDecision(RUN, ONE, DECIDED);
    assert.deepEqual([at.journal(), at.folder()], before);
  });

  test('that goes on is left to its leader: this window, or another one', async (t) => {
    const at = await reopened(t, STORY, { begunHere: true });
    at.alive.add(3);
    const theirs = at.journalsOf(3);
    assert.ok(await theirs.lead(RUN, () => undefined));
    const history = await at.open();
    assert.equal(history.elsewhere.length, 1);
    const heard: unknown[] = [];
    const asks = theirs.onAsk(RUN, (request) => void heard.push(request));
    await history.noteDecision(RUN, ONE, DECIDED);
    await asks.look();
    assert.deepEqual(heard, [{ ask: 'noteDecision', ids: ONE, decision: DECIDED }]);

    at.live.push(...history.elsewhere);
    await history.noteDecision(RUN, ONE, DECIDED);
    assert.deepEqual(at.told, [`noteDecision ${RUN}`]);
  });
});
