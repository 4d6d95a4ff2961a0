import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { problemsWith } from '../../../../src/agent-api/schema.ts';
import { type Analysis, analyse, analysisJson } from '../../../../src/core/analysis/analysis.ts';
import { leastMakespans } from '../../../../src/core/analysis/least-makespan.ts';
import { simulateMakespan } from '../../../../src/core/analysis/simulate.ts';
import { askWhatIf } from '../../../../src/core/analysis/what-if.ts';
import { dryRun } from '../../../../src/core/run/engine/dry-run.ts';
import type { Candidate } from '../../../../src/core/run/engine/scheduler.ts';
import { taskId, type Task } from '../../../../src/core/task.ts';
import { analysisDocument } from '../../../../src/ui/analysis-document.ts';
import { task, tasks } from '../../../support/backlog.ts';
import { TASK_ANALYSIS } from '../../../support/exarp-schemas.ts';
import { fakeBacklog } from '../../../support/fake-backlog.ts';
import { assertGolden } from '../../../support/golden.ts';
import { settle } from '../../../support/hand-clock.ts';
import { RunRig } from '../../../support/run-rig.ts';

function analysed(backlog: readonly Task[]): Analysis {
  const analysis = analyse(fakeBacklog({ tasks: backlog }));
  assert.ok(analysis);
  return analysis;
}

const HARBOUR: readonly Task[] = [
  task('T-1', {
    ...{ title: 'Lay the keel', priority: 'critical', status: 'In Progress', estimatedHours: 2 },
    description: '- Update: src/hull.ts',
  }),
  task('T-2', {
    title: 'Order | sails',
    priority: 'high',
    description: '- Update: src/sails.ts',
    estimatedHours: 1,
  }),
  task('T-3', { title: 'Dye the sails', priority: 'high', description: '- Modify: src/sails.ts' }),
  task('T-4', {
    title: 'Plank the hull',
    dependencies: ['T-1'],
    estimatedHours: 6,
    status: 'In Progress',
  }),
  task('T-5', { title: 'Paint', description: 'Files: src/hull.ts' }),
  task('T-6', {
    title: 'Launch',
    dependencies: ['T-4', 'T-2', 'T-404'],
    tags: ['sea'],
    estimatedHours: 1,
  }),
  task('T-7', { title: 'Egg', dependencies: ['T-8'] }),
  task('T-8', { title: 'Chicken', dependencies: ['T-7'] }),
  task('T-9', { title: 'Draw', status: 'Done' }),
];

test('the analysis of a small backlog is as the golden files have it', async () => {
  const analysis = analysed(HARBOUR);
  await assertGolden('analysis.md', analysisDocument('harbour', analysis));
  await assertGolden('analysis.json', `${JSON.stringify(analysisJson(analysis), undefined, 2)}\n`);
});

test('the same tasks in another order give the same analysis', () => {
  const [one, other] = [analysed(HARBOUR), analysed([...HARBOUR].reverse())];
  assert.equal(analysisDocument('x', one), analysisDocument('x', other));
  const graph = (analysis: Analysis) => {
    const { dependencies, ...rest } = analysisJson(analysis);
    return { ...rest, dependencies: { ...dependencies, dependency_graph: undefined } };
  };
  assert.deepEqual(graph(one), graph(other));
});

test('every part of the JSON has the shape of exarp-go’s action, whatever the backlog', () => {
  const ids = ['T-1', 'T-2', 'T-3', 'T-4', 'gone', '__proto__'];
  const anyTask = fc.record({
    id: fc.constantFrom(...ids),
    status: fc.constantFrom('Todo', 'In Progress', 'Review', 'Done', 'Unknown' as const),
    priority: fc.constantFrom('critical', 'medium', 'other' as const),
    dependencies: fc.array(fc.constantFrom(...ids), { maxLength: 3 }),
    description: fc.constantFrom('', '- Update: a.ts', 'Files: a.ts, b.ts'),
    tags: fc.array(fc.string(), { maxLength: 2 }),
  });
  fc.assert(
    fc.property(fc.uniqueArray(anyTask, { selector: ({ id }) => id, maxLength: 5 }), (fields) => {
      const backlog = fields.map(({ id, ...rest }) => task(id, rest));
      const json = JSON.parse(JSON.stringify(analysisJson(analysed(backlog)))) as Record<
        string,
        unknown
      >;
      for (const [action, schema] of Object.entries(TASK_ANALYSIS)) {
        assert.deepEqual(problemsWith(schema, json[action]), [], action);
        assert.equal((json[action] as { action: string }).action, action);
      }
    }),
  );
});

test('an empty backlog has an analysis, without a graph and without times', () => {
  const analysis = analysed([]);
  assert.equal(analysis.whatIf, undefined);
  assert.equal(analysisDocument('shop', analysis), '# Analysis: shop\n\nNothing is open.\n');
});

