import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Job, WorkEnd } from '../../src/core/ports.ts';
import type { Evidence } from '../../src/core/run/evidence.ts';
import type { AskedIsolation, MergeOutcome, RunIsolation } from '../../src/core/run/isolation.ts';
import type { RunState, TaskOutcome } from '../../src/core/run/run-events.ts';
import { taskId } from '../../src/core/task.ts';
import { type GitIsolation, isolateWith, type JudgedRun } from '../../src/wire/isolation.ts';
import type { VerifyCommand } from '../../src/core/run/agent-rules.ts';
import { WorkLog } from '../../src/agent-process/work-log.ts';
import { RunFolder } from '../../src/store/runs/run-folder.ts';
import { setupRemark, worktreeSetup } from '../../src/wire/worktree-setup.ts';
import { verifyMergedWith } from '../../src/wire/verify-merged.ts';
import { aJob } from './agent-jobs.ts';
import { repositoryRig, type Rig } from './repository-rig.ts';
import { atWork, ended, runAfter, runStarted } from './run-events.ts';

/** What every attempt of these tests has as evidence. */
export const EVIDENCE: Evidence = {
  ...{ startedAt: 1, endedAt: 2, verify: undefined, files: [], summary: 'Done.' },
  ...{ logFile: undefined, sessionId: undefined },
};

export const SUCCESS: WorkEnd = { kind: 'succeeded', status: 'Review', evidence: EVIDENCE };

export interface IsolatedRig extends Rig {
  /** As a window has it; another one is as after a reload. */
  readonly openWindow: () => GitIsolation;
  readonly isolation: GitIsolation;
  /** Of the run `r`, once it is decided. */
  readonly decided: () => RunIsolation;
  readonly start: (asked?: Partial<AskedIsolation>) => Promise<RunIsolation>;
  readonly job: (id: string, title?: string) => Job;
  readonly begin: (id: string) => Promise<string>;
  readonly end: (id: string, end?: WorkEnd) => Promise<WorkEnd>;
  /** One attempt from its beginning to its end, with these files written in its folder. */
  readonly work: (
    id: string,
    files?: Readonly<Record<string, string>>,
    end?: WorkEnd,
  ) => Promise<WorkEnd>;
  /** Merges the work of an attempt that is not over; `asks`: conflicts are to be resolved. */
  readonly merge: (
    id: string,
    asked?: { again?: boolean; asks?: boolean; signal?: AbortSignal; window?: GitIsolation },
  ) => Promise<MergeOutcome>;
  /** Judges what the run has merged, as what verifies a wave does. */
  readonly judge: <T>(judge: (folder: string) => T, window?: GitIsolation) => Promise<JudgedRun<T>>;
  /** The run with how its tasks ended. */
  readonly run: () => RunState;
  readonly logged: readonly string[];
  /** Branch, index, stash and files of the user, to the byte. */
  readonly ofUser: () => string;
}

export interface IsolatedRigOptions {
  readonly files?: Readonly<Record<string, string>>;
  /** The folder of the backlog below the top of the repository. */
  readonly below?: string;
  /** The settings. */
  readonly folder?: string;
  readonly patterns?: readonly string[];
  readonly setup?: readonly VerifyCommand[];
  /** What verifies every task. */
  readonly verify?: VerifyCommand;
  readonly allowsCursor?: boolean;
}

const RUN = 'r';
/** A run that goes on with it. */
export const RESUMED = 's';

