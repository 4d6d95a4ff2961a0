import { batchJson } from '../core/batch/batch-json.ts';
import type { BatchResult, BatchStatus, StepRun } from '../core/batch/batch-result.ts';
import { inline, fenced, section, page } from '../core/markdown.ts';
import { count, firstLines, messageOf } from '../core/text.ts';

/** The most lines of a step; the JSON below them has all. */
const MOST_LINES = 60;

/** A batch of more than this is read as JSON elsewhere, not in a page. */
const MOST_JSON = 200_000;

/** The result of a batch, in markdown. Text of others in it is inert. */
export function batchDocument(name: string, result: BatchResult): string {
  const json = JSON.stringify(batchJson(result), undefined, 2);
  return page(
    `# ${inline(result.title)}: ${inline(name)}`,
    `${batchWords(result)} Begun ${new Date(result.startedAt).toISOString()}, took ${seconds(result.seconds)}.`,
    stepTable(result.steps),
    ...result.steps.map((step) => section(inline(step.name), stepBody(step))),
    section(
      'As JSON',
      json.length > MOST_JSON
        ? '*Too long for a page: **Todo2 Waves: Copy Batch Result as JSON** has it.*'
        : fenced(json, 'json'),
    ),
  );
}

/** The result in one sentence. */
export function batchWords({ status, steps }: BatchResult): string {
  const failed = steps.filter((step) => step.status === 'failed').length;
  const look = steps.filter(wantsLook).length;
  const begin: Readonly<Record<BatchStatus, string>> = {
    success: 'Every step ended well',
    partial: `${failed} of ${count(steps.length, 'step')} failed`,
    failed: 'Every step failed',
    cancelled: 'It was cancelled',
  };
  return `${begin[status]}${look === 0 ? '' : `; ${look} found something to look at`}.`;
}

/** The result of one step, in a few words. */
export function stepWords(step: StepRun): string {
  switch (step.status) {
    case 'succeeded':
      return step.result.summary;
    case 'failed':
      return `failed: ${messageOf(step.error)}`;
    case 'cancelled':
      return 'cancelled';
  }
}

export function wantsLook(step: StepRun): boolean {
  return step.status === 'succeeded' && step.result.wantsLook;
}

/** How a step is marked: by how it ended, or as something to look at. */
export function markOf(step: StepRun): StepRun['status'] | 'look' {
  return wantsLook(step) ? 'look' : step.status;
}

const MARKS = { failed: '✗', cancelled: '–', look: '!', succeeded: '✓' } as const;

function stepTable(steps: readonly StepRun[]): string {
  const rows = steps.map((step) => {
    return `| ${MARKS[markOf(step)]} | ${inline(step.name)} | ${inline(stepWords(step))} | ${seconds(step.seconds)} |`;
  });
  return ['| | Step | Result | Took |', '| --- | --- | --- | ---: |', ...rows].join('\n');
}

function stepBody(step: StepRun): string {
  if (step.status !== 'succeeded') return '';
  return firstLines(step.result.lines, MOST_LINES, (line) => `- ${inline(line)}`, '- … ').join(
    '\n',
  );
}

/** With spaces that do not break: a narrow column would tear the unit off. */
function seconds(value: number): string {
  if (value < 1) return `${Math.round(value * 1000)}\u00a0ms`;
  return `${value < 10 ? value.toFixed(1) : Math.round(value)}\u00a0s`;
}
