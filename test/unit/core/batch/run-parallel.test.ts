import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { runParallel, type Tool, type ToolRun } from '../../../../src/core/batch/run-parallel.ts';
import { settle } from '../../../support/hand-clock.ts';

/** Tools that end when the test says so. */
class Bench {
  readonly #ends = new Map<
    string,
    { resolve: (value: string) => void; reject: (error: unknown) => void }
  >();
  readonly begun: string[] = [];
  now = 0;

  tool(name: string): Tool<string> {
    return {
      name,
      run: () =>
        new Promise((resolve, reject) => {
          this.begun.push(name);
          this.#ends.set(name, { resolve, reject });
        }),
    };
  }

  end(name: string): void {
    this.#ends.get(name)?.resolve(`result of ${name}`);
  }

  fail(name: string): void {
    this.#ends.get(name)?.reject(new Error(`no ${name}`));
  }

  run(names: string, maxParallel: number, signal = new AbortController().signal) {
    const tools = names.split(' ').map((name) => this.tool(name));
    return runParallel(tools, { maxParallel, signal, now: () => this.now });
  }
}

function words(runs: readonly ToolRun<string>[]): string {
  return runs.map(({ name, status, seconds }) => `${name} ${status} ${seconds}`).join(', ');
}

test('results come in the order given, whatever ends first, each with its seconds', async () => {
  const bench = new Bench();
  const running = bench.run('a b c', 3);
  await settle();
  bench.now = 1500;
  bench.end('c');
  await settle();
  bench.now = 4000;
  bench.end('a');
  bench.end('b');
  assert.equal(words(await running), 'a succeeded 4, b succeeded 4, c succeeded 1.5');
});

test('no more than the cap run at a time, and the next begins as soon as one has ended', async () => {
  const bench = new Bench();
  const running = bench.run('a b c d', 2);
  await settle();
  assert.deepEqual(bench.begun, ['a', 'b']);
  bench.end('b');
  await settle();
  assert.deepEqual(bench.begun, ['a', 'b', 'c']);
  for (const name of ['a', 'c']) bench.end(name);
  await settle();
  bench.end('d');
  assert.equal((await running).length, 4);
});

test('one that fails stops no other, and says why', async () => {
  const bench = new Bench();
  const running = bench.run('a b', 1);
  await settle();
  bench.fail('a');
  await settle();
  bench.end('b');
  const [first, second] = await running;
  assert.equal(first?.status === 'failed' && (first.error as Error).message, 'no a');
  assert.equal(second?.status, 'succeeded');
});

test('a tool that throws at once has failed like any other', async () => {
  const tool: Tool<string> = { name: 'bad', run: () => assert.fail('at once') };
  const [run] = await runParallel([tool], {
    maxParallel: 1,
    signal: new AbortController().signal,
    now: () => 0,
  });
  assert.equal(run?.status, 'failed');
});

test('cancelling begins nothing further and waits for nothing that does not listen', async () => {
  const bench = new Bench();
  const stop = new AbortController();
  const running = bench.run('a b c', 2, stop.signal);
  await settle();
  bench.end('a');
  await settle();
  stop.abort();
  assert.equal(words(await running), 'a succeeded 0, b cancelled 0, c cancelled 0');
  assert.deepEqual(bench.begun, ['a', 'b', 'c']);
});

test('what was cancelled before it began never runs', async () => {
  const bench = new Bench();
  const stop = new AbortController();
  stop.abort();
  assert.equal(words(await bench.run('a b', 2, stop.signal)), 'a cancelled 0, b cancelled 0');
  assert.deepEqual(bench.begun, []);
});

test('a thousand tools keep order and cap, whatever the cap is', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: -1, max: 50 }),
      fc.infiniteStream(fc.nat(3)),
      async (maxParallel, turns) => {
        let [running, most] = [0, 0];
        const tools = Array.from({ length: 1000 }, (_, n): Tool<number> => {
          const wait = Number(turns.next().value);
          const run = async (): Promise<number> => {
            most = Math.max(most, ++running);
            for (let i = 0; i < wait; i++) await Promise.resolve();
            running--;
            if (wait === 3) throw new Error(String(n));
            return n;
          };
          return { name: `t${n}`, run };
        });
        const heard: number[] = [];
        const runs = await runParallel(tools, {
          ...{ maxParallel, signal: new AbortController().signal, now: () => 0 },
          onEnded: (index) => void heard.push(index),
        });
        assert.ok(most <= Math.max(1, maxParallel));
        assert.deepEqual(runs.map(({ name }) => name), tools.map(({ name }) => name)); // prettier-ignore
        for (const [n, each] of runs.entries()) {
          assert.ok(each.status === 'succeeded' ? each.result === n : each.status === 'failed');
        }
        assert.equal(new Set(heard).size, 1000);
      },
    ),
    { numRuns: 20 },
  );
});

test('any number of tools at a time listens to a stop once', async () => {
  const bench = new Bench();
  const stop = new AbortController();
  let listeners = 0;
  const { signal } = stop;
  const add = signal.addEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners++;
    add(...args);
  };
  const names = Array.from({ length: 40 }, (_, n) => `t${n}`);
  const running = bench.run(names.join(' '), 40, signal);
  await settle();
  bench.end('t0');
  await settle();
  stop.abort();
  const runs = await running;
  assert.equal(listeners, 1);
  assert.deepEqual(
    runs.map(({ status }) => status),
    ['succeeded', ...names.slice(1).map(() => 'cancelled')],
  );
});
