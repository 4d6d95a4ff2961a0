import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { FilesInUse } from '../../../../../src/core/run/engine/files-in-use.ts';
import { Scheduler, type Candidate } from '../../../../../src/core/run/engine/scheduler.ts';
import { taskId, type TaskId } from '../../../../../src/core/task.ts';

/** `b/1 < a: x y` is a task of wave 1 that depends on a and names two files. */
function candidate(text: string, change: Partial<Candidate> = {}): Candidate {
  const [relations = '', files = ''] = text.split(':').map((part) => part.trim());
  const [head = '', dependencies = ''] = relations.split('<').map((part) => part.trim());
  const [id = '', wave = '0'] = head.split('/');
  return {
    id: taskId(id),
    wave: Number(wave),
    dependencies: dependencies.split(' ').filter(Boolean).map(taskId),
    weight: 1,
    rank: 2,
    agent: 'claude',
    files: files.split(' ').filter(Boolean),
    ...change,
  };
}

const always = (): boolean => true;

/** Everything that may start, in order, as long as nothing ends. */
function takeAll(scheduler: Scheduler, isOpen: (agent: string) => boolean = always): string {
  const taken: TaskId[] = [];
  for (let next = scheduler.take(isOpen).id; next !== undefined; next = scheduler.take(isOpen).id)
    taken.push(next);
  return taken.join(' ');
}

function end(scheduler: Scheduler, inUse: FilesInUse, id: string, well = true): void {
  scheduler.ended(taskId(id), well);
  for (const file of inUse.release(taskId(id), scheduler.filesOf(taskId(id))))
    scheduler.freed(file);
}

test('strict waves open one after the other, flow asks only for what a task depends on', () => {
  const tasks = ['a/0', 'b/0', 'c/1 < a', 'd/1'].map((text) => candidate(text));
  const strict = new Scheduler(tasks, 'strict', new FilesInUse());
  assert.equal(takeAll(strict), '');
  strict.openThrough(0);
  assert.equal(takeAll(strict), 'a b');
  strict.ended(taskId('a'), true);
  assert.equal(strict.left(0), 1);
  strict.ended(taskId('b'), true);
  strict.openThrough(1);
  assert.equal(takeAll(strict), 'c d');
  const flow = new Scheduler(tasks, 'flow', new FilesInUse());
  assert.equal(takeAll(flow), 'a b d');
  flow.ended(taskId('a'), true);
  assert.equal(takeAll(flow), 'c');
});

test('tasks apart start side by side with the same files, after those whose files are free', () => {
  const inUse = new FilesInUse();
  const apart = (text: string, change: Partial<Candidate> = {}): Candidate =>
    candidate(text, { isApart: true, ...change });
  const tasks = [
    apart('a: x', { weight: 9 }),
    apart('b: x', { weight: 8 }),
    apart('c: y'),
    apart('d'),
  ];
  const scheduler = new Scheduler(tasks, 'flow', inUse);
  assert.equal(takeAll(scheduler), 'a c d b');
  end(scheduler, inUse, 'a');
  scheduler.back(taskId('b'));
  assert.equal(takeAll(scheduler), 'b');
});

test('a task in the folder still waits for its files, whoever uses them', () => {
  const inUse = new FilesInUse();
  const tasks = [candidate('a: x', { isApart: true }), candidate('b: x'), candidate('c: x')];
  const scheduler = new Scheduler(tasks, 'flow', inUse);
  assert.equal(takeAll(scheduler), 'a');
  end(scheduler, inUse, 'a');
  assert.equal(takeAll(scheduler), 'b');
  end(scheduler, inUse, 'b');
  assert.equal(takeAll(scheduler), 'c');
});

test('what an earlier attempt touched is advice: such tasks start last, and none waits for it', () => {
  for (const isApart of [true, false]) {
    const inUse = new FilesInUse();
    const tasks = [
      candidate('a: x', { weight: 9, likely: ['seen'], isApart }),
      candidate('b', { weight: 8, likely: ['x'], isApart }),
      candidate('c: seen', { weight: 7, isApart }),
      candidate('d', { weight: 6, likely: ['seen', 'other'], isApart }),
      candidate('e: y', { isApart }),
    ];
    const scheduler = new Scheduler(tasks, 'flow', inUse);
    assert.equal(takeAll(scheduler), 'a e b c d');
    end(scheduler, inUse, 'a');
    end(scheduler, inUse, 'c');
    scheduler.back(taskId('d'));
    scheduler.back(taskId('e'));
    assert.equal(takeAll(scheduler), 'd e', 'nobody else is likely to touch them now');
  }
});