test('the graph of a large backlog is cut, says so, and keeps the longest chain', () => {
  const chain = Array.from({ length: 20 }, (_, n) =>
    task(`C-${n}`, n === 0 ? {} : { dependencies: [`C-${n - 1}`] }),
  );
  const wide = Array.from({ length: 500 }, (_, n) => task(`T-${n}`));
  const text = analysisDocument('shop', analysed([...wide, ...chain]));
  assert.match(text, /first tasks of the waves: 60 of 520\./);
  const graph = /```mermaid\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
  assert.equal(graph.match(/^ {4}n\d+\[/gm)?.length, 60);
  assert.equal(graph.match(/==>/g)?.length, 19);
});

test('no text of a backlog gets out of its place in the report', () => {
  const nasty =
    'end"]; click n0 call x() %%{init}%% ```\n# Out <img src=x> [a](command:rm) | $(flame)';
  const backlog = [
    task(nasty, { title: nasty }),
    task('T-2', { title: nasty, dependencies: [nasty], description: '`a|b`' }),
  ];
  const text = analysisDocument(nasty, analysed(backlog));
  const outside = text.replace(/^```mermaid\n[\s\S]*?\n```$/m, '');
  assert.notEqual(outside, text);
  assert.doesNotMatch(outside, /^# Out|<img|(?<!\\)\]\(|`{3}|\$\(/m);
  const graph = /```mermaid\n([\s\S]*?)\n```/.exec(text)?.[1] ?? '';
  for (const line of graph.split('\n').slice(1)) {
    assert.match(
      line,
      /^ {2}(?: {2}n\d+\["[^"<>`%{};]*(?:#\d+;[^"<>`%{};]*)*"\]|subgraph w\d+\["Wave \d+"\]|end|n\d+ (?:==>|-->) n\d+)$/,
    );
  }
});

test('what is at work is told apart from what would collide if it started', () => {
  const { conflicts, wouldCollide, found } = analysed([
    ...tasks('~a', '~b < a', 'c'),
    task('d', { status: 'In Progress', description: '- Update: x.ts' }),
    task('e', { description: '- Update: x.ts' }),
  ]);
  assert.deepEqual(conflicts.overlaps, [{ id: 'b', on: 'a' }]);
  assert.deepEqual(conflicts.files, []);
  assert.deepEqual(wouldCollide, [{ id: 'e', with: 'd', files: ['x.ts'] }]);
  assert.deepEqual(found.sharedFiles, [{ wave: 0, ids: ['d', 'e'], files: ['x.ts'] }]);
});

function candidates(text: string): readonly Candidate[] {
  return text.split(' | ').flatMap((wave, n) =>
    wave.split(', ').map((each) => {
      const [, id = '', weight = '', dependencies = ''] =
        /^(\w+) (\d+)(?: < (.*))?$/.exec(each) ?? [];
      return {
        ...{ id: taskId(id), wave: n, weight: Number(weight), rank: 2, agent: 'claude', files: [] },
        dependencies: dependencies.split(' ').filter(Boolean).map(taskId),
      };
    }),
  );
}

const FLOW = { runMode: 'flow', agentCaps: [] } as const;
const STRICT = { runMode: 'strict', agentCaps: [] } as const;

test('what-if says how long for each cap, and which task to shorten', () => {
  const work = candidates('a 100, b 40, c 40 | d 60 < a, e 10 < b');
  const { caps, chain, toShorten } = askWhatIf(work, FLOW, { cap: 3, basis: '' });
  assert.deepEqual(
    caps.map(({ cap, ms }) => `${cap}: ${ms}`),
    ['1: 250', '2: 160', '3: 160', '4: 160', '8: 160'],
  );
  assert.deepEqual(
    chain.map(({ id }) => id),
    ['a', 'd'],
  );
  assert.deepEqual(toShorten, { id: 'a', ms: 100, savesMs: 50 });
});

test('where waves wait for each other, the longest task of a wave may be the one to shorten although nothing waits for it', () => {
  const work = candidates('a 10, lone 100 | b 10 < a');
  assert.deepEqual(askWhatIf(work, STRICT, { cap: 4, basis: '' }).toShorten, {
    id: 'lone',
    ms: 100,
    savesMs: 50,
  });
});

test('nothing is advised where no task alone makes a difference', () => {
  const work = candidates('a 10, b 10');
  assert.equal(askWhatIf(work, FLOW, { cap: 2, basis: '' }).toShorten, undefined);
});

test('a kind of agent with a cap of its own holds up only its own tasks, and a person takes no slot', () => {
  const kinds = ['claude', 'claude', 'codex', 'human'];
  const work = candidates('a 10, b 10, c 10, d 30').map((each, n) => ({
    ...each,
    agent: kinds[n] ?? '',
  }));
  assert.equal(simulateMakespan(work, { runMode: 'flow', agentCaps: [['claude', 1]] }, 2), 30);
  assert.equal(
    simulateMakespan(work.slice(0, 3), { runMode: 'flow', agentCaps: [['claude', 1]] }, 2),
    20,
  );
  assert.equal(simulateMakespan(work.slice(0, 3), { runMode: 'flow', agentCaps: [] }, 3), 10);
});

test('what takes at least is never above what a simulation takes, and not far below where there are many tasks', () => {
  const anyWork = fc.array(
    fc.record({
      weight: fc.integer({ min: 1, max: 50 }),
      wave: fc.nat(2),
      on: fc.option(fc.nat(30)),
      kind: fc.nat(2),
    }),
    { minLength: 1, maxLength: 30 },
  );
  const kinds = ['claude', 'codex', 'human'];
  fc.assert(
    fc.property(
      anyWork,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom('strict', 'flow' as const),
      (specs, cap, runMode) => {
        const sorted = specs.toSorted((a, b) => a.wave - b.wave);
        const work = sorted.map(({ weight, wave, on, kind }, n): Candidate => {
          const before = sorted.slice(0, n).filter((each) => each.wave < wave).length;
          return {
            ...{ id: taskId(`t${n}`), wave, weight, rank: 2, agent: kinds[kind] ?? '', files: [] },
            dependencies: on === null || before === 0 ? [] : [taskId(`t${on % before}`)],
          };
        });
        const options = { runMode, agentCaps: [['codex', 1]] } as const;
        const chain = askWhatIf(work, options, { cap, basis: '' }).chain.reduce(
          (sum, { ms }) => sum + ms,
          0,
        );
        assert.ok(
          (leastMakespans(work, options, [cap], chain)[0] ?? 0) <=
            simulateMakespan(work, options, cap) + 1e-9,
        );
      },
    ),
  );
});

test('a very large backlog is reckoned, says so, and is close to what a simulation says', () => {
  const work = Array.from({ length: 5_001 }, (_, n): Candidate => ({
    ...{
      id: taskId(`t${n}`),
      wave: 0,
      weight: 1 + (n % 7),
      rank: 2,
      agent: 'claude',
      files: [],
      dependencies: [],
    },
  }));
  const reckoned = askWhatIf(work, FLOW, { cap: 4, basis: '' });
  assert.deepEqual([reckoned.method, reckoned.toShorten], ['reckoned', undefined]);
  for (const { cap, ms } of reckoned.caps) {
    const simulated = simulateMakespan(work, FLOW, cap);
    assert.ok(ms <= simulated && simulated - ms < 14, `${cap} agents: ${ms} of ${simulated}`);
  }
  assert.equal(askWhatIf(work.slice(1), FLOW, { cap: 4, basis: '' }).method, 'simulated');
  const analysis = analysed(Array.from({ length: 5_001 }, (_, n) => task(`T-${n}`)));
  assert.match(analysisDocument('x', analysis), /\| at least .*too many to be simulated/s);
});

test('the simulation takes as long as a dry run of the engine itself', async () => {
  const shape = fc.record({
    waves: fc.array(fc.array(fc.record({ ms: fc.integer({ min: 1, max: 50 }), picks: fc.array(fc.nat(9), { maxLength: 2 }), file: fc.nat(4) }), { minLength: 1, maxLength: 4 }), { minLength: 1, maxLength: 3 }), // prettier-ignore
    cap: fc.integer({ min: 1, max: 4 }),
    runMode: fc.constantFrom('strict', 'flow' as const),
  });
  await fc.assert(
    fc.asyncProperty(shape, async ({ waves, cap, runMode }) => {
      const earlier: string[] = [];
      const work = waves.flatMap((members, wave) => {
        const before = [...earlier];
        return members.map(({ ms, picks, file }, n) => {
          const id = `w${wave}t${n}`;
          earlier.push(id);
          const dependencies =
            before.length === 0
              ? []
              : [...new Set(picks.map((p) => before[p % before.length] ?? ''))];
          return { id: taskId(id), wave, weight: ms, rank: 2, agent: 'claude', dependencies: dependencies.map(taskId), files: file < 2 ? [`src/f${file}`] : [] }; // prettier-ignore
        });
      });
      const rig = new RunRig(
        work.map(({ id, dependencies, files }) => `${id}${dependencies.length > 0 ? ` < ${dependencies.join(' ')}` : ''}${files.length > 0 ? `: ${files.join(' ')}` : ''}`), // prettier-ignore
      );
      rig.options = { ...rig.options, runMode };
      const weightOf = new Map(work.map(({ id, weight }) => [id, weight]));
      const run = await dryRun(
        {
          request: rig.request(
            waves.map((_, wave) => work.filter((each) => each.wave === wave).map(({ id }) => id).join(' ')).join(' | '), // prettier-ignore
          ),
          state: { kind: 'ready', snapshot: rig.snapshot() },
          ...{
            root: '/backlog',
            readiness: rig.readiness,
            caseFoldPaths: false,
            now: rig.clock.now(),
            settle,
          },
          durationOf: (id) => weightOf.get(id) ?? 0,
        },
        cap,
      );
      assert.ok(run.ok);
      assert.equal(simulateMakespan(work, { runMode, agentCaps: [] }, cap), run.value.makespanMs);
    }),
    { numRuns: 60 },
  );
});
