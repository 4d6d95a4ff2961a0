#!/usr/bin/env node
// Stands for exarp-go as a server of MCP. `behaviour.json` in its working folder says how it is to
// go wrong; what it was asked goes to `asked.jsonl` there.
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

const behaviour = existsSync('behaviour.json')
  ? JSON.parse(readFileSync('behaviour.json', 'utf8'))
  : {};
const { PROJECT_ROOT, DB_AUTO_MIGRATE, GIT_HOOK, ELECTRON_RUN_AS_NODE } = process.env;
appendFileSync(
  'asked.jsonl',
  `${JSON.stringify({ env: { PROJECT_ROOT, DB_AUTO_MIGRATE, GIT_HOOK, ELECTRON_RUN_AS_NODE }, argv: process.argv.slice(2) })}\n`,
);

const TOOLS = [
  { name: 'report', inputSchema: { type: 'object' } },
  { name: 'task_workflow', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: 'look', inputSchema: { type: 'object' }, annotations: { readOnlyHint: true } },
  { name: 'tidy', inputSchema: { type: 'object' }, annotations: { destructiveHint: true } },
  { name: 'silent', inputSchema: { type: 'object' } },
];

const send = (message) =>
  process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const say = (id, text, more = {}) =>
  send({ id, result: { content: [{ type: 'text', text }], ...more } });

if (behaviour.dies) {
  console.error('first line\nno database here');
  process.exit(3);
}
if (behaviour.child) {
  // It outlives its parent, unless that is ended with all that it started.
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  writeFileSync('child.pid', String(child.pid));
}

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  appendFileSync('asked.jsonl', `${JSON.stringify({ id, method, params })}\n`);
  if (method === 'initialize') {
    console.log('exarp-go says hello to a person');
    send({ id: 'theirs', method: 'ping' });
    send({
      id,
      result: {
        protocolVersion: params.protocolVersion,
        capabilities: { tools: {} },
        serverInfo: {},
      },
    });
  } else if (method === 'tools/list') {
    // In two pages.
    if (params.cursor === undefined)
      send({ id, result: { tools: TOOLS.slice(0, 2), nextCursor: 'more' } });
    else send({ id, result: { tools: TOOLS.slice(2) } });
  } else if (method === 'tools/call') {
    if (behaviour.hangs) continue;
    else if (behaviour.floods) process.stdout.write('x'.repeat(17 * 1024 * 1024));
    else if (behaviour.error) send({ id, error: { code: -32000, message: 'out of luck' } });
    else if (behaviour.isError) say(id, 'no such task', { isError: true });
    else say(id, behaviour.text ?? JSON.stringify({ success: true, given: params.arguments }));
  }
}
if (behaviour.child) await new Promise(() => setInterval(() => {}, 1000));
