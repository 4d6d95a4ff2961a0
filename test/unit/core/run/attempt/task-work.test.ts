import assert from 'node:assert/strict';
import test from 'node:test';
import type { Failure } from '../../../../../src/core/failure.ts';
import type { AgentEnd, Claim, WorkEnd } from '../../../../../src/core/ports.ts';
import { fail, ok, type Result } from '../../../../../src/core/result.ts';
import type { VerifyResult } from '../../../../../src/core/run/evidence.ts';
import { LeaseKeeper } from '../../../../../src/core/lease/lease-keeper.ts';
import {
  workOnTask,
  type AgentReport,
  type AgentVerdict,
  type Ending,
  type MergeAnswer,
  type WorkWorld,
} from '../../../../../src/core/run/attempt/task-work.ts';
import { taskId, type Status } from '../../../../../src/core/task.ts';
import { HandClock, settle } from '../../../../support/hand-clock.ts';

const ID = taskId('T-1');
const HOLDER = 'custom-here-1';

const ended = (exitCode: number | undefined, signal?: string): AgentEnd => ({
  kind: 'exited',
  exitCode,
  signal,
});

function report(end: AgentEnd, more: Partial<AgentReport> = {}): AgentReport {
  const isGood = end.kind === 'exited' && end.exitCode === 0 && end.signal === undefined;
  return {
    end,
    judge: () => (isGood ? { kind: 'succeeded' } : { kind: 'failed', reason: undefined }),
    lastSaid: undefined,
    sessionId: undefined,
    remarks: [],
    ...more,
  };
}

const judged = (verdict: AgentVerdict): Partial<AgentReport> => ({ judge: () => verdict });

/** An agent that resolves as a test says, or as stopped when it is told to end. */
class Agent {
  readonly #resolvers: ((report: AgentReport) => void)[] = [];
  signal: AbortSignal | undefined;

  readonly run = (signal: AbortSignal, onStarted: () => void): Promise<AgentReport> => {
    this.signal = signal;
    onStarted();
    return new Promise((resolve) => {
      this.#resolvers.push(resolve);
      const stop = (): void => resolve(report({ kind: 'stopped' }));
      signal.addEventListener('abort', stop);
      if (signal.aborted) stop();
    });
  };

