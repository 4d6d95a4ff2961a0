import { readFile } from 'node:fs/promises';
import { NO_CONFIG, type ProjectConfig } from '../core/config.ts';
import type { Notice } from '../core/snapshot.ts';
import { isRecord } from './metadata.ts';
import { bytesOf, integerOf, readMessage } from './protobuf.ts';

export interface ConfigRead {
  readonly config: ProjectConfig;
  readonly notices: readonly Notice[];
}

/** Larger is no configuration, and not worth parsing. */
const MAX_BYTES = 1024 * 1024;
const DAY_MS = 24 * 3_600_000;

/** The values that each key may have, inclusive; exarp-go's own bounds for the lease. */
const BOUNDS: Readonly<Record<keyof ProjectConfig, readonly [number, number]>> = {
  maxTasksPerWave: [1, 1_000_000],
  maxParallelTasks: [1, 10_000],
  leaseMs: [1_000, DAY_MS],
};

/** What each key is called in the YAML file, for a message. */
const NAMES: Readonly<Record<keyof ProjectConfig, string>> = {
  maxTasksPerWave: 'thresholds.max_tasks_per_wave',
  maxParallelTasks: 'thresholds.max_parallel_tasks',
  leaseMs: 'timeouts.task_lock_lease',
};

/** A value as a file has it: undefined where it is silent, `text` where it is there and no number. */
type Found = Readonly<Record<keyof ProjectConfig, number | { readonly text: string } | undefined>>;

/**
 * Reads `.exarp/config.pb`, and `.exarp/config.yaml` for what that is silent on. Never writes, never fails: what is bad in
 * a file is left out, with a notice.
 *
 * The protobuf file comes first, as exarp-go reads nothing else. It ignores `max_tasks_per_wave` in there, by a merge that
 * forgets it; we honour it, so that our waves may be smaller than those exarp-go prints.
 */
export async function readConfig(paths: {
  readonly configPb: string;
  readonly configYaml: string;
}): Promise<ConfigRead> {
  const notices: Notice[] = [];
  const fromPb = await readOne(paths.configPb, parsePb, notices);
  const fromYaml = await readOne(paths.configYaml, parseYaml, notices);
  return {
    config: {
      maxTasksPerWave: fromPb.maxTasksPerWave ?? fromYaml.maxTasksPerWave,
      maxParallelTasks: fromPb.maxParallelTasks ?? fromYaml.maxParallelTasks,
      leaseMs: fromPb.leaseMs ?? fromYaml.leaseMs,
    },
    notices,
  };
}

async function readOne(
  file: string,
  parse: (bytes: Uint8Array) => Found | Promise<Found>,
  notices: Notice[],
): Promise<ProjectConfig> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > MAX_BYTES) throw new Error(`the file is larger than ${MAX_BYTES} bytes`);
    const found = await parse(bytes);
    const check = (key: keyof ProjectConfig): number | undefined => {
      const value = found[key];
      if (value === undefined) return undefined;
      const [least, most] = BOUNDS[key];
      if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value;
      const shown = typeof value === 'number' ? String(value) : value.text;
      notices.push({ kind: 'badConfig', file, detail: `${NAMES[key]} is ${shown}` });
      return undefined;
    };
    return {
      maxTasksPerWave: check('maxTasksPerWave'),
      maxParallelTasks: check('maxParallelTasks'),
      leaseMs: check('leaseMs'),
    };
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'ENOENT' && code !== 'ENOTDIR') {
      notices.push({ kind: 'badConfig', file, detail: error instanceof Error ? error.message : String(error) });
    }
    return NO_CONFIG;
  }
}

/** Fields of exarp-go's `FullConfig`; a zero is not written, and means the same as silence. */
function parsePb(bytes: Uint8Array): Found {
  const message = need(readMessage(bytes));
  const timeouts = need(readMessage(bytesOf(message, 2) ?? new Uint8Array(0)));
  const thresholds = need(readMessage(bytesOf(message, 3) ?? new Uint8Array(0)));
  const leaseSeconds = integerOf(timeouts, 1);
  return {
    maxTasksPerWave: integerOf(thresholds, 18) || undefined,
    maxParallelTasks: integerOf(thresholds, 8) || undefined,
    leaseMs: leaseSeconds === undefined || leaseSeconds === 0 ? undefined : leaseSeconds * 1000,
  };
}

function need<T>(message: T | undefined): T {
  if (message === undefined) throw new Error('not a protobuf message');
  return message;
}

async function parseYaml(bytes: Uint8Array): Promise<Found> {
  // Few projects have the file, so the parser is loaded only with one.
  const { parse } = await import('yaml');
  const document: unknown = parse(new TextDecoder().decode(bytes), { logLevel: 'error' });
  if (document === null || document === undefined) return NO_CONFIG;
  if (!isRecord(document)) throw new Error('the file holds no mapping');
  const [timeouts, thresholds] = [document['timeouts'], document['thresholds']];
  const threshold = (name: string): Found[keyof ProjectConfig] => {
    const value = isRecord(thresholds) ? thresholds[name] : undefined;
    return value === 0 ? undefined : numberOr(value);
  };
  return {
    maxTasksPerWave: threshold('max_tasks_per_wave'),
    maxParallelTasks: threshold('max_parallel_tasks'),
    leaseMs: durationMs(isRecord(timeouts) ? timeouts['task_lock_lease'] : undefined) || undefined,
  };
}

/** A Go duration such as `30m0s`, or a number of seconds. */
function durationMs(value: unknown): Found['leaseMs'] {
  if (typeof value !== 'string') return typeof value === 'number' ? Math.round(value * 1000) : numberOr(value);
  if (/^\d+(\.\d+)?$/.test(value)) return Math.round(Number(value) * 1000);
  if (!/^(\d+(\.\d+)?(ns|us|µs|μs|ms|s|m|h))+$/.test(value)) return { text: JSON.stringify(value) };
  let ms = 0;
  for (const [, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/g)) {
    ms += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
  }
  return Math.round(ms);
}

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
};

function numberOr(value: unknown): number | { readonly text: string } | undefined {
  if (value === undefined || value === null || typeof value === 'number') return value ?? undefined;
  return { text: JSON.stringify(value) };
}