test('advice changes the order of starts alone: nothing waits longer for it', () => {
  const names = fc.uniqueArray(fc.constantFrom('x', 'y', 'z'));
  const asked = fc.array(fc.record({ files: names, likely: names, isApart: fc.boolean() }), {
    maxLength: 9,
  });
  fc.assert(
    fc.property(asked, (all) => {
      const inUse = new FilesInUse();
      const tasks = all.map((each, n) => candidate(`t${n}`, each));
      const scheduler = new Scheduler(tasks, 'flow', inUse);
      const atWork: TaskId[] = [];
      const over: TaskId[] = [];
      while (over.length < tasks.length) {
        for (let { id } = scheduler.take(always); id !== undefined; { id } = scheduler.take(always))
          atWork.push(id);
        const first = atWork.shift();
        assert.ok(first, 'none is left that may start');
        // Who may not start yet waits for a file that it names itself.
        for (const { id, files, isApart } of tasks)
          if (!over.includes(id) && !atWork.includes(id) && id !== first)
            assert.ok(isApart !== true && files.some((file) => inUse.userOf(file, id)), id);
        over.push(first);
        end(scheduler, inUse, first);
      }
    }),
  );
});

test('so many tasks apart with one file start in their order, each once', () => {
  const tasks = Array.from({ length: 200 }, (_, n) => candidate(`t${n}: x`, { isApart: true }));
  const scheduler = new Scheduler(tasks, 'flow', new FilesInUse());
  assert.equal(takeAll(scheduler), tasks.map(({ id }) => id).join(' '));
});

test('what depends on a bad end is suspect, and is let in again or ends', () => {
  const scheduler = new Scheduler(['a', 'b', 'c < a b', 'd < c'].map((t) => candidate(t)), 'flow', new FilesInUse()); // prettier-ignore
  takeAll(scheduler);
  scheduler.ended(taskId('a'), false);
  assert.deepEqual(scheduler.takeSuspects(), ['c']);
  scheduler.readmit(taskId('c'));
  assert.equal(takeAll(scheduler), '', 'it still waits for b');
  scheduler.ended(taskId('b'), false);
  assert.deepEqual(scheduler.takeSuspects(), ['c']);
  scheduler.ended(taskId('c'), false);
  assert.deepEqual(scheduler.takeSuspects(), ['d']);
});

test('a kind of agent that may not start hides no other', () => {
  const tasks = [candidate('a'), candidate('b', { agent: 'codex' }), candidate('c')];
  const scheduler = new Scheduler(tasks, 'flow', new FilesInUse());
  const isOpen = (agent: string): boolean => agent !== 'claude';
  assert.equal(takeAll(scheduler, isOpen), 'b');
  assert(!scheduler.hasReady(isOpen));
  assert.deepEqual(scheduler.tops(), ['a']);
  assert.equal(takeAll(scheduler), 'a c');
});

test('tasks that share a file take turns, and whoever shares none goes ahead', () => {
  const inUse = new FilesInUse();
  const scheduler = new Scheduler(['a: x', 'b: y x', 'c: y', 'd'].map((t) => candidate(t)), 'flow', inUse); // prettier-ignore
  const first = scheduler.take(always);
  assert.deepEqual(first, { id: 'a', parked: [] });
  assert.deepEqual(scheduler.take(always), {
    id: 'c',
    parked: [{ id: 'b', with: 'a', files: ['x'] }],
  });
  assert.equal(takeAll(scheduler), 'd');
  end(scheduler, inUse, 'a');
  assert.equal(takeAll(scheduler), '', 'y is still in use');
  end(scheduler, inUse, 'c');
  assert.equal(takeAll(scheduler), 'b');
});

test('the first of many that wait for a file does not block them when it is stopped, or its agent may not start', () => {
  const inUse = new FilesInUse();
  const tasks = [
    candidate('a: x'),
    candidate('b: x', { agent: 'codex' }),
    candidate('c: x'),
    candidate('d: x'),
  ];
  const scheduler = new Scheduler(tasks, 'flow', inUse);
  assert.equal(takeAll(scheduler), 'a');
  end(scheduler, inUse, 'a');
  scheduler.ended(taskId('c'), false);
  assert.equal(takeAll(scheduler, (agent) => agent !== 'codex'), 'd'); // prettier-ignore
  end(scheduler, inUse, 'd');
  assert.equal(takeAll(scheduler), 'b');
});

test('a circle waits for nobody in it, so that a look can say what is wrong', () => {
  const scheduler = new Scheduler(['a < b', 'b < a', 'c < b', 'd'].map((t) => candidate(t)), 'flow', new FilesInUse()); // prettier-ignore
  assert.equal(takeAll(scheduler).split(' ').sort().join(' '), 'a b c d');
});

test('a task that comes back waits for what it was found to depend on, unless that waits for it', () => {
  const scheduler = new Scheduler(['a', 'b', 'c < b'].map((t) => candidate(t)), 'flow', new FilesInUse()); // prettier-ignore
  assert.equal(takeAll(scheduler), 'b a');
  assert(!scheduler.mayWaitFor(taskId('b'), taskId('c')), 'c waits for b');
  assert(scheduler.mayWaitFor(taskId('a'), taskId('c')));
  scheduler.defer(taskId('a'), taskId('c'));
  scheduler.ended(taskId('b'), true);
  assert.equal(takeAll(scheduler), 'c');
  scheduler.ended(taskId('c'), true);
  assert.equal(takeAll(scheduler), 'a');
});

