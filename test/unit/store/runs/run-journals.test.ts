import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, test, type TestContext } from 'node:test';
import type { Failure } from '../../../../src/core/failure.ts';
import type { LeaderRequest } from '../../../../src/core/ports.ts';
import { formatEntry } from '../../../../src/core/run/journal/journal-entry.ts';
import type { RunEvent } from '../../../../src/core/run/run-events.ts';
import { applyRunEvents } from '../../../../src/core/run/journal/run-state.ts';
import { taskId } from '../../../../src/core/task.ts';
import { JournalFollower } from '../../../../src/store/runs/journal-follower.ts';
import { JournalReader } from '../../../../src/store/runs/journal-reader.ts';
import { RunFolder } from '../../../../src/store/runs/run-folder.ts';
import { RunJournals } from '../../../../src/store/runs/run-journals.ts';
import { HandClock } from '../../../support/hand-clock.ts';
import { ranFor, startOf, succeeded } from '../../../support/run-stories.ts';

const RUN = '20261125T023000-a1b2c3';
const NEVER = {
  onFailed: () => assert.fail('everything can be written'),
  onLost: () => assert.fail('nobody takes over'),
};

/** A machine with windows on one folder; each window is a process that can be ended. */
function machine(t: TestContext) {
  const base = mkdtempSync(join(tmpdir(), 'todo2-runs-'));
  t.after(() => rmSync(base, { recursive: true, force: true }));
  const root = join(base, 'shop');
  mkdirSync(join(root, '.todo2'), { recursive: true });
  const clock = new HandClock(Date.now());
  const begins = new Map<number, string>();
  const logged: string[] = [];
  const window = (pid: number, hostname = 'desk'): RunJournals => {
    begins.set(pid, `began ${pid}`);
    const journals = new RunJournals({
      ...{ root, clock, pid, log: (line) => void logged.push(line) },
      processes: { hostname, isAlive: (asked) => begins.has(asked) },
      processStartTime: (asked) => Promise.resolve(begins.get(asked)),
    });
    t.after(() => journals.dispose());
    return journals;
  };
  const runs = join(root, '.todo2', 'waves', 'runs');
  const journal = join(runs, `${RUN}.jsonl`);
  return { base, root, runs, journal, clock, begins, window, logged };
}

const STORY: readonly [RunEvent, ...RunEvent[]] = [
  startOf(RUN, [['T-1', 'T-2']]),
  { kind: 'waveStarted', runId: RUN, wave: 0, at: 1 },
  ...ranFor(RUN, 'T-1', { attemptNo: 1, from: 10, ms: 5, outcome: succeeded() }),
];
const END: RunEvent = { kind: 'runEnded', runId: RUN, at: 99 };

async function write(
  journals: RunJournals,
  events: readonly RunEvent[],
  runId = RUN,
): Promise<void> {
  const writer = journals.open(runId, NEVER);
  for (const event of events) writer.append(event);
  await writer.close();
}

