import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { StdioTransport } from '../../../src/agent-api/stdio-transport.ts';
import { codexFormat } from '../../../src/agent-process/output/codex-format.ts';
import { JsonLinesReader } from '../../../src/agent-process/output/json-lines-reader.ts';
import { streamJsonFormat } from '../../../src/agent-process/output/stream-json-format.ts';
import { TextReader } from '../../../src/agent-process/output/text-reader.ts';
import { readBatches } from '../../../src/core/batch/custom-batch.ts';
import { inertMarkdown, inline } from '../../../src/core/markdown.ts';
import { filesOf } from '../../../src/core/named-files.ts';
import { writeMainPlan } from '../../../src/core/plan/main-plan.ts';
import { findLocations } from '../../../src/core/plan/plan-locations.ts';
import { readPlan } from '../../../src/core/plan/read-plan.ts';
import { readWaveOverride } from '../../../src/core/plan/read-wave-override.ts';
import { repairPlan } from '../../../src/core/plan/repair-plan.ts';
import { formatEntry } from '../../../src/core/run/journal/journal-entry.ts';
import { DEFAULT_WAVE_OPTIONS, planWaves } from '../../../src/core/waves/waves.ts';
import { linksIn } from '../../../src/store/files/docs-scan.ts';
import { JournalReader } from '../../../src/store/runs/journal-reader.ts';
import { tasks } from '../../support/backlog.ts';
import { oneOf, type Random } from '../../support/random.ts';
import { ranFor, startOf, succeeded } from '../../support/run-stories.ts';
import { mutateBytes } from './mutate-bytes.ts';
import { mutateJson, mutateYaml } from './mutate-text.ts';

const GOLDEN = join(import.meta.dirname, '..', '..', 'golden');
const INPUT = {
  title: 'shop',
  rootName: 'shop',
  plan: planWaves(tasks('a', 'b < a', 'c'), DEFAULT_WAVE_OPTIONS),
  date: '2026-01-01',
};
const PLANS = [
  ...['exarp.plan.md', 'no-milestones.plan.md', 'unquoted-name.plan.md'].map((name) =>
    readFileSync(join(GOLDEN, 'plans', name), 'utf8'),
  ),
  writeMainPlan(INPUT),
];
const BATCH = `name: daily\nmax_parallel_tasks: 2\nsteps:\n  - tool: doctor\n  - parallel:\n      - tool: exarp:health\n        params: {action: "docs"}\n      - tool: locks\n    then: [{tool: waves}]\n`;
const RUN = '20261125T023000-a1b2c3';
const JOURNAL = [
  startOf(RUN, [['a', 'b'], ['c']]),
  ...ranFor(RUN, 'a', { attemptNo: 1, from: 1, ms: 5, outcome: succeeded() }),
  ...ranFor(RUN, 'b', { attemptNo: 2, from: 2, ms: 5, outcome: succeeded('Done') }),
]
  .map((event) => `${formatEntry(event)}\n`)
  .join('');
const STREAM = [
  { type: 'system', subtype: 'init', session_id: 'a-b', model: 'm' },
  { type: 'assistant', message: { content: [{ type: 'text', text: 'I look at it' }, { type: 'tool_use', name: 'Bash', input: { command: 'npm test' } }] } }, // prettier-ignore
  { type: 'item.completed', item: { type: 'agent_message', text: 'Done' } },
  { type: 'turn.failed', error: { message: 'rate limit, try again in 5 s' } },
  { type: 'result', subtype: 'success', is_error: true, result: '429 too many requests' },
]
  .map((event) => `${JSON.stringify(event)}\n`)
  .join('');
const MESSAGE = JSON.stringify({
  jsonrpc: '2.0',
  id: 1,
  method: 'tools/call',
  params: { name: 'waves_note', arguments: { id: 'T-1', text: 'note' } },
});
const DESCRIPTION =
  '# Title\n\n- Update: src/a.ts\nFiles: a, b\n```mermaid\n&#60; <b> [x](javascript:y)\n```\n![a](b) $(icon)\n';

