import assert from 'node:assert/strict';
import test from 'node:test';
import { AgentLimiter } from '../../../../../src/core/run/engine/agent-limiter.ts';
import { HandClock } from '../../../../support/hand-clock.ts';

const MINUTE = 60_000;

function gateWith(atWork: number): { readonly gate: AgentLimiter; readonly clock: HandClock } {
  const clock = new HandClock();
  const gate = new AgentLimiter(clock);
  for (let i = 0; i < atWork; i++) gate.begin('claude');
  return { gate, clock };
}

test('a kind of agent is open until its cap is reached', () => {
  const { gate } = gateWith(2);
  assert.equal(gate.closedBy('claude', 3), undefined);
  assert.deepEqual(gate.closedBy('claude', 2), { kind: 'agentCap', agent: 'claude', cap: 2 });
  assert.equal(gate.closedBy('codex', 1), undefined);
  gate.end('claude');
  assert.equal(gate.closedBy('claude', 2), undefined);
});

test('a cool-down takes as long as was asked for, else a minute, doubled each time up to a quarter of an hour', () => {
  const { gate, clock } = gateWith(1);
  const begun = clock.now();
  assert.equal(gate.rateLimited('claude', 5000), begun + 5000);
  assert.deepEqual(gate.closedBy('claude', 9), {
    kind: 'coolingDown',
    agent: 'claude',
    until: begun + 5000,
  });
  const minutes: number[] = [];
  for (let i = 0; i < 6; i++) {
    clock.jump(60 * MINUTE);
    minutes.push((gate.rateLimited('claude', undefined) - clock.now()) / MINUTE);
  }
  assert.deepEqual(minutes, [2, 4, 8, 15, 15, 15]);
  gate.succeeded('claude');
  clock.jump(60 * MINUTE);
  assert.equal(gate.rateLimited('claude', undefined), clock.now() + MINUTE);
});

test('what an agent asks for is believed within bounds', () => {
  for (const asked of [NaN, -1, Infinity, 1e300]) {
    const { gate, clock } = gateWith(1);
    const ms = gate.rateLimited('claude', asked) - clock.now();
    assert(ms > 0 && ms <= 24 * 60 * MINUTE);
  }
});

test('a weekly limit is waited for to its end', () => {
  const { gate, clock } = gateWith(1);
  const week = 7 * 24 * 60 * MINUTE;
  assert.equal(gate.rateLimited('claude', week), clock.now() + week);
});

test('those that are refused together halve the cap once, and successes raise it again one by one', () => {
  const { gate, clock } = gateWith(8);
  const until = gate.rateLimited('claude', undefined);
  assert.equal(gate.rateLimited('claude', undefined), until);
  gate.rateLimited('claude', 1000);
  for (let i = 0; i < 8; i++) gate.end('claude');
  clock.jump(MINUTE);
  const cap = (): number => {
    let begun = 0;
    while (begun < 20 && gate.closedBy('claude', 20) === undefined) {
      gate.begin('claude');
      begun++;
    }
    for (let i = 0; i < begun; i++) gate.end('claude');
    return begun;
  };
  assert.equal(cap(), 4);
  gate.succeeded('claude');
  assert.equal(cap(), 4, 'not so soon');
  for (const higher of [5, 6, 7, 20]) {
    clock.jump(3 * MINUTE);
    gate.succeeded('claude');
    gate.succeeded('claude');
    assert.equal(cap(), higher);
  }
});

test('the cap never falls below one', () => {
  const { gate, clock } = gateWith(1);
  for (let i = 0; i < 5; i++) {
    gate.rateLimited('claude', 1);
    clock.jump(1);
  }
  gate.end('claude');
  assert.equal(gate.closedBy('claude', 5), undefined);
});
