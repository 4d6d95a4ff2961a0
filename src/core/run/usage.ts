/**
 * What agents used, as far as they say: tokens that went in (from a cache or not) and came out, and
 * the cost in US dollars. Undefined: not said, which is not the same as nothing.
 */
export interface Usage {
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
  readonly costUsd: number | undefined;
}

/** Both together; what neither says stays undefined. */
export function addUsage(a: Usage | undefined, b: Usage | undefined): Usage | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const sum = (x: number | undefined, y: number | undefined): number | undefined =>
    x === undefined || y === undefined ? (x ?? y) : x + y;
  return {
    inputTokens: sum(a.inputTokens, b.inputTokens),
    outputTokens: sum(a.outputTokens, b.outputTokens),
    costUsd: sum(a.costUsd, b.costUsd),
  };
}

/**
 * What was used since `before`, where `total` counts a session from its beginning. A total that is
 * smaller than that was counted anew, and stands for itself.
 */
export function usageSince(total: Usage, before: Usage | undefined): Usage {
  if (before === undefined || (tokensOf(total) ?? 0) < (tokensOf(before) ?? 0)) return total;
  const rest = (all: number | undefined, earlier = 0): number | undefined =>
    all === undefined ? undefined : Math.max(0, all - earlier);
  return {
    inputTokens: rest(total.inputTokens, before.inputTokens),
    outputTokens: rest(total.outputTokens, before.outputTokens),
    costUsd: rest(total.costUsd, before.costUsd),
  };
}

/** True where anything was used, as far as it says. */
export function isUsed(usage: Usage): boolean {
  return Object.values(usage).some((amount) => amount > 0);
}

/** All tokens; undefined where none are told. */
export function tokensOf({ inputTokens, outputTokens }: Usage): number | undefined {
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return (inputTokens ?? 0) + (outputTokens ?? 0);
}

/** `12k tokens · $0.34`; without what is not known or nothing, so undefined where that is all. */
export function usageWords(usage: Usage | undefined): string | undefined {
  if (usage === undefined) return undefined;
  const { costUsd } = usage;
  const tokens = tokensOf(usage) ?? 0;
  const parts = [
    // A cost of nothing is most often one that the agent does not know.
    ...(tokens === 0 ? [] : [tokenWords(tokens)]),
    ...(costUsd === undefined || costUsd === 0 ? [] : [costWords(costUsd)]),
  ];
  return parts.length === 0 ? undefined : parts.join(' · ');
}

/** `950 tokens`, `1.2k tokens`, `12k tokens`, `3.4M tokens`. */
export function tokenWords(tokens: number): string {
  return `${shortNumber(tokens)} ${tokens === 1 ? 'token' : 'tokens'}`;
}

/** `950`, `1.2k`, `12k`, `3.4M`. */
export function shortNumber(n: number): string {
  for (const [unit, sign] of UNITS) {
    // What would be rounded to 1000 of a unit is 1 of the next.
    if (n >= unit * 0.9995) return `${rounded(n / unit)}${sign}`;
  }
  return String(n);
}

const UNITS = [
  [1e9, 'G'],
  [1e6, 'M'],
  [1e3, 'k'],
] as const;

function rounded(n: number): string {
  return n < 9.95 ? n.toFixed(1).replace(/\.0$/, '') : String(Math.round(n));
}

/** `$0.34`; `under $0.01` for what would be rounded to nothing. */
export function costWords(usd: number): string {
  if (usd === 0) return '$0';
  return usd < 0.005 ? 'under $0.01' : `$${usd.toFixed(2)}`;
}
