import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentNameOf } from '../../src/agent-api/agent-name.ts';
import { readChatRequest } from '../../src/agent-api/chat-request.ts';
import { MessageLines } from '../../src/agent-api/message-lines.ts';
import { isApiError, isReport, statusIn } from '../../src/agent-process/output/api-error.ts';
import {
  adviceFor,
  hasSentence,
  isRefusal,
  rateLimitIn,
} from '../../src/agent-process/output/provider-sentences.ts';
import { codexFormat } from '../../src/agent-process/output/codex-format.ts';
import { copilotFormat } from '../../src/agent-process/output/copilot-format.ts';
import { geminiFormat } from '../../src/agent-process/output/gemini-format.ts';
import { JsonLinesReader } from '../../src/agent-process/output/json-lines-reader.ts';
import { opencodeFormat } from '../../src/agent-process/output/opencode-format.ts';
import { streamJsonFormat } from '../../src/agent-process/output/stream-json-format.ts';
import { judge, type OutputFacts } from '../../src/agent-process/output/verdict.ts';
import { findWait, waitIn } from '../../src/agent-process/output/wait-time.ts';
import { TextReader } from '../../src/agent-process/output/text-reader.ts';
import { readOrders } from '../../src/agent-process/simulated-orders.ts';
import { findAlignment } from '../../src/core/batch/alignment.ts';
import { readBatches } from '../../src/core/batch/custom-batch.ts';
import { inferProgress } from '../../src/core/batch/progress.ts';
import {
  code,
  ganttName,
  inertMarkdown,
  inline,
  inlineName,
  mermaidLabel,
} from '../../src/core/markdown.ts';
import { filesOf } from '../../src/core/named-files.ts';
import { readFrontmatter, splitFrontmatter } from '../../src/core/plan/read-frontmatter.ts';
import { readMilestone } from '../../src/core/plan/milestone.ts';
import { findLocations } from '../../src/core/plan/plan-locations.ts';
import { readPlan } from '../../src/core/plan/read-plan.ts';
import { readWaveOverride } from '../../src/core/plan/read-wave-override.ts';
import { dateOf } from '../../src/core/plan/repair-plan.ts';
import { writeOwnedSections } from '../../src/core/plan/sections.ts';
import { mainPlanFile } from '../../src/core/plan/slug.ts';
import { parseEntry } from '../../src/core/run/journal/journal-entry.ts';
import { cleanLines, cut, named, oneLine, plain } from '../../src/core/text.ts';
import { CONFIG_YAML, readYaml } from '../../src/core/yaml.ts';
import { readConfigValue } from '../../src/store/files/config-value.ts';
import { linksIn } from '../../src/store/files/docs-scan.ts';
import { appendEntry } from '../../src/store/json/handoff-patch.ts';
import { readHandoffs } from '../../src/store/json/handoff-reader.ts';
import { findJsonFault } from '../../src/store/read/json-fault.ts';
import { readJsonStore } from '../../src/store/read/json-reader.ts';
import { readDate } from '../../src/store/read/read-date.ts';
import { task } from '../support/backlog.ts';
import { oneOf, randomFrom } from '../support/random.ts';

const bytes = (text: string): Buffer => Buffer.from(text);
const front = (yaml: string): string => `---\nname: a\ntodos:\n${yaml}\n---\n`;

const verdictOf = (facts: OutputFacts) =>
  judge({
    ...facts,
    ...{ agent: 'claude', phase: 'ended', exitCode: 1, signal: undefined, resumes: false },
    files: [],
  });

