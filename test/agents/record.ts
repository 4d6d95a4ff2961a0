import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PRESETS } from '../../src/agent-process/agent-presets.ts';
import type { AgentCase } from './cases.ts';
import { outcomeOf } from './check-case.ts';
import { expectedFor } from './expected.ts';
import { versionOf, type InstalledAgent } from './install.mjs';
import type { Observed, Place } from './run-case.ts';

const FOLDER = 'test/golden/agent-streams';

/** One recording, and what is right for it; all in `index.json`, in the order of their files. */
export interface Recording {
  readonly file: string;
  readonly agent: string;
  readonly output: string;
  readonly version: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly phase: 'ended' | 'lingered' | 'tooLong';
  readonly resumes: boolean;
  readonly files: readonly string[];
  /** A kind of verdict. */
  readonly verdict: string;
  /** A pattern for the reason, or for the last message of a success. */
  readonly says?: string;
  readonly waitS?: number;
  /** What it was not allowed to do. */
  readonly denied?: readonly string[];
  readonly remarks?: readonly string[];
  readonly activity?: string;
}

/** These say nothing of how an agent ends by itself. */
const LEFT_OUT = new Set(['silent', 'stop']);

/** Collects what agents wrote, without what stands for one run or one machine alone. */
export class Recorder {
  readonly #recordings = new Map<string, Recording>();

  /** The last attempt of a case that ended as it should. */
  readonly #texts = new Map<string, string>();

  add(agent: InstalledAgent, { name }: AgentCase, observed: Observed, place: Place): void {
    const expected = expectedFor(agent.preset, name);
    const [exit] = observed.exits;
    if (expected === undefined || exit === undefined || LEFT_OUT.has(name)) return;
    const file = `${agent.name}-${name}.jsonl`;
    const evidence = 'evidence' in observed.end ? observed.end.evidence : undefined;
    // Of an attempt that began anew, what it wrote before that.
    const [before = '', ...rest] = observed.log.split(BEGUN_ANEW);
    const isAnew = rest.length > 0;
    const denied = /^could not run: (.*); /.exec(evidence?.remarks?.[0] ?? '')?.[1];
    const isLate =
      outcomeOf(observed) === 'timeLimit' || (exit.signal !== null && name !== 'sigterm');
    const hasLingered = observed.log.includes('It stayed after its last word');
    this.#texts.set(file, clean(withoutNotes(before), place));
    this.#recordings.set(file, {
      file,
      agent: agent.preset,
      output: PRESETS[agent.preset].output,
      version: versionOf(agent),
      ...exit,
      phase: hasLingered ? 'lingered' : isLate ? 'tooLong' : 'ended',
      resumes: observed.resumed !== undefined,
      files: isAnew ? [] : (evidence?.files ?? []),
      verdict: isAnew ? 'noSession' : (VERDICTS[expected.outcome] ?? expected.outcome),
      ...(!isAnew && expected.says !== undefined && { says: String(expected.says) }),
      ...(expected.waitS !== undefined && { waitS: expected.waitS }),
      ...(denied !== undefined && { denied: [denied] }),
    });
  }

  /** Adds to the recordings that are there, in place of those of the same cases. */
  async write(): Promise<void> {
    await mkdir(FOLDER, { recursive: true });
    const index = join(FOLDER, 'index.json');
    const before = JSON.parse(await readFile(index, 'utf8').catch(() => '[]')) as Recording[];
    const kept = before.filter(({ file }) => !this.#recordings.has(file));
    const all = [...kept, ...this.#recordings.values()];
    all.sort((a, b) => (a.file < b.file ? -1 : 1));
    for (const [file, text] of this.#texts) await writeFile(join(FOLDER, file), text);
    await writeFile(index, `${JSON.stringify(all, undefined, 2)}\n`);
  }
}

const BEGUN_ANEW = /\n--- Its session could not be resumed[^\n]*---\n/;
const VERDICTS: Readonly<Record<string, string>> = { timeLimit: 'tooLong' };

/** Without the supervisor's own lines. */
function withoutNotes(log: string): string {
  return log.replace(/\n--- [^\n]* ---\n/g, '\n');
}

const PROMPT = /You are an agent that works on exactly one task/;
const UUID = /\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/g;

/** What an agent wrote with neutral prompts, paths, ids, keys and times. */
function clean(text: string, { root, home, url }: Place): string {
  const ids = new Map<string, string>();
  const neutralId = (id: string): string => {
    const known =
      ids.get(id) ?? `00000000-0000-4000-8000-${String(ids.size + 1).padStart(12, '0')}`;
    ids.set(id, known);
    return known;
  };
  const flat = (path: string): string => path.replace(/[^A-Za-z0-9]/g, '-');
  return text
    .split('\n')
    .map(withoutPrompt)
    .join('\n')
    .replaceAll(root, '/project')
    .replaceAll(flat(root), '-project')
    .replaceAll(home, '/home/user')
    .replaceAll(url, 'http://127.0.0.1:1')
    .replaceAll(url.replace(/^http:\/\//, ''), '127.0.0.1:1')
    .replaceAll(process.cwd(), '/installed')
    .replaceAll(tmpdir(), '/tmp')
    .replaceAll('stand-in-key', 'key')
    .replace(/"local(?:Port|Address)": ?\S+/g, '"local": 0')
    .replace(/\b(local|remote)Port: \d+/g, '$1Port: 1')
    .replace(/\/tmp\/gemini-client-error-[\w.-]+/g, '/report.json')
    .replace(UUID, neutralId)
    .replace(/\b(ses|prt|msg|evt)_[0-9A-Za-z]{20,}/g, '$1_0001')
    .replace(/\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z/g, '2026-01-01T00:00:00.000Z')
    .replace(/\b\w{3}, \d\d \w{3} 20\d\d \d\d:\d\d:\d\d GMT/g, 'Thu, 01 Jan 2026 00:00:00 GMT')
    .replace(/\b17[5-9]\d{10}\b|\b18\d{11}\b/g, '1767225600000')
    .replace(/("snapshot": ?")[0-9a-f]{40}/g, `$1${'0'.repeat(40)}`);
}

/** The prompt is ours, and long. */
function withoutPrompt(line: string): string {
  if (!PROMPT.test(line)) return line;
  try {
    return JSON.stringify(JSON.parse(line), (_key, value: unknown) =>
      typeof value === 'string' && PROMPT.test(value) ? 'The prompt.' : value,
    );
  } catch {
    // Text that was echoed as it is.
    return 'The prompt.';
  }
}