test('after a halt nothing of later waves is taken, nor does it stand in the way', () => {
  const inUse = new FilesInUse();
  const tasks = [candidate('u/0: x'), candidate('b/1: x', { weight: 9 }), candidate('a/0: x')];
  const scheduler = new Scheduler(tasks, 'flow', inUse);
  assert.equal(scheduler.take(always).id, 'b');
  assert.equal(takeAll(scheduler), '');
  scheduler.haltAfter(0);
  end(scheduler, inUse, 'b');
  assert.equal(takeAll(scheduler), 'u');
  end(scheduler, inUse, 'u');
  assert.equal(takeAll(scheduler), 'a');
});

const run = fc.record({
  tasks: fc.array(
    fc.record({
      dependencies: fc.array(fc.nat({ max: 14 }), { maxLength: 3 }),
      files: fc.uniqueArray(fc.constantFrom('u', 'v', 'w'), { maxLength: 3 }),
      weight: fc.integer({ min: 1, max: 5 }),
      rank: fc.nat({ max: 4 }),
      agent: fc.constantFrom('claude', 'codex'),
      wave: fc.nat({ max: 3 }),
    }),
    { minLength: 1, maxLength: 15 },
  ),
  mode: fc.constantFrom('strict' as const, 'flow' as const),
  dice: fc.infiniteStream(fc.nat({ max: 999 })),
});

test('whatever ends when, the best startable task is taken, none too early, and all of them in the end', () => {
  fc.assert(
    fc.property(run, ({ tasks, mode, dice }) => {
      const candidates = tasks.map((task, v): Candidate => {
        const dependencies = task.dependencies.filter((d) => d < v).map((d) => taskId(`t${d}`));
        const wave = Math.max(
          task.wave,
          ...task.dependencies.filter((d) => d < v).map((d) => tasks[d]!.wave),
        );
        return {
          ...task,
          id: taskId(`t${v}`),
          dependencies,
          wave: mode === 'strict' ? wave : task.wave,
        };
      });
      // In strict waves a dependency in a later wave counts for nothing; here there is none but by
      // the waves of others.
      const counts = (on: Candidate, task: Candidate): boolean =>
        mode === 'flow' || on.wave <= task.wave;
      const byId = new Map(candidates.map((task) => [task.id, task]));
      const path = new Map<TaskId, number>();
      for (const task of candidates.toReversed()) {
        const behind = candidates.filter(
          (other) => other.dependencies.includes(task.id) && counts(task, other),
        );
        path.set(task.id, task.weight + Math.max(0, ...behind.map(({ id }) => path.get(id)!)));
      }
      const inUse = new FilesInUse();
      const scheduler = new Scheduler(candidates, mode, inUse);
      const out = new Set<TaskId>();
      const ended = new Set<TaskId>();
      let wave = -1;
      const closed = (): string | undefined => (dice.next().value! % 4 === 0 ? 'codex' : undefined);
      for (let step = 0; ended.size < candidates.length && step < 500; step++) {
        const over = candidates.every((task) => task.wave > wave || ended.has(task.id));
        if (mode === 'strict' && over) scheduler.openThrough(++wave);
        const shut = closed();
        const may = candidates.filter(
          (task) =>
            !out.has(task.id) &&
            !ended.has(task.id) &&
            task.agent !== shut &&
            (mode === 'flow' || task.wave <= wave) &&
            task.dependencies.every((id) => ended.has(id) || !counts(byId.get(id)!, task)) &&
            task.files.every((file) => inUse.userOf(file, task.id) === undefined),
        );
        const rankOf = (task: Candidate): number[] => [
          -path.get(task.id)!,
          task.rank,
          task.wave,
          Number(task.id.slice(1)),
        ];
        const best = may.sort((a, b) => compare(rankOf(a), rankOf(b)))[0];
        const { id } = scheduler.take((agent) => agent !== shut);
        assert.equal(id, best?.id, 'the best that may start');
        if (id !== undefined) out.add(id);
        if (out.size > 0 && (id === undefined || dice.next().value! % 2 === 0)) {
          const one = [...out][dice.next().value! % out.size]!;
          out.delete(one);
          ended.add(one);
          end(scheduler, inUse, one);
        }
      }
      assert.equal(ended.size, candidates.length, 'every task has its turn');
    }),
    { numRuns: process.env['PROOF'] === 'full' ? 20_000 : 2000, seed: 7 },
  );
});

function compare(a: readonly number[], b: readonly number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : a[at]! - b[at]!;
}

test('a hundred thousand tasks that all name one file go through one by one', () => {
  const size = 100_000;
  const inUse = new FilesInUse();
  const scheduler = new Scheduler(Array.from({ length: size }, (_, v) => candidate(`t${v}: x`)), 'flow', inUse); // prettier-ignore
  for (let i = 0; i < size; i++) {
    const { id } = scheduler.take(always);
    assert(id !== undefined);
    if (i % 100 === 0) assert.equal(scheduler.take(always).id, undefined);
    end(scheduler, inUse, id);
  }
});
