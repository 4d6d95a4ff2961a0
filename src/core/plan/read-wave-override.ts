import type { WaveOverride } from './wave-override.ts';
import { readPlan } from './read-plan.ts';

/**
 * Reads the waves of a file by its format, with any line ends; undefined where it has none. Never
 * fails.
 */
export function readWaveOverride(file: string, text: string): WaveOverride | undefined {
  const waves = /\.json$/i.test(file)
    ? fromJson(text)
    : (readPlan(text).waves ?? fromSections(text) ?? fromPhases(text));
  const named = waves?.map((ids) => ids.filter((id) => id !== '')).filter((ids) => ids.length > 0);
  return named === undefined || named.length === 0 ? undefined : named;
}

/** `{"waves": {"0": ["T-1"]}}`, `{"wave_0": ["T-1"]}`, or lists of lists. */
function fromJson(text: string): WaveOverride | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text.replace(/^\ufeff/, ''));
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const inner = ('waves' in value ? value.waves : undefined) ?? value;
  if (Array.isArray(inner)) return inner.map(idsOf);
  if (typeof inner !== 'object') return undefined;
  return Object.entries(inner)
    .flatMap(([key, ids]) => {
      const number = /^(?:wave[_ -]?)?(\d+)$/i.exec(key)?.[1];
      return number === undefined ? [] : [{ number: Number(number), ids: idsOf(ids) }];
    })
    .sort((a, b) => a.number - b.number)
    .map(({ ids }) => ids);
}

function idsOf(list: unknown): readonly string[] {
  const entries: readonly unknown[] = Array.isArray(list) ? list : [];
  return entries.flatMap((entry) => {
    if (typeof entry === 'string') return [entry];
    const id: unknown =
      typeof entry === 'object' && entry !== null && 'id' in entry ? entry.id : undefined;
    return typeof id === 'string' ? [id] : [];
  });
}

/** The plan for subagents: under each `## Wave N`, the line of ids after `**Task IDs …:**`. */
function fromSections(text: string): WaveOverride | undefined {
  const waves: string[][] = [];
  let isIds = false;
  for (const line of text.split(/\r?\n/)) {
    if (/^## Wave \d+/.test(line)) waves.push([]);
    else if (/^\*\*Task IDs\b.*:\*\*\s*$/.test(line)) isIds = true;
    else if (isIds && line.trim() !== '') {
      for (const id of line.split(',')) waves.at(-1)?.push(id.trim());
      isIds = false;
    }
  }
  return waves.length === 0 ? undefined : waves;
}

/**
 * exarp-go's research plan (plan_waves.go): phase N is wave N-1, phase 0 none; a repeated phase
 * replaces the earlier one.
 */
function fromPhases(text: string): WaveOverride | undefined {
  const phases = new Map<number, string[]>();
  let phase: number | undefined;
  for (const line of text.split(/\r?\n/)) {
    const number = /^##\s+Phase\s+(\d+)\s*[:-]/.exec(line)?.[1];
    if (number !== undefined) {
      phase = Number(number);
      if (phase > 0) phases.set(phase, []);
    } else if (phase !== undefined) {
      const ids = phases.get(phase);
      for (const [, id = ''] of line.matchAll(/\*\*(T-\d+)\*\*/g)) ids?.push(id);
    }
  }
  return phases.size === 0
    ? undefined
    : [...phases].sort(([a], [b]) => a - b).map(([, ids]) => ids);
}
