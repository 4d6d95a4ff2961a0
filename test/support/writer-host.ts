// A window's process, as far as locks go: opens a writer and claims what stdin asks for, one JSON
// list of ids per line. It answers each line with the ids that it got; at the end of stdin it
// closes and keeps its locks. Given a time in ms, what the last line got lingers so long after it.
import { createInterface } from 'node:readline';
import { taskId } from '../../src/core/task.ts';
import { Writer } from '../../src/store/write/writer-client.ts';
import { systemClock } from './writer-rig.ts';

const [file = '', holder = '', script = '', node = '', lingerMs = ''] = process.argv.slice(2);
const writer = new Writer({
  file,
  holder,
  script,
  clock: systemClock,
  random: Math.random,
  nodes: () => [{ command: node, args: [] }],
  onStatusWritten: () => undefined,
  log: () => undefined,
  graceMs: 50,
  deadlineMs: 60_000,
  ...(lingerMs === '' ? {} : { lingerMs: Number(lingerMs) }),
});
const lines = createInterface({ input: process.stdin });
const failure = await writer.probe();
process.stdout.write(`${failure === undefined ? 'ready' : JSON.stringify(failure)}\n`);
for await (const line of lines) {
  const ids = (JSON.parse(line) as string[]).map(taskId);
  const outcomes = await Promise.all(ids.map((id) => writer.claim(id, 60_000)));
  const trouble = outcomes.filter((outcome) => !outcome.ok && outcome.failure.kind !== 'held');
  const won = outcomes.flatMap((outcome) => (outcome.ok ? [outcome.value.id] : []));
  if (lingerMs !== '') {
    writer.linger(won);
    // Requests are answered in their order, so this one's answer says that the other has arrived.
    await writer.probe();
  }
  process.stdout.write(`${JSON.stringify({ won, trouble })}\n`);
}
await writer.close();