/** A real repository, and a run whose tasks work in worktrees of it. */
export function isolatedRig(
  t: Pick<TestContext, 'after'>,
  {
    files,
    below = '',
    folder = '',
    patterns = [],
    setup = [],
    verify,
    allowsCursor = false,
  }: IsolatedRigOptions = {},
): IsolatedRig {
  const rig = repositoryRig(t, files);
  const logged: string[] = [];
  const setupParts = {
    ...{ root: join(rig.root, below), commands: () => setup, allowsCursor: () => allowsCursor },
  };
  const journals = { folder: new RunFolder(rig.root) };
  const openWindow = (): GitIsolation =>
    isolateWith({
      root: join(rig.root, below),
      folder: () => folder,
      files: () => patterns,
      earlier: (runId) => (runId === RESUMED ? [RUN] : []),
      setup: () => worktreeSetup(setupParts),
      ...(verify && {
        verifyMerged: verifyMergedWith({
          ...{
            journals,
            files: () => patterns,
            setup: () => worktreeSetup(setupParts),
            commandFor: () => verify,
          },
          log: (line) => void logged.push(line),
        }),
      }),
      setupRemark: () => setupRemark(setupParts),
      titleOf: (id) => `Title of ${id}`,
      log: (line) => logged.push(line),
    });
  const isolation = openWindow();
  const outcomes = new Map<string, TaskOutcome>();
  let decided: RunIsolation | undefined;
  const known = (): RunIsolation => {
    assert.ok(decided, 'start first');
    return decided;
  };
  const job = (id: string, title = `Title of ${id}`): Job => {
    const made = aJob({ id, title });
    return { ...made, runId: RUN, options: { ...made.options, isolation: known() } };
  };
  const begin = async (id: string): Promise<string> => {
    const begun = await isolation.begin(job(id));
    assert.ok(begun.ok, JSON.stringify(begun));
    return begun.value.path;
  };
  const end = async (id: string, given = SUCCESS): Promise<WorkEnd> => {
    const { options } = job(id);
    const came = await isolation.end({ runId: RUN, id: taskId(id), options }, given);
    if (came.kind !== 'refused') outcomes.set(id, came);
    return came;
  };
  return {
    ...rig,
    openWindow,
    isolation,
    decided: known,
    start: async (asked) => {
      const answer = await isolation.decide({
        ...{ choice: 'worktree', parallel: 4, start: 'commit', resumes: undefined, isDry: false },
        ...asked,
      });
      assert.ok(answer.ok && answer.value.isolation, JSON.stringify(answer));
      return (decided = answer.value.isolation);
    },
    job,
    begin,
    end,
    work: async (id, written = { [`${id}.txt`]: `${id}\n` }, given) => {
      const path = await begin(id);
      for (const [file, text] of Object.entries(written)) rig.write(file, text, path);
      return end(id, given);
    },
    merge: (id, { again = false, asks = true, signal, window = isolation } = {}) => {
      const { options, ...rest } = job(id);
      const attempt = { ...rest, id: taskId(id), options: { ...options, resolveConflicts: asks } };
      return window.merge(attempt, again, signal ?? new AbortController().signal);
    },
    judge: (judge, window = isolation) =>
      window.judge(
        RUN,
        known(),
        { log: new WorkLog(undefined), mark: 'x' },
        new AbortController().signal,
        (folder) => Promise.resolve(judge(folder)),
      ),
    run: () => {
      const started = { waves: [[...outcomes.keys()]], at: 0, runId: RUN, title: 'All waves' };
      const events = [...outcomes].flatMap(([id, outcome], index) => [
        ...atWork(id, index + 1, 1),
        ended(id, outcome, 2),
      ]);
      return runAfter(runStarted({ ...started, options: { isolation: known() } }), ...events, {
        kind: 'runEnded',
        at: 3,
      });
    },
    logged,
    ofUser: () => {
      const refs = rig.git('for-each-ref', 'refs/heads/main', 'refs/stash', 'refs/tags');
      const index = readFileSync(join(rig.root, '.git/index'), 'latin1');
      const head = readFileSync(join(rig.root, '.git/HEAD'), 'utf8');
      return JSON.stringify([refs, head, index, ...filesBelow(rig.root)]);
    },
  };
}

/** All files but those of Git, with their bytes. */
function filesBelow(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => name !== '.git')
    .sort()
    .flatMap((name) => {
      const path = join(folder, name);
      const stat = lstatSync(path);
      if (stat.isDirectory()) return filesBelow(path);
      const bytes = stat.isSymbolicLink() ? readlinkSync(path) : readFileSync(path, 'latin1');
      return [`${path} ${stat.mode} ${stat.mtimeMs} ${bytes}`];
    });
}