/** Each reader of outside text, fed with one text. */
const READERS: Readonly<Record<string, (text: string) => unknown>> = {
  'a milestone': (text) => readMilestone(`- [ ] ${text}`),
  'a plan': (text) => readPlan(`${front('')}## 3. Iterative Milestones\n- [ ] ${text}`),
  'the frontmatter of a plan': (text) => readPlan(front(text)),
  'frontmatter without an end': (text) => splitFrontmatter(`---\n${text}`),
  'names without quotes': (text) => readFrontmatter(`name: ${text}\n}`),
  'locations in a plan': (text) => findLocations(`${front(`  - id: ${text}`)}- [ ] ${text}`),
  'locations of waves in a plan': (text) => [
    findLocations(`---\nwaves:\n${text}`),
    findLocations(`## Wave 1\n**Task IDs:**\n${text}`),
  ],
  'the sections of a plan': (text) => writeOwnedSections([], `## 5. A\n\n${text}`),
  'the date of a plan': (text) => dateOf(`last_updated: ${text}`),
  'waves of a document': (text) => readWaveOverride('a.md', `## Wave 1\n**Task IDs${text}`),
  'waves of JSON': (text) => readWaveOverride('a.json', text),
  'the name of a plan': mainPlanFile,
  'inert markdown': inertMarkdown,
  'inline markdown': (text) => [inline(text), inlineName(text), code(text)],
  'labels of diagrams': (text) => [mermaidLabel(text), ganttName(text)],
  'plain text': (text) => [
    oneLine(text),
    cleanLines(text),
    plain(text),
    named(text),
    cut(text, 80),
  ],
  'files of a description': (text) => filesOf(text, { foldCase: false }),
  'goals and plans of a project': (text) =>
    findAlignment([task('T-1')], { file: 'a', text: `## ${text}\nKeywords: ${text}` }, [
      { file: 'b', text: `- [x] ${text}` },
    ]),
  'subjects of commits': (text) =>
    inferProgress([task('T-1')], {
      commits: [{ subject: text, at: 0 }],
      runs: [],
      plans: [],
      now: 0,
      staleMs: 1,
    }),
  'a custom batch': (text) =>
    readBatches([{ place: 'a', text: `steps: ${text}`, name: 'a', hasLines: true }]),
  'YAML of a configuration': (text) => readYaml(text, CONFIG_YAML),
  'a value of a configuration': (text) =>
    readConfigValue(text, { kind: 'duration', bounds: [0, 1] }, '/'),
  'words of a rate limit': (text) => [
    rateLimitIn(`rate limit, retry after ${text}`),
    isRefusal(text),
  ],
  'words of a failed login': (text) => [
    isApiError(text),
    isReport(text),
    statusIn(text),
    hasSentence('login', text),
    adviceFor('login', text),
  ],
  'a wait': (text) => [
    findWait(`try again at ${text}`, 0),
    findWait(`resets_in: ${text}`, 0),
    waitIn(text, 0),
  ],
  'the output of an agent': (text) => {
    const reader = new TextReader({ judgedByWords: true });
    reader.read(bytes(text));
    return [reader.end(), reader.lastSaid, reader.activity, verdictOf(reader.facts)];
  },
  'events of an agent': (text) =>
    [codexFormat, copilotFormat, geminiFormat, opencodeFormat, streamJsonFormat].map((format) => {
      const reader = new JsonLinesReader(format, () => 0);
      const event = {
        type: 'assistant',
        message: { content: [{ type: 'text', text }] },
        item: { type: 'agent_message', text },
      };
      const end = { type: 'result', result: text, is_error: true };
      reader.read(bytes(`${JSON.stringify(event)}\n${text}\n${JSON.stringify(end)}\n`));
      return [reader.end(), reader.activity, verdictOf(reader.facts)];
    }),
  'orders of a prompt': (text) => readOrders(`Description:\nsimulate:${text}`),
  'a request of the chat': (text) => [readChatRequest(undefined, text), readChatRequest('run', text), readChatRequest('explain', text)], // prettier-ignore
  'the name of an agent': agentNameOf,
  'messages of a client': (text) => new MessageLines(1_000).take(bytes(`{"id":1,"a":"${text}"}\n`)),
  'links of a document': linksIn,
  'a JSON store': (text) => readJsonStore(bytes(`[{"id":${JSON.stringify(text)}}]`), 'a'),
  'JSON with a fault': findJsonFault,
  'a list of handoffs': (text) => readHandoffs(bytes(`{"handoffs":[${text}]}`)),
  'a patch of handoffs': (text) => appendEntry(`{"handoffs": [${JSON.stringify(text)} ]}`, {}),
  'a date': readDate,
  'a line of a journal': parseEntry,
};

/** What pumped texts are made of: a start, a part that is repeated, and an end that spoils a match. */
const PARTS = [' ', '\t', '\n', '\r', '\u2028', '-', '*', '`', '~', ':', '[', ']', '(', ')', '{', '}', '<', '>', '!', '&', '$', '#', '_', '|', '\\', '"', "'", ',', '.', '=', '/', '@', '%', '+', '?', '0', '9', 'a', 'x', 'A', 'ä', '\u2060', '- [ ] ', '**', '](', '(T-1', 'T-1', '```', '&lt', 'a: ', '- ', '  - id: ', '\n- ', '\n- [T]', '\n## Wave 1', '\n- **Wave 1:** a', 'ms', '1h', '//', 'mermaid', '"a", ', '{"a":', '\u0301']; // prettier-ignore

const SMALL = 4_000;
/** The parser of YAML takes ten times as long for each sign as anything else, so it gets less. */
const SMALL_YAML = 500;
const OF_YAML = new Set(['the frontmatter of a plan', 'names without quotes', 'a custom batch', 'YAML of a configuration']); // prettier-ignore
const FACTOR = 8;
/** In ms of the processor; below it a measurement says nothing. */
const NOISE = 12;
/** Of the time for eight times the text: linear is 8, with n log n and caches up to 16; squared is 64. */
const MOST_RATIO = 28;

