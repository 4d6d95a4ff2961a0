import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CustomAgent } from '../../src/agent-process/agents.ts';

/**
 * What the agent of one task does. `leaves`: a program that outlives it, in its own process group
 * or in one of its own.
 */
export interface Script {
  readonly seconds: number;
  readonly exitCode: number;
  readonly leaves: 'nothing' | 'child' | 'stray';
  /**
   * Commands of a shell, where the agent works. `wrote WORD` notes that a file has this word for
   * good.
   */
  readonly steps?: readonly string[];
  /** Commands for where it finds files in conflict, in place of its steps. */
  readonly resolving?: readonly string[];
}

/** What the agents of one task wrote down of themselves. */
export interface Trace {
  /** How many were started. */
  readonly starts: number;
  /** True where one of them came to the end of its script. */
  readonly isDone: boolean;
  /** How often one of them began to resolve a conflict. */
  readonly resolves: number;
  /** What `wrote` was called with. */
  readonly written: readonly string[];
}

// Cheap to start, and what it leaves behind has forgotten who started it: only groups and marks
// tell.
const AGENT = `#!/bin/sh
trace="$AGENT_TRACES/$1"
echo "start $$" >> "$trace"
echo 'At work.'
read -r seconds code leaves < "$trace.script"
case $leaves in
  child) sleep 300 & ;;
  stray) setsid sleep 300 & ;;
esac
wrote() { echo "wrote $1" >> "$trace"; }
if [ -f "$trace.resolving" ] && git ls-files --unmerged | grep -q .; then
  echo "resolve $$" >> "$trace"
  . "$trace.resolving"
elif [ -f "$trace.steps" ]; then . "$trace.steps"; fi
sleep "$seconds"
echo "end $$" >> "$trace"
exit "$code"
`;

/** Agents that follow scripts, and append to a file of their own what they do. */
export class ScriptedAgents {
  readonly custom: CustomAgent;
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder);
    const command = join(folder, 'agent');
    writeFileSync(command, AGENT, { mode: 0o755 });
    this.custom = { command, args: ['{taskId}'], stdin: 'prompt', env: { AGENT_TRACES: folder } };
  }

  give(id: string, { seconds, exitCode, leaves, steps, resolving }: Script): void {
    writeFileSync(join(this.#folder, `${id}.script`), `${seconds} ${exitCode} ${leaves}\n`);
    for (const [name, lines] of Object.entries({ steps, resolving }))
      if (lines !== undefined) writeFileSync(join(this.#folder, `${id}.${name}`), lines.join('\n'));
  }

  traceOf(id: string): Trace {
    const file = join(this.#folder, id);
    const lines = existsSync(file) ? readFileSync(file, 'utf8').split('\n') : [];
    const count = (word: string): number =>
      lines.filter((line) => line.startsWith(`${word} `)).length;
    const written = lines.flatMap((line) => (line.startsWith('wrote ') ? [line.slice(6)] : []));
    return {
      starts: count('start'),
      isDone: count('end') > 0,
      resolves: count('resolve'),
      written,
    };
  }
}