/** Repeats a part of a text so often that what is not linear in it stands still. */
function pump(text: string, random: Random): string {
  const from = random(text.length);
  const part = text.slice(from, from + 1 + random(12)) || ' ';
  return text.slice(0, from) + part.repeat(1 + random(60_000 / part.length)) + text.slice(from);
}

function mutated(text: string, random: Random): string {
  switch (random(4)) {
    case 0:
      return pump(text, random);
    case 1:
      return mutateYaml(text, random).toString('utf8');
    case 2:
      return pump(mutateBytes(Buffer.from(text), random).toString('utf8') || ' ', random);
    default:
      return mutateBytes(Buffer.from(text), random).toString('utf8');
  }
}

/** What is wrong with a plan but for the escapes in keys of others, which are kept as they are. */
function damageOf(plan: string): readonly string[] {
  return readPlan(plan).damage.flatMap(({ kind }) => (kind === 'doubleEscapes' ? [] : [kind]));
}

export const TEXT_KINDS = ['plan', 'batch', 'journal', 'stream', 'message', 'description'] as const;

/** Tries one text of a kind; answers what came of it. Throws where that is none of what may. */
export async function tryText(
  kind: (typeof TEXT_KINDS)[number],
  folder: string,
  random: Random,
): Promise<string> {
  switch (kind) {
    case 'plan': {
      const text = mutated(oneOf(random, PLANS), random);
      const { todos, damage } = readPlan(text);
      findLocations(text);
      readWaveOverride('a.md', text);
      const written = writeMainPlan({ ...INPUT, existing: text });
      assert.deepEqual(damageOf(written), []);
      assert.deepEqual(damageOf(repairPlan({ ...INPUT, existing: text })), []);
      return damage.length > 0 ? 'damaged' : todos.length > 0 ? 'read' : 'empty';
    }
    case 'batch': {
      const text = mutated(BATCH, random);
      const { batches, problems } = readBatches([{ place: 'a', text, name: 'a', hasLines: true }]);
      assert.ok(batches.length === 1 || problems.length > 0, 'a batch was left out without a word');
      assert.ok(problems.length <= 20);
      return batches.length === 1 ? 'read' : 'refused';
    }
    case 'journal': {
      const file = join(folder, 'journal.jsonl');
      writeFileSync(file, mutated(JOURNAL, random));
      const read = await new JournalReader(file, RUN).read();
      assert.ok(read !== undefined);
      return read.state === undefined ? 'empty' : read.damaged > 0 ? 'damaged' : 'read';
    }
    case 'stream': {
      const bytes = Buffer.from(mutated(STREAM, random));
      const readers = [
        new JsonLinesReader(streamJsonFormat, () => 0),
        new JsonLinesReader(codexFormat, () => 0),
        new TextReader({ judgedByWords: true }),
      ];
      const ends = readers.map((reader) => {
        for (let at = 0; at < bytes.length; at += 65_536)
          reader.read(bytes.subarray(at, at + 65_536));
        reader.end();
        assert.ok((reader.activity ?? '').length <= 200);
        return reader.facts.error ?? reader.facts.result?.error;
      });
      return ends[0] === undefined ? 'good' : 'bad';
    }
    case 'message':
      return tryMessage(random);
    case 'description': {
      const text = mutated(DESCRIPTION, random);
      const inert = inertMarkdown(text);
      assert.ok(!/<(?=[A-Za-z/!?])|!\[|\$\(/.test(inert), 'markdown that is not inert');
      inline(text);
      filesOf(text, { foldCase: true });
      linksIn(text);
      return 'read';
    }
  }
}

/** Whatever comes before, the next message is heard. */
async function tryMessage(random: Random): Promise<string> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const transport = new StdioTransport(input, output, 20_000);
  const heard: unknown[] = [];
  let errors = 0;
  transport.onmessage = (message) => void heard.push(message);
  transport.onerror = () => {
    errors++;
  };
  await transport.start();
  const odd = random(2) === 0 ? mutateJson(MESSAGE, random) : Buffer.from(mutated(MESSAGE, random));
  input.write(Buffer.concat([odd, Buffer.from(`\n${MESSAGE}\n`)]));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(heard.at(-1), JSON.parse(MESSAGE));
  output.resume();
  await transport.close();
  return errors > 0 ? 'refused' : 'heard';
}