/**
 * What is too slow in one measurement is measured so often again. The processor time of a process
 * has that of its compiler and its collector of garbage in it, and grows beside other work; what is
 * not linear is too slow each time.
 */
const AGAIN = 3;

interface Costs {
  /** In ms of the processor, as is `large`. */
  readonly small: number;
  readonly large: number;
}

function costOf(read: (text: string) => unknown, text: string, times = 1): number {
  const before = process.cpuUsage();
  for (let time = 0; time < times; time++) read(text);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / times;
}

/** The least of several, since another process only ever adds to it. */
function leastOf(read: (text: string) => unknown, text: string, times: number): number {
  return Math.min(...Array.from({ length: times }, () => costOf(read, text)));
}

/** Both by turns, the small one so often that it takes as long, so that both meet the same machine. */
function costsByTurns(read: (text: string) => unknown, small: string, large: string): Costs {
  const turns = Array.from({ length: AGAIN }, () => ({
    small: costOf(read, small, FACTOR),
    large: costOf(read, large),
  }));
  return {
    small: Math.min(...turns.map((turn) => turn.small)),
    large: Math.min(...turns.map((turn) => turn.large)),
  };
}

function ratioOf({ small, large }: Costs): number {
  return large / Math.max(small, NOISE / FACTOR);
}

/** Undefined where the large text takes time linear in its size, else the costs that come nearest. */
function findTooSlow(
  read: (text: string) => unknown,
  textOf: (length: number) => string,
  size: number,
): Costs | undefined {
  const large = textOf(size * FACTOR);
  // What takes no time for the large text needs no ratio.
  if (costOf(read, large) < NOISE) return undefined;
  const cost = leastOf(read, large, 3);
  if (cost < NOISE) return undefined;
  const small = textOf(size);
  let best: Costs = { small: leastOf(read, small, 5), large: cost };
  for (let time = 0; time < AGAIN && ratioOf(best) >= MOST_RATIO; time++) {
    const again = costsByTurns(read, small, large);
    if (ratioOf(again) < ratioOf(best)) best = again;
  }
  return ratioOf(best) < MOST_RATIO ? undefined : best;
}

for (const [name, read] of Object.entries(READERS)) {
  test(`${name} is read in time linear in its size, whatever is repeated in it`, () => {
    const isYaml = OF_YAML.has(name);
    const size = isYaml ? SMALL_YAML : SMALL;
    const random = randomFrom(name.length * 7 + 5);
    const pumped = [
      ...PARTS.map((part) => ['', part, ''] as const),
      ...(isYaml ? [] : PARTS.map((part) => ['', part, '\u0000x'] as const)),
      ...Array.from({ length: isYaml ? 10 : 60 }, () => {
        const pump = oneOf(random, PARTS) + oneOf(random, PARTS);
        return [oneOf(random, PARTS), pump, oneOf(random, PARTS)] as const;
      }),
    ];
    for (const [start, pump, end] of pumped) {
      const textOf = (length: number): string =>
        start + pump.repeat(Math.ceil(length / pump.length)) + end;
      const slow = findTooSlow(read, textOf, size);
      if (slow === undefined) continue;
      const what = JSON.stringify([start, pump, end]);
      assert.fail(`${what}: ${slow.small} ms, and ${slow.large} ms for ${FACTOR} times it`);
    }
  });
}

/** A message of an agent that comes sign by sign, with a look at it after each 64 KB. */
function readPieces(text: string): unknown {
  const reader = new JsonLinesReader(geminiFormat, () => 0);
  const pieces = Array.from(text, (content) =>
    JSON.stringify({ type: 'message', role: 'assistant', content, delta: true }),
  );
  const stream = bytes(`${pieces.join('\n')}\n`);
  for (let at = 0; at < stream.length; at += 65_536) {
    reader.read(stream.subarray(at, at + 65_536));
    if (reader.activity === undefined) return undefined;
  }
  return [reader.end(), reader.lastSaid];
}

for (const pump of ['a', 'word ', 'a line\n', 'a \n\n      '])
  test(`a message that comes sign by sign is read in time linear in it: ${JSON.stringify(pump)}`, () => {
    const textOf = (length: number): string => pump.repeat(Math.ceil(length / pump.length));
    assert.equal(findTooSlow(readPieces, textOf, 1_500), undefined);
  });

test('a reader that takes time squared in the size of its text is caught', () => {
  const squared = (text: string): number => {
    let same = 0;
    for (let a = 0; a < text.length; a++)
      for (let b = 0; b < text.length; b++) if (text.charCodeAt(a) === text.charCodeAt(b)) same++;
    return same;
  };
  assert.notEqual(
    // Long enough for a fast machine, too: what takes no time is not measured.
    findTooSlow(squared, (length) => 'a'.repeat(length), 1_500),
    undefined,
  );
});
