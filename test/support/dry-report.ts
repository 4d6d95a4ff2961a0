import type { DryRunReport, DryRunStep } from '../../src/core/run-forecasts.ts';
import { ok } from '../../src/core/result.ts';
import type { Task } from '../../src/core/task.ts';
import { RUN_OPTIONS } from './run-events.ts';

/** One step of a dry run that takes five minutes, but for what `more` says. */
export function dryStep(task: Task, more: Partial<DryRunStep> = {}): DryRunStep {
  const startsAtMs = more.startsAtMs ?? 0;
  return {
    task,
    wave: 0,
    startsAtMs,
    endsAtMs: startsAtMs + 300_000,
    waited: [],
    agent: { agent: 'claude', model: undefined, agentMode: 'unattended' },
    preview: ok({
      command: ['/usr/bin/claude', '-p', '--permission-mode', 'acceptEdits'],
      promptFile: `.todo2/waves/runs/dry-run/1.prompt.md`,
      prompt: `Work on ${task.id}.`,
    }),
    ...more,
  };
}

/** A dry run of nothing, but for what `more` says. */
export function dryReport(more: Partial<DryRunReport> = {}): DryRunReport {
  return {
    title: 'Wave 0',
    options: RUN_OPTIONS,
    cap: 4,
    isolation: ok({
      isolation: undefined,
      why: 'All agents work in the folder itself, as chosen.',
      remarks: [],
    }),
    steps: [],
    skipped: [],
    basis: '',
    estimates: [2, 4, 8].map((cap) => ({ cap, makespanMs: 3_600_000 / cap })),
    ...more,
  };
}
