import { codexFormat } from './codex-format.ts';
import { copilotFormat } from './copilot-format.ts';
import type { EventFormat } from './event-parts.ts';
import { geminiFormat } from './gemini-format.ts';
import { JsonLinesReader } from './json-lines-reader.ts';
import { opencodeFormat } from './opencode-format.ts';
import type { OutputReader } from './output-reader.ts';
import { streamJsonFormat } from './stream-json-format.ts';
import { TextReader } from './text-reader.ts';

type MakeReader = (now: () => number) => OutputReader;

/**
 * How an agent talks. `text`: as people read it. `aider`: the same, but its exit code tells
 * nothing, so its own words for errors do. `streamJson`: one JSON event per line, as Claude Code,
 * Cursor, Qwen Code and Amp write them. `simulated`: such events or text. The others: events of the
 * agent of that name, one per line.
 */
export type AgentOutput = keyof typeof READERS;

const READERS = {
  text: () => new TextReader({ judgedByWords: false }),
  aider: () => new TextReader({ judgedByWords: true }),
  streamJson: readsEvents(streamJsonFormat),
  codex: readsEvents(codexFormat),
  gemini: readsEvents(geminiFormat),
  copilot: readsEvents(copilotFormat),
  opencode: readsEvents(opencodeFormat),
  simulated: readsEvents({ ...streamJsonFormat, hasLastWord: false, mayBeText: true }),
} satisfies Readonly<Record<string, MakeReader>>;

function readsEvents(format: EventFormat): MakeReader {
  return (now) => new JsonLinesReader(format, now);
}

/** `now` (epoch ms) is what a time of day, in "try again at 3pm", is counted from. */
export function createReader(output: AgentOutput, now: () => number = Date.now): OutputReader {
  return READERS[output](now);
}

/** Reads the name of a format as it stands in settings or in a file. */
export function isAgentOutput(value: unknown): value is AgentOutput {
  return typeof value === 'string' && Object.hasOwn(READERS, value);
}
