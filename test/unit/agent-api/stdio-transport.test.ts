import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { test } from 'node:test';
import { MessageLines } from '../../../src/agent-api/message-lines.ts';
import { StdioTransport } from '../../../src/agent-api/stdio-transport.ts';
import { randomFrom } from '../../support/random.ts';

const LONG = 'x'.repeat(400);
const tooLong = (json: string): unknown => {
  const [line] = new MessageLines(300).take(Buffer.from(`${json}\n`));
  assert.ok(line?.kind === 'tooLong');
  return line.id;
};

test('the id of a message that is too long is found wherever it stands', () => {
  const params = { text: `${LONG}"\\`, id: 7, deep: [{ id: 8, method: 'no' }] };
  assert.equal(tooLong(JSON.stringify({ jsonrpc: '2.0', id: 3, method: 'm', params })), 3);
  assert.equal(tooLong(JSON.stringify({ params, method: 'm', id: 'a "b' })), 'a "b');
  assert.equal(tooLong(JSON.stringify({ params, method: 'm' })), undefined);
  assert.equal(tooLong(JSON.stringify({ id: 5, result: params })), undefined);
  assert.equal(tooLong(JSON.stringify({ id: { a: LONG }, method: 'm' })), undefined);
  assert.equal(tooLong(`{"id": 4 , "method":"m", "params": "${LONG}`), 4);
  assert.equal(tooLong(`]]]}${LONG}{{{`), undefined);
});

test('lines are the same however the stream is cut into pieces', () => {
  const bytes = Buffer.from(`{"a":"ä"}\n{"id":1,"method":"m","p":"${LONG}"}\n\n{"b":2}\n`);
  const whole = new MessageLines(300).take(bytes);
  assert.deepEqual(
    whole.map(({ kind }) => kind),
    ['line', 'tooLong', 'line', 'line'],
  );
  const random = randomFrom(3);
  for (let n = 0; n < 200; n++) {
    const lines = new MessageLines(300);
    const found = [];
    for (let from = 0; from < bytes.length;) {
      const to = from + 1 + random(60);
      found.push(...lines.take(bytes.subarray(from, to)));
      from = to;
    }
    assert.deepEqual(found, whole);
  }
});

test('what is too long, no JSON or no message is answered where it can be, and the next one is heard', async () => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const transport = new StdioTransport(input, output, 300);
  const [heard, errors]: [unknown[], string[]] = [[], []];
  let isClosed = false;
  transport.onmessage = (message) => void heard.push(message);
  transport.onerror = ({ message }) => void errors.push(message);
  transport.onclose = () => (isClosed = true);
  await transport.start();
  const ping = { jsonrpc: '2.0', id: 9, method: 'ping' } as const;
  for (const line of [
    JSON.stringify({ ...ping, id: 1, params: { text: LONG } }),
    '{"jsonrpc":',
    '[1,2]',
    JSON.stringify({ id: 2, method: 'ping' }),
    '\ufffd\u0000',
    JSON.stringify(ping),
  ])
    input.write(`${line}\n`);
  await new Promise((resolve) => setImmediate(resolve));
  const answers = (output.read() as Buffer).toString('utf8').trim().split('\n');
  assert.deepEqual(
    answers.map((line) => {
      const { id, error } = JSON.parse(line) as { id: number; error: { code: number } };
      return [id, error.code];
    }),
    [
      [1, -32600],
      [2, -32600],
    ],
  );
  assert.deepEqual(heard, [ping]);
  assert.deepEqual([errors.length, isClosed], [5, false]);
  await transport.close();
  assert.equal(isClosed, true);
});
