import { createCodexFormat } from './codex-format.ts';
import { createCopilotFormat } from './copilot-format.ts';
import { createGeminiFormat } from './gemini-format.ts';
import { JsonLinesReader } from './json-lines-reader.ts';
import { createOpencodeFormat } from './opencode-format.ts';
import { createStreamJsonFormat } from './stream-json-format.ts';
import type { OutputReader } from './output-reader.ts';
import { TextReader } from './text-reader.ts';

/**
 * How an agent talks. `text`: as people read it. `aider`: the same, but its exit code tells
 * nothing, so its own words for errors do. `streamJson`: one JSON event per line, as Claude Code,
 * Cursor, Qwen Code and Amp write them. `simulated`: such events or text. The others: events of the
 * agent of that name, one per line.
 */
export type AgentOutput = (typeof OUTPUTS)[number];

const OUTPUTS = [
  'text',
  'aider',
  'streamJson',
  'codex',
  'gemini',
  'copilot',
  'opencode',
  'simulated',
] as const;

/** `now` (epoch ms) is what a time of day, in "try again at 3pm", is counted from. */
export function createReader(output: AgentOutput, now: () => number = Date.now): OutputReader {
  switch (output) {
    case 'text':
      return new TextReader(now, { judgedByWords: false });
    case 'aider':
      return new TextReader(now, { judgedByWords: true });
    case 'streamJson':
      return new JsonLinesReader(createStreamJsonFormat(), now);
    case 'simulated':
      return new JsonLinesReader({ ...createStreamJsonFormat(), hasLastWord: false }, now);
    case 'codex':
      return new JsonLinesReader(createCodexFormat(), now);
    case 'gemini':
      return new JsonLinesReader(createGeminiFormat(), now);
    case 'copilot':
      return new JsonLinesReader(createCopilotFormat(), now);
    case 'opencode':
      return new JsonLinesReader(createOpencodeFormat(), now);
  }
}

/** Reads the name of a format as it stands in settings or in a file. */
export function isAgentOutput(value: unknown): value is AgentOutput {
  return OUTPUTS.some((output) => output === value);
}
