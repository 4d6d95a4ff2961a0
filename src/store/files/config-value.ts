import { parsePriority, parseStatus } from '../../core/task.ts';
import type { Shape } from './config-fields.ts';
import { pathWithin } from './locate.ts';

/** In characters, for names, tags and paths. */
const MAX_TEXT = 1_000;

type Read = { readonly value: unknown } | { readonly fault: string };

/**
 * Reads and checks a raw value. Undefined for null, zero and an empty text or list, which mean that
 * it is not set.
 */
export function readConfigValue(found: unknown, shape: Shape, root: string): Read | undefined {
  if (found === undefined || found === null || found === '' || found === 0) return undefined;
  if (Array.isArray(found) && found.length === 0) return undefined;
  switch (shape.kind) {
    case 'count':
      return inBounds(found, typeof found === 'number' ? found : undefined, shape.bounds);
    case 'duration':
      return inBounds(found, durationMs(found), shape.bounds);
    case 'hours': {
      const hours = inBounds(found, typeof found === 'number' ? found : undefined, shape.bounds);
      return 'value' in hours ? { value: Number(hours.value) * 3_600_000 } : hours;
    }
    case 'text':
      return isText(found) ? { value: found } : bad(found);
    case 'texts':
      return Array.isArray(found) && found.every(isText) ? { value: found } : bad(found);
    case 'status': {
      const status = isText(found) ? parseStatus(found) : 'Unknown';
      return status === 'Unknown' ? bad(found) : { value: status };
    }
    case 'priority': {
      const priority = isText(found) ? parsePriority(found) : 'other';
      return priority === 'other' ? bad(found) : { value: priority };
    }
    case 'path': {
      if (!isText(found)) return bad(found);
      const path = pathWithin(root, found);
      return path === undefined
        ? { fault: `it is ${JSON.stringify(found)}, which leads out of the folder` }
        : { value: path };
    }
  }
}

function inBounds(
  found: unknown,
  value: number | undefined,
  [least, most]: readonly [number, number],
): Read {
  return value !== undefined && Number.isInteger(value) && value >= least && value <= most
    ? { value }
    : bad(found);
}

function bad(found: unknown): Read {
  const shown = JSON.stringify(found) as string | undefined;
  return { fault: `it is ${(shown ?? String(found)).slice(0, 80)}` };
}

function isText(value: unknown): value is string {
  return (
    typeof value === 'string' &&
    value.trim() !== '' &&
    value.length <= MAX_TEXT &&
    !/[\x00-\x1f\x7f]/.test(value)
  );
}

/** A Go duration such as `30m0s`, or a number of seconds. */
function durationMs(value: unknown): number | undefined {
  if (typeof value === 'number') return Math.round(value * 1000);
  if (typeof value !== 'string' || value.length > MAX_TEXT) return undefined;
  if (/^\d+(\.\d+)?$/.test(value)) return Math.round(Number(value) * 1000);
  let [ms, length] = [0, 0];
  for (const [whole, amount, unit] of value.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|μs|ms|s|m|h)/gy)) {
    ms += Number(amount) * (UNIT_MS[unit ?? ''] ?? 0);
    length += whole.length;
  }
  return length === 0 || length < value.length ? undefined : Math.round(ms);
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