describe('the journal of a run', () => {
  test('holds every event in order, one a line, for its owner alone and not for git', async (t) => {
    const { window, journal, root, runs } = machine(t);
    await write(window(1), STORY);
    assert.equal(
      readFileSync(journal, 'utf8'),
      STORY.map((event) => `${formatEntry(event)}\n`).join(''),
    );
    assert.equal(readFileSync(join(root, '.todo2', 'waves', '.gitignore'), 'utf8'), '*\n');
    if (process.platform === 'win32') return;
    for (const [file, mode] of [
      [journal, 0o600],
      [runs, 0o700],
      [join(runs, RUN), 0o700],
    ] as const) {
      assert.equal(statSync(file).mode & 0o777, mode, file);
    }
  });

  test('is enough to say what happened', async (t) => {
    const { window } = machine(t);
    const one = window(1);
    await write(one, STORY);
    const [record, ...others] = await window(2).list(10);
    assert.equal(others.length, 0);
    assert.deepEqual(record?.state, applyRunEvents(undefined, STORY));
    assert.deepEqual([record.damaged, record.lead], [0, 'other']);
    assert.equal((await one.read(RUN))?.lead, 'ours');
  });

  test('survives half a line at its end and lines that are none: they are counted, the rest counts', async (t) => {
    const { window, journal, begins } = machine(t);
    await write(window(1), STORY);
    begins.delete(1);
    appendFileSync(journal, `no event\n${formatEntry(END).slice(0, 20)}`);
    const next = window(2);
    assert.equal((await next.read(RUN))?.damaged, 2);
    await write(next, [{ kind: 'runTakenOver', runId: RUN, at: 50 }, END]);
    const record = await next.read(RUN);
    assert.deepEqual([record?.state.phase, record?.damaged], ['ended', 2]);
  });

  test('counts a last line that lacks nothing but its end, and once', async (t) => {
    const { window, journal, begins } = machine(t);
    await write(window(1), STORY);
    begins.delete(1);
    appendFileSync(journal, formatEntry(END));
    const next = window(2);
    for (let look = 0; look < 2; look++) {
      const record = await next.read(RUN);
      assert.deepEqual([record?.state.phase, record?.damaged], ['ended', 0]);
    }
  });

  test('cut anywhere, gives what the whole lines before say', async (t) => {
    const { window, journal } = machine(t);
    const bytes = Buffer.from(STORY.map((event) => `${formatEntry(event)}\n`).join(''));
    const journals = window(1);
    await journals.folder.prepare();
    const first = bytes.indexOf(10);
    for (let length = first; length <= bytes.length; length += 7) {
      writeFileSync(journal, bytes.subarray(0, length));
      const lines = bytes.toString('utf8', 0, length).split('\n');
      const isWhole = STORY.some((event) => formatEntry(event) === lines.at(-1));
      const whole = STORY.slice(0, lines.length - (isWhole ? 0 : 1)) as unknown as typeof STORY;
      assert.deepEqual((await window(2).read(RUN))?.state, applyRunEvents(undefined, whole));
      rmSync(journal);
    }
  });

  test('that cannot be written is told once, and complete again when it can be', async (t) => {
    const { window, journal, runs } = machine(t);
    const failures: Failure[] = [];
    const journals = window(1);
    await journals.folder.prepare();
    mkdirSync(journal);
    const writer = journals.open(RUN, {
      onFailed: (failure) => void failures.push(failure),
      onLost: NEVER.onLost,
    });
    for (const event of STORY) {
      writer.append(event);
      await writer.flushed();
    }
    assert.deepEqual(
      failures.map(({ kind }) => kind),
      ['writeFailed'],
    );
    rmSync(join(runs, `${RUN}.jsonl`), { recursive: true });
    writer.append(END);
    await writer.close();
    assert.deepEqual((await journals.read(RUN))?.state, applyRunEvents(undefined, [...STORY, END]));
  });

  test('is never read or written through a link, nor out of the folder', async (t) => {
    const { window, journal, base, root, runs } = machine(t);
    const outside = join(base, 'outside');
    mkdirSync(outside);
    symlinkSync(outside, join(root, '.todo2', 'waves'));
    const prepared = await window(1).folder.prepare();
    assert.equal(prepared.ok ? '' : prepared.failure.kind, 'writeFailed');
    assert.deepEqual(readdirSync(outside), []);
    rmSync(join(root, '.todo2', 'waves'));

    const journals = window(1);
    await journals.folder.prepare();
    writeFileSync(
      join(outside, 'secret.jsonl'),
      STORY.map((event) => `${formatEntry(event)}\n`).join(''),
    );
    symlinkSync(join(outside, 'secret.jsonl'), journal);
    assert.deepEqual(await journals.list(10), []);
    rmSync(journal);
    // A journal beside a link in place of the run's folder.
    writeFileSync(journal, STORY.map((event) => `${formatEntry(event)}\n`).join(''));
    symlinkSync(outside, join(runs, RUN));
    assert.deepEqual(await journals.list(10), []);
    assert.equal((await journals.ask(RUN, { ask: 'stopRun' })).ok, false);
    assert.equal(await journals.lead(RUN, NEVER.onLost), false);
    assert.deepEqual(readdirSync(outside), ['secret.jsonl']);
  });

  test('tells nothing where it speaks of another run, and files of any other name are none', async (t) => {
    const { window, runs } = machine(t);
    const journals = window(1);
    await journals.folder.prepare();
    const text = STORY.map((event) => `${formatEntry(event)}\n`).join('');
    for (const name of ['other.jsonl', '..jsonl', 'a b.jsonl', `${RUN}.json`])
      writeFileSync(join(runs, name), text);
    assert.deepEqual(await journals.list(10), []);
    assert.throws(() => journals.folder.folderOf('../x'), /Internal error/);
    assert.throws(() => journals.folder.filesOf(RUN, 0), /Internal error/);
  });

  test('is found beside files that are larger than anybody has time for', async (t) => {
    const { window, runs } = machine(t);
    const journals = window(1);
    await write(journals, STORY);
    for (let n = 0; n < 20; n++) {
      const huge = join(runs, `20270101T000000-${n}aaaaaa.jsonl`);
      writeFileSync(huge, STORY.map((event) => `${formatEntry(event)}\n`).join(''));
      truncateSync(huge, (n === 0 ? 4096 : 300) * 1024 * 1024);
    }
    const listed = await journals.list(10);
    assert.deepEqual(
      listed.map(({ runId }) => runId),
      [RUN],
    );
  });

  test('goes with its logs when enough later runs are there, but never one that has not ended', async (t) => {
    const { window, runs } = machine(t);
    const journals = window(1);
    const ids = [1, 2, 3, 4].map((n) => `20261125T02300${n}-aaaaaa`);
    for (const [index, runId] of ids.entries()) {
      const start = startOf(runId, [['T-1']]);
      await write(
        journals,
        index === 0 ? [start] : [start, { kind: 'runEnded', runId, at: 5 }],
        runId,
      );
      await journals.release(runId);
      utimesSync(join(runs, `${runId}.jsonl`), index + 1, index + 1);
    }
    assert.equal(await journals.prune(2), 1);
    const left = [ids[0]!, ids[2]!, ids[3]!];
    assert.deepEqual(readdirSync(runs).sort(), left.flatMap((id) => [id, `${id}.jsonl`]).sort());
  });

  test('takes nothing with it that somebody else put beside its logs', async (t) => {
    const { window, runs } = machine(t);
    const journals = window(1);
    await write(journals, [startOf(RUN, [['T-1']]), END]);
    await journals.release(RUN);
    const ours = [
      '1.log',
      '1.prompt.md',
      '1.state.json',
      '1.stop',
      'wave-0.log',
      'wave-0.mark',
      'asks.jsonl',
    ];
    const half = '0b0e7b0c-8e2e-4c55-9a0c-000000000000.tmp';
    for (const name of [
      ...ours,
      `1.state.json.${half}`,
      `.1.state.json.${half}`,
      `.lead.3.json.${half}`,
    ]) {
      writeFileSync(join(runs, RUN, name), '');
    }
    const flag = { pid: 1, begin: null, host: 'desk', key: 'k', left: true };
    writeFileSync(join(runs, RUN, 'lead.3.json'), JSON.stringify(flag));
    const theirs = ['notes.md', '1.log.bak', 'patches'];
    mkdirSync(join(runs, RUN, 'patches'));
    for (const name of ['notes.md', '1.log.bak', 'patches/1.log'])
      writeFileSync(join(runs, RUN, name), 'mine');
    assert.equal(await journals.prune(0), 1);
    assert.deepEqual(readdirSync(runs), [RUN]);
    assert.deepEqual(readdirSync(join(runs, RUN)).sort(), theirs.sort());
    assert.deepEqual(readdirSync(join(runs, RUN, 'patches')), ['1.log']);
  });
});