  end(with_: AgentReport): void {
    for (const resolve of this.#resolvers) resolve(with_);
  }
}

interface Setup {
  readonly statusOnSuccess?: 'Review' | 'Done';
  readonly claim?: () => Promise<Result<Claim, Failure>>;
  /** The status of the task as the end of the work finds it; In Progress is moved. */
  readonly status?: Status;
  readonly finish?: () => Promise<Result<Status, Failure>>;
  readonly verify?: (signal: AbortSignal) => Promise<VerifyResult>;
  readonly touchedFiles?: () => Promise<readonly string[]>;
  /** Whether its work is merged by a window, which answers so, one after the other. */
  readonly merge?: readonly MergeAnswer[];
  readonly resolve?: WorkWorld['resolve'];
}

function begin(setup: Setup = {}) {
  const clock = new HandClock();
  const agent = new Agent();
  const answers = setup.merge && [...setup.merge];
  const bugs: unknown[] = [];
  const phases: string[] = [];
  const endings: Ending[] = [];
  const comments: string[] = [];
  let locked = false;
  const keeper = new LeaseKeeper({
    locks: { renew: (ids) => Promise.resolve(ok({ renewed: ids, until: 0, lost: [] })) },
    ...{ clock, leaseMs: () => 60_000, reportBug: (error) => void bugs.push(error) },
  });
  const world: WorkWorld = {
    locks: {
      claim: async () => {
        const claimed = await (setup.claim?.() ??
          Promise.resolve(
            ok({ id: ID, holder: HOLDER, since: 0, until: 0, fresh: true, version: 2 }),
          ));
        locked = claimed.ok;
        return claimed;
      },
      release: async (_, ending) => {
        endings.push(ending);
        const finished = await (setup.finish?.() ??
          Promise.resolve(ok(statusAfter(setup.status, ending))));
        if (finished.ok) {
          locked = false;
          const comment = ending.comment?.(finished.value);
          if (comment !== undefined) comments.push(comment);
        }
        return finished;
      },
    },
    ...{ keeper, clock, agent: agent.run, verify: setup.verify },
    merge: answers && (() => Promise.resolve(answers.shift() ?? 'unknown')),
    resolve: setup.resolve,
    touchedFiles: setup.touchedFiles ?? (() => Promise.resolve(['src/a.ts'])),
    logFile: 'runs/1.log',
    reportBug: (error) => void bugs.push(error),
  };
  const stop = new AbortController();
  let started = 0;
  const end = workOnTask(
    {
      ...{
        id: ID,
        options: { leaseMs: 60_000, statusOnSuccess: setup.statusOnSuccess ?? 'Review' },
        label: 'Agent',
      },
      ...{
        stop: stop.signal,
        onPhase: (phase: string) => void phases.push(phase),
        onStarted: () => (started += 1),
      },
    },
    world,
  );
  return {
    ...{ clock, agent, bugs, phases, endings, comments, keeper, end },
    stop: () => stop.abort(),
    isLocked: () => locked,
    started: () => started,
  };
}

function statusAfter(status: Status = 'In Progress', { to, overrules }: Ending): Status {
  if (status === 'In Progress') return to;
  return overrules && (status === 'Review' || status === 'Done') ? to : status;
}

const passed: VerifyResult = {
  command: 'npm test',
  passed: true,
  exitCode: 0,
  durationMs: 5,
  tail: '',
};
const red: VerifyResult = { ...passed, passed: false, exitCode: 1, tail: 'red' };

/** The end as `kind detail → where the task was sent`. */
async function outcomeOf(with_: AgentReport, setup: Setup = {}): Promise<string> {
  const work = begin(setup);
  await settle();
  work.agent.end(with_);
  const end = await work.end;
  assert.equal(work.isLocked(), false);
  assert.deepEqual(work.keeper.held, []);
  assert.deepEqual(work.bugs, []);
  assert.equal(work.endings.length, 1);
  assert.equal(work.comments.length, end.kind === 'succeeded' || end.kind === 'failed' ? 1 : 0);
  return `${words(end)} → ${work.endings[0]!.to}`;
}

function words(end: WorkEnd): string {
  switch (end.kind) {
    case 'succeeded':
      return `succeeded ${end.status}`;
    case 'failed':
      return `failed ${end.cause.kind}`;
    default:
      return end.kind;
  }
}

const limit = { retryAfterMs: 5, detail: 'usage limit' };
const cases: readonly [name: string, report: AgentReport, setup: Setup, expected: string][] = [
  ['exit code 0 goes to Review', report(ended(0)), {}, 'succeeded Review → Review'],
  ['another exit code is a failure', report(ended(2)), {}, 'failed exit → Todo'],
  ['a signal is a failure', report(ended(undefined, 'SIGKILL')), {}, 'failed exit → Todo'],
  [
    'an exit code that nobody knows is a failure',
    report(ended(undefined)),
    {},
    'failed exit → Todo',
  ],
  [
    'a verdict contradicts exit code 0',
    report(ended(0), judged({ kind: 'failed', reason: 'no' })),
    {},
    'failed said → Todo',
  ],
  [
    'a rate limit explains a bad end',
    report(ended(1), judged({ kind: 'rateLimited', ...limit })),
    {},
    'rateLimited → Todo',
  ],
  [
    'a time limit is a failure',
    report(ended(0), judged({ kind: 'tooLong', limitMs: 5 })),
    {},
    'failed timeLimit → Todo',
  ],
  [
    'an end that nobody saw is unknown',
    report({ kind: 'stopped' }, { unseen: 'gone' }),
    {},
    'unknown → Todo',
  ],
  [
    'Done needs evidence',
    report(ended(0)),
    { statusOnSuccess: 'Done' },
    'succeeded Review → Review',
  ],
  [
    'Done with evidence',
    report(ended(0)),
    { statusOnSuccess: 'Done', verify: () => Promise.resolve(passed) },
    'succeeded Done → Done',
  ],
  [
    'what is verified may go to Review',
    report(ended(0)),
    { verify: () => Promise.resolve(passed) },
    'succeeded Review → Review',
  ],
  [
    'what does not pass has failed',
    report(ended(0)),
    { verify: () => Promise.resolve(red) },
    'failed verify → Todo',
  ],
  ['the agent set Done itself', report(ended(0)), { status: 'Done' }, 'succeeded Done → Review'],
  [
    'the agent set Done itself, against the evidence',
    report(ended(0)),
    { status: 'Done', verify: () => Promise.resolve(red) },
    'failed verify → Todo',
  ],
  ['somebody put it aside', report(ended(0)), { status: 'Blocked' }, 'failed said → Review'],
  ['somebody called it off', report(ended(0)), { status: 'Cancelled' }, 'failed said → Review'],
  ['somebody put it back', report(ended(0)), { status: 'Todo' }, 'failed said → Review'],
];

for (const [name, with_, setup, expected] of cases) {
  test(`an agent's end: ${name}`, async () => {
    assert.equal(await outcomeOf(with_, setup), expected);
  });
}

test('an agent that could not be started gives the task back', async () => {
  const failure: Failure = { kind: 'agentNotStarted', command: 'x', detail: 'ENOENT' };
  assert.equal(await outcomeOf(report({ kind: 'notStarted', failure })), 'notStarted → Todo');
});

test('the phases come once each, in order, and the evidence tells of all of them', async () => {
  const work = begin({ verify: () => Promise.resolve(passed) });
  await settle();
  await work.clock.turn(3000);
  work.agent.end(report(ended(0), { lastSaid: ' I did it. ', sessionId: 's-1' }));
  const end = await work.end;
  assert.deepEqual(work.phases, ['claiming', 'working', 'verifying', 'recording']);
  assert.equal(work.started(), 1);
  assert(end.kind === 'succeeded');
  assert.deepEqual(end.evidence, {
    ...{ startedAt: 1_000_000, endedAt: 1_003_000, verify: passed, files: ['src/a.ts'] },
    ...{ summary: 'I did it.', logFile: 'runs/1.log', sessionId: 's-1' },
  });
  assert.match(
    work.comments[0]!,
    /Took 3 s[^]*Verified by `npm test`: passed[^]*`src\/a\.ts`[^]*```text\nI did it\.\n```/,
  );
});

test('a claim that is refused starts nothing', async () => {
  const failure: Failure = { kind: 'held', id: ID, holder: 'other', until: 1 };
  const work = begin({ claim: () => Promise.resolve(fail(failure)) });
  assert.deepEqual(await work.end, { kind: 'refused', failure });
  assert.deepEqual([work.endings, work.started()], [[], 0]);
});

test('a stop during the claim gives the task back without starting anything', async () => {
  let grant: (claim: Result<Claim, Failure>) => void = () => undefined;
  const work = begin({ claim: () => new Promise((resolve) => (grant = resolve)) });
  work.stop();
  grant(ok({ id: ID, holder: HOLDER, since: 0, until: 0, fresh: true, version: 2 }));
  assert.deepEqual(await work.end, { kind: 'stopped' });
  assert.deepEqual([work.isLocked(), work.started()], [false, 0]);
});

const USED = { inputTokens: 10, outputTokens: 2, costUsd: 0.5 };

test('what an agent used stands in the evidence, and in its result', async () => {
  const work = begin();
  await settle();
  work.agent.end(report(ended(0), { usage: USED }));
  const end = await work.end;
  assert(end.kind === 'succeeded');
  assert.deepEqual(end.evidence?.usage, USED);
  assert.match(work.comments[0] ?? '', /^- Used 12 tokens · \$0\.50$/m);
});

test('what an agent used is kept where the work ends without evidence', async () => {
  const limit = { kind: 'rateLimited', retryAfterMs: undefined, detail: 'later' } as const;
  const limited = begin();
  await settle();
  limited.agent.end(report(ended(1), { ...judged(limit), usage: USED }));
  assert.deepEqual(await limited.end, { ...limit, usage: USED });

  const stopped = begin();
  await settle();
  stopped.agent.end(report({ kind: 'stopped' }, { usage: USED }));
  assert.deepEqual(await stopped.end, { kind: 'stopped', usage: USED });

  const failure = { kind: 'writeFailed', file: 'todo2.db', detail: 'full' } as const;
  const lost = begin({ finish: () => Promise.resolve(fail(failure)) });
  await settle();
  lost.agent.end(report(ended(0), { usage: USED }));
  assert.deepEqual(await lost.end, { kind: 'notRecorded', exitCode: 0, failure, usage: USED });
});

test('a stop while a command verifies ends that command, and the work counts as stopped', async () => {
  let seen: AbortSignal | undefined;
  const verify = (signal: AbortSignal): Promise<VerifyResult> => {
    seen = signal;
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve(red)));
  };
  const work = begin({ verify });
  await settle();
  work.agent.end(report(ended(0)));
  await settle();
  work.stop();
  assert.deepEqual(await work.end, { kind: 'stopped' });
  assert.equal(seen?.aborted, true);
  assert.equal(work.endings[0]?.to, 'Todo');
});

