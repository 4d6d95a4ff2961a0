import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Emitter } from '../../../src/core/events.ts';

test('listeners hear each event once, in the order they came', () => {
  const emitter = new Emitter<number>();
  const heard: string[] = [];
  emitter.event((n) => heard.push(`first ${n}`));
  emitter.event((n) => heard.push(`second ${n}`));
  emitter.fire(1);
  emitter.fire(2);
  assert.deepEqual(heard, ['first 1', 'second 1', 'first 2', 'second 2']);
});

test('a function that subscribes twice hears twice, and each subscription ends by itself', () => {
  const emitter = new Emitter<void>();
  let heard = 0;
  const listen = (): void => {
    heard++;
  };
  const first = emitter.event(listen);
  emitter.event(listen);
  emitter.fire();
  assert.equal(heard, 2);
  first.dispose();
  first.dispose();
  emitter.fire();
  assert.equal(heard, 3);
});

test('a listener that is removed while an event goes round does not hear it any more', () => {
  const emitter = new Emitter<void>();
  const heard: string[] = [];
  emitter.event(() => {
    heard.push('remover');
    later.dispose();
  });
  const later = emitter.event(() => heard.push('removed'));
  emitter.event(() => heard.push('last'));
  emitter.fire();
  assert.deepEqual(heard, ['remover', 'last']);
});

test('a listener that joins while an event goes round hears only the next one', () => {
  const emitter = new Emitter<number>();
  const heard: number[] = [];
  const joining = emitter.event(() => {
    joining.dispose();
    emitter.event((n) => heard.push(n));
  });
  emitter.fire(1);
  emitter.fire(2);
  assert.deepEqual(heard, [2]);
});

test('nobody hears a disposed emitter', () => {
  const emitter = new Emitter<void>();
  emitter.event(() => assert.fail('heard'));
  emitter.dispose();
  emitter.fire();
});