describe('the lead of a run', () => {
  test('is one window’s until its process is gone', async (t) => {
    const { window, begins } = machine(t);
    const [one, two] = [window(1), window(2)];
    assert.deepEqual(
      [await one.lead(RUN, NEVER.onLost), await two.lead(RUN, NEVER.onLost)],
      [true, false],
    );
    begins.set(1, 'another process with the same id');
    assert.equal(await two.lead(RUN, NEVER.onLost), true);
    assert.equal(await window(3).lead(RUN, NEVER.onLost), false);
  });

  test('is free at once when its window leaves, and it is known since when', async (t) => {
    const { window, clock } = machine(t);
    const [one, two] = [window(1), window(2)];
    await write(one, STORY);
    await one.leave();
    clock.jump(60_000);
    const record = await two.read(RUN);
    assert.equal(record?.lead, 'none');
    assert.ok(Math.abs((record.leaderGoneForMs ?? 0) - 60_000) < 2000);
    assert.equal(await two.lead(RUN, NEVER.onLost), true);
  });

  test('is nobody’s where a flag names any process that lives, or is of a day that is yet to come', async (t) => {
    const { window, runs, begins, clock } = machine(t);
    begins.set(77, 'began 77');
    const forged = join(runs, RUN, 'lead.1.json');
    const ahead = clock.now() / 1000 + 30 * 24 * 3600;
    for (const [flag, at] of [
      [{ pid: 77, begin: null, host: 'desk', key: 'k', left: false }, clock.now() / 1000],
      [{ pid: 77, begin: 'began 77', host: 'elsewhere', key: 'k', left: false }, ahead],
    ] as const) {
      const one = window(1);
      await one.folder.prepareRun(RUN);
      writeFileSync(forged, JSON.stringify(flag));
      utimesSync(forged, at, at);
      assert.equal(await one.lead(RUN, NEVER.onLost), true);
      await one.release(RUN);
    }
  });

  test('is kept by a window whose flag was deleted, but not by one whose place another took', async (t) => {
    const { window, runs, clock } = machine(t);
    const [one, two] = [window(1), window(2)];
    const lost: string[] = [];
    await one.lead(RUN, () => void lost.push(RUN));
    rmSync(join(runs, RUN), { recursive: true });
    await clock.turn(30_000);
    for (let tries = 0; tries < 200 && !existsSync(join(runs, RUN, 'lead.1.json')); tries++)
      await pause(5);
    assert.equal(await two.lead(RUN, NEVER.onLost), false, 'it leads still');
    assert.deepEqual(lost, []);
    rmSync(join(runs, RUN), { recursive: true });
    assert.equal(await two.lead(RUN, NEVER.onLost), true, 'while nothing shows that it does');
    for (let tries = 0; tries < 200 && lost.length === 0; tries++) {
      await clock.turn(30_000);
      await pause(5);
    }
    assert.deepEqual(lost, [RUN]);
  });

  test('leaves nothing behind when it is released', async (t) => {
    const { window, runs } = machine(t);
    const one = window(1);
    await one.lead(RUN, NEVER.onLost);
    await one.release(RUN);
    assert.deepEqual(readdirSync(join(runs, RUN)), []);
    assert.equal(await window(2).lead(RUN, NEVER.onLost), true);
  });

  test('on another machine counts as long as its leader says that it is there', async (t) => {
    const { window, clock, journal } = machine(t);
    const [here, there] = [window(1), window(1, 'attic')];
    let lost = 0;
    const writer = there.open(RUN, { onFailed: NEVER.onFailed, onLost: () => lost++ });
    writer.append(STORY[0]);
    await writer.flushed();
    for (let minute = 0; minute < 10; minute++) {
      await clock.turn(30_000);
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(await here.lead(RUN, NEVER.onLost), false);
    clock.jump(121_000); // it sleeps
    assert.equal(await here.lead(RUN, NEVER.onLost), true);
    await clock.ringNext();
    await clock.ringNext();
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(lost, 1);
    const before = readFileSync(journal, 'utf8');
    writer.append(END);
    await writer.close();
    assert.equal(readFileSync(journal, 'utf8'), before, 'who does not lead writes nothing');
  });
});

describe('a window that does not lead', () => {
  test('hears when a journal grows and when its leader is gone, and reads on from where it was', async (t) => {
    const { window, begins, clock, root } = machine(t);
    const [one, two] = [window(1), window(2)];
    const writer = one.open(RUN, NEVER);
    const changes: string[] = [];
    await one.folder.prepare();
    const follower = new JournalFollower({
      ...{
        folder: new RunFolder(root),
        clock,
        leads: () => false,
        onChange: (runId) => void changes.push(runId),
      },
      leaderOf: async (runId) => {
        const record = await two.read(runId);
        return { lead: record?.lead ?? 'none', goneForMs: undefined };
      },
    });
    t.after(() => follower.dispose());
    await follower.look();
    writer.append(STORY[0]);
    await writer.flushed();
    await follower.look();
    assert.ok(changes.length >= 1 && changes.every((each) => each === RUN));
    assert.equal((await two.read(RUN))?.state.tasks.get(taskId('T-1'))?.phase, 'queued');
    for (const event of STORY.slice(1)) writer.append(event);
    await writer.flushed();
    assert.equal((await two.read(RUN))?.state.tasks.get(taskId('T-1'))?.phase, 'ended');
    await follower.look();
    const before = changes.length;
    await follower.look();
    assert.equal(changes.length, before, 'nothing is new');
    begins.delete(1);
    await follower.look();
    assert.equal(changes.length, before + 1);
  });

  test('has its wishes heard by the leader, each once and in order, and no text that is none', async (t) => {
    const { window, runs, clock } = machine(t);
    const [one, two] = [window(1), window(2)];
    await one.lead(RUN, NEVER.onLost);
    const file = join(runs, RUN, 'asks.jsonl');
    const now = clock.now();
    const lines = [
      '{"at":1,"ask":"stopRun"}',
      `{"at":${now},"ask":"stopTask"}`,
      `{"at":${now},"ask":"stopTask","id":7}`,
      `{"at":${now},"ask":"explode"}`,
      'nonsense',
      `{"at":${now},"ask":"st`,
    ];
    writeFileSync(file, lines.join('\n'));
    const heard: LeaderRequest[] = [];
    const asks = one.onAsk(RUN, (request) => void heard.push(request));
    await asks.look();
    const wishes: readonly LeaderRequest[] = [
      { ask: 'pause' },
      { ask: 'stopTask', id: taskId('T-1') },
      { ask: 'requeue', id: taskId('T-"2\n') },
      { ask: 'stopWave', wave: 1 },
      { ask: 'goOn' },
      { ask: 'stopRun' },
    ];
    for (const wish of wishes) {
      assert.equal((await two.ask(RUN, wish)).ok, true);
      await asks.look();
    }
    await asks.look();
    assert.deepEqual(heard, wishes);
    await one.release(RUN);
    await two.ask(RUN, { ask: 'pause' });
    await asks.look();
    assert.deepEqual(heard, wishes, 'who does not lead any more does nothing');
  });
});

test(
  'a wish is not written into a pipe, which would be waited for',
  { skip: process.platform === 'win32' },
  async (t) => {
    const { window, runs } = machine(t);
    const journals = window(1);
    await journals.folder.prepareRun(RUN);
    execFileSync('mkfifo', [join(runs, RUN, 'asks.jsonl')]);
    assert.equal((await journals.ask(RUN, { ask: 'stopRun' })).ok, false);
  },
);

test('files of an attempt are numbered, in the folder of their run', (t) => {
  const { window, runs } = machine(t);
  assert.deepEqual(window(1).folder.filesOf(RUN, 3), {
    prompt: join(runs, RUN, '3.prompt.md'),
    followUp: join(runs, RUN, '3.follow-up.md'),
    resolve: join(runs, RUN, '3.resolve.md'),
    resolveAnew: join(runs, RUN, '3.resolve-anew.md'),
    answer: join(runs, RUN, '3.answer'),
    log: join(runs, RUN, '3.log'),
    state: join(runs, RUN, '3.state.json'),
    stop: join(runs, RUN, '3.stop'),
  });
  assert.equal(existsSync(runs), false, 'asking makes nothing');
});

test('a long journal is read in pieces, and other work goes on meanwhile', async (t) => {
  const { journal, runs } = machine(t);
  mkdirSync(runs, { recursive: true });
  const start = startOf(RUN, [['T-1']]);
  const later = ranFor(RUN, 'T-1', { attemptNo: 1, from: 1, ms: 1, outcome: succeeded() });
  const line = `${formatEntry({ ...later[0]!, id: taskId(`T-${'1'.repeat(900)}`) } as RunEvent)}\n`;
  const [begin, end] = [
    `${formatEntry(start)}\n`,
    later.map((each) => `${formatEntry(each)}\n`).join(''),
  ];
  writeFileSync(journal, begin + line.repeat(4_000) + 'x'.repeat(600_000) + '\n' + end);
  let turns = 0;
  const ticking = setInterval(() => turns++, 0);
  const reader = new JournalReader(journal, RUN);
  const read = await reader.read();
  clearInterval(ticking);
  assert.ok(read?.state !== undefined);
  assert.deepEqual([read.damaged, read.state.tasks.get(taskId('T-1'))?.phase], [1, 'ended']);
  assert.ok(turns >= 5, `${turns} turns of the event loop for 4 MB`);
  // What is appended later is all that is read then.
  appendFileSync(journal, 'torn');
  assert.equal((await reader.read())?.damaged, 2);
  assert.deepEqual((await reader.read())?.state, read.state);
});