test('a lock that is lost ends the agent, and the task is left alone', async () => {
  const work = begin();
  await settle();
  work.keeper.lose(ID, 'thief');
  assert.deepEqual(await work.end, { kind: 'lockLost', holder: 'thief' });
  assert.equal(work.agent.signal?.aborted, true);
  assert.deepEqual(work.endings, []);
});

test('the lease is kept until the end is written down', async () => {
  let write: (status: Result<Status, Failure>) => void = () => undefined;
  const work = begin({ finish: () => new Promise((resolve) => (write = resolve)) });
  await settle();
  work.agent.end(report(ended(0)));
  await settle();
  assert.deepEqual(work.phases.at(-1), 'recording');
  assert.deepEqual(work.keeper.held, [ID]);
  write(ok('Review'));
  await work.end;
  assert.deepEqual(work.keeper.held, []);
});

test('an end that cannot be written down is said to be so', async () => {
  const failure: Failure = { kind: 'busy', file: 'x', waitedMs: 600_000 };
  const work = begin({ finish: () => Promise.resolve(fail(failure)) });
  await settle();
  work.agent.end(report(ended(0)));
  assert.deepEqual(await work.end, { kind: 'notRecorded', exitCode: 0, failure });
});

test('a bug on the way is reported, ends the agent and gives the claim back', async () => {
  const work = begin({ touchedFiles: () => Promise.reject(new Error('a bug')) });
  await settle();
  work.agent.end(report(ended(0)));
  const end = await work.end;
  assert(end.kind === 'notRecorded' && end.failure.kind === 'internal');
  assert.equal(work.isLocked(), false);
  assert.equal(work.bugs.length, 1);
  assert.deepEqual(work.keeper.held, []);
});

