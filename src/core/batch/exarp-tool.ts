import { parseAs, record } from '../shape.ts';
import { count, cut, firstOf, oneLine } from '../text.ts';
import { type ExarpCall, mismatchOf } from './exarp-rules.ts';
import type { ToolReport } from './batch-result.ts';
import { type BatchTool, ToolTrouble } from './tool.ts';

/** Stands before the name of a tool of exarp-go's own in a custom batch. */
export const EXARP = 'exarp:';

/** A name that exarp-go could have given a tool. */
export const IS_EXARP_NAME = /^[A-Za-z][\w-]{0,63}$/;

const MOST_LINES = 200;
const MOST_FILES = 100;
const MOST_TEXT = 200_000;

/**
 * A step of a batch that has exarp-go do it, where that is installed. Its params go there as they
 * are.
 */
export function exarpTool(call: ExarpCall): BatchTool {
  const { tool, args, allowed } = call;
  const { action } = args;
  const what = typeof action === 'string' ? `${tool} ${cut(oneLine(action), 40)}` : tool;
  return {
    id: `${EXARP}${tool}`,
    title: `exarp-go’s ${what}`,
    exarp: call,
    run: async ({ workspace }, signal) => {
      const changed = await workspace.watchFiles?.();
      const text = await workspace.exarp.call(call, signal);
      const files = (await changed?.()) ?? [];
      if (files.length > 0 && !allowed)
        throw new ToolTrouble(
          `It may only read, and changed ${firstOf(files, 10, (file) => cut(oneLine(file), 200))}. ` +
            'Look at these files. With “allow: true” among its params it may, after a question.',
        );
      return withFiles(reportOf(tool, text, args), files);
    },
  };
}

function withFiles(report: ToolReport, files: readonly string[]): ToolReport {
  if (files.length === 0) return report;
  const shown = files.slice(0, MOST_FILES).map((file) => `Changed: ${cut(oneLine(file), 200)}`);
  return {
    ...report,
    summary: `${report.summary}; ${count(files.length, 'file')} changed`,
    lines: [...shown, ...report.lines],
    output: { ...report.output, changed_files: files.slice(0, MOST_FILES) },
    wantsLook: true,
  };
}

/**
 * What exarp-go says, made a report. Fails where it says that it failed, and where it did something
 * else than was asked for.
 */
export function reportOf(tool: string, text: string, args: ExarpCall['args'] = {}): ToolReport {
  // Many of its answers are text for people.
  const json = parseAs(record, text);
  if (json?.['success'] === false) {
    const said = [json['error'], json['message']].find((each) => typeof each === 'string');
    throw new ToolTrouble(
      `exarp-go says that it failed: ${cut(oneLine(said ?? 'without a reason'), 300)}`,
    );
  }
  const mismatch = json === undefined ? undefined : mismatchOf({ args }, json);
  if (mismatch !== undefined) throw new ToolTrouble(cut(oneLine(mismatch), 300));
  const lines = text.slice(0, MOST_TEXT).split(/\r\n|\n|\r/).filter((line) => line.trim() !== ''); // prettier-ignore
  const failed = failedSteps(json);
  const words =
    json === undefined ? cut(oneLine(lines[0] ?? 'It said nothing'), 160) : summaryOf(json);
  return {
    summary: failed === 0 ? words : `${words}; ${count(failed, 'step')} of it failed`,
    lines: lines.slice(0, MOST_LINES),
    output: {
      tool,
      result: json !== undefined && text.length <= MOST_TEXT ? json : text.slice(0, MOST_TEXT),
    },
    wantsLook: failed > 0,
  };
}

/** Its `automation` always reports success; its list of failed steps is accurate. */
function failedSteps(json: Readonly<Record<string, unknown>> | undefined): number {
  const { tasks_failed: failed } = (json?.['results'] ?? {}) as { readonly tasks_failed?: unknown };
  return Array.isArray(failed) ? failed.length : 0;
}

function summaryOf(json: Readonly<Record<string, unknown>>): string {
  const said = [json['summary'], json['message']].find((each) => typeof each === 'string');
  if (typeof said === 'string' && said.trim() !== '') return cut(oneLine(said), 160);
  const counts = Object.entries(json).flatMap(([key, value]) => {
    const size = Array.isArray(value)
      ? value.length
      : typeof value === 'number'
        ? value
        : undefined;
    return size === undefined ? [] : [`${oneLine(key).replaceAll('_', ' ')} ${size}`];
  });
  return counts.length === 0 ? 'It answered' : cut(counts.slice(0, 5).join(', '), 160);
}