const resolving =
  (with_: AgentReport): NonNullable<WorkWorld['resolve']> =>
  () =>
    Promise.resolve(with_);
const passing = (): Promise<VerifyResult> => Promise.resolve(passed);

const merges: readonly [
  name: string,
  setup: Setup,
  end: WorkEnd['kind'],
  to: Ending['to'],
  phases: string,
][] = [
  ['work is done once it is merged', { merge: ['merged'] }, 'succeeded', 'Done', 'merging'],
  ['work in conflict is never done', { merge: ['conflict'] }, 'conflict', 'Review', 'merging'],
  ['work without an answer is in Review', { merge: [] }, 'succeeded', 'Review', 'merging'],
  ['work that is not merged after a stop', { merge: ['stopped'] }, 'stopped', 'Todo', 'merging'],
  [
    'an agent that resolves its conflict is merged again',
    { merge: ['resolve', 'merged'], resolve: resolving(report(ended(0))) },
    ...(['succeeded', 'Done', 'merging resolving mergingAgain'] as const),
  ],
  [
    'a second conflict stays one',
    { merge: ['resolve', 'conflict'], resolve: resolving(report(ended(0))) },
    ...(['conflict', 'Review', 'merging resolving mergingAgain'] as const),
  ],
  [
    'an agent that fails to resolve its conflict leaves it',
    { merge: ['resolve', 'merged'], resolve: resolving(report(ended(1))) },
    ...(['conflict', 'Review', 'merging resolving'] as const),
  ],
  [
    'a provider that refuses leaves the conflict',
    {
      merge: ['resolve', 'merged'],
      resolve: resolving(
        report(ended(0), judged({ kind: 'rateLimited', retryAfterMs: 1, detail: '' })),
      ),
    },
    ...(['conflict', 'Review', 'merging resolving'] as const),
  ],
];
for (const [name, setup, kind, to, phases] of merges)
  test(name, async () => {
    const work = begin({ ...setup, statusOnSuccess: 'Done', verify: passing });
    await settle();
    work.agent.end(report(ended(0)));
    const end = await work.end;
    assert.equal(end.kind, kind);
    assert.deepEqual(
      work.endings.map((ending) => ending.to),
      [to],
    );
    const before = phases.split(' ').join();
    assert.equal(work.phases.join(), `claiming,working,verifying,${before},recording`);
    if (kind === 'conflict')
      assert.match(work.comments[0] ?? '', /^\*\*Not merged\*\*, now Review/);
    assert.deepEqual(work.bugs, []);
  });

test('the lock is kept while an agent resolves a conflict, and what it used is added', async () => {
  const usage = { inputTokens: 10, outputTokens: 1, costUsd: undefined };
  const agent = new Agent();
  const work = begin({ merge: ['resolve', 'merged'], resolve: agent.run });
  await settle();
  work.agent.end(report(ended(0), { usage, sessionId: 's-1' }));
  await settle();
  assert.equal(work.phases.at(-1), 'resolving');
  assert.ok(work.isLocked());
  agent.end(report(ended(0), { usage, sessionId: 's-2' }));
  const end = await work.end;
  assert.ok(end.kind === 'succeeded');
  assert.deepEqual(end.evidence?.usage, { ...usage, inputTokens: 20, outputTokens: 2 });
  assert.equal(end.evidence.sessionId, 's-2');
});

test('a stop while an agent resolves a conflict ends the agent, and the task is back at Todo', async () => {
  const agent = new Agent();
  const work = begin({ merge: ['resolve', 'merged'], resolve: agent.run });
  await settle();
  work.agent.end(report(ended(0)));
  await settle();
  work.stop();
  assert.equal((await work.end).kind, 'stopped');
  assert.deepEqual(
    work.endings.map((ending) => ending.to),
    ['Todo'],
  );
  assert.ok(!work.phases.includes('mergingAgain'));
});
