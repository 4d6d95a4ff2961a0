import { duration } from '../text.ts';
import { isRecord } from '../shape.ts';
import { costWords, tokenWords, tokensOf, usageSince, type Usage } from './usage.ts';

/** What a run may use before it pauses; undefined: any amount. All are more than 0. */
export interface RunBudget {
  readonly usd: number | undefined;
  readonly tokens: number | undefined;
  readonly minutes: number | undefined;
}

/** The limits of a budget, as what a run is paused by. */
export const BUDGET_LIMITS = ['costBudget', 'tokenBudget', 'timeBudget'] as const;

export type BudgetLimit = (typeof BUDGET_LIMITS)[number];

/** Where a run began, or went on with a new budget: what it had used by then, and when (epoch ms). */
export interface BudgetStart {
  readonly usage: Usage | undefined;
  readonly at: number;
}

/**
 * A budget as it stands in the settings: `{ "usd": 5, "tokens": 2000000, "minutes": 60 }`, each
 * optional. What is no number above 0 counts as not set; undefined where nothing is set.
 */
export function parseRunBudget(value: unknown): RunBudget | undefined {
  if (!isRecord(value)) return undefined;
  const limit = (name: keyof RunBudget): number | undefined => {
    const n = Object.hasOwn(value, name) ? value[name] : undefined;
    return typeof n === 'number' && Number.isFinite(n) && n > 0 ? n : undefined;
  };
  const budget = { usd: limit('usd'), tokens: limit('tokens'), minutes: limit('minutes') };
  return Object.values(budget).every((n) => n === undefined) ? undefined : budget;
}

/**
 * The limit that a run has reached by `now` (epoch ms), given all that its attempts used; undefined
 * where it is within its budget.
 */
export function reachedLimit(
  budget: RunBudget | undefined,
  start: BudgetStart,
  usage: Usage | undefined,
  now: number,
): BudgetLimit | undefined {
  if (budget === undefined) return undefined;
  const { usd = Infinity, tokens = Infinity, minutes = Infinity } = budget;
  const used = usage && usageSince(usage, start.usage);
  if ((used?.costUsd ?? 0) >= usd) return 'costBudget';
  if (((used && tokensOf(used)) ?? 0) >= tokens) return 'tokenBudget';
  return now - start.at >= minutes * 60_000 ? 'timeBudget' : undefined;
}

/** When a run reaches the limit of its time, epoch ms; undefined without such a limit. */
export function timeLimitAt(budget: RunBudget | undefined, start: BudgetStart): number | undefined {
  return budget?.minutes === undefined ? undefined : start.at + budget.minutes * 60_000;
}

/** `$5.00, 2M tokens, 1 h`: a budget for people. */
export function budgetWords({ usd, tokens, minutes }: RunBudget): string {
  return [
    ...(usd === undefined ? [] : [costWords(usd)]),
    ...(tokens === undefined ? [] : [tokenWords(tokens)]),
    ...(minutes === undefined ? [] : [duration(minutes * 60_000)]),
  ].join(', ');
}

/** Which limit a run has reached, to stand in a sentence: “its budget of $5.00”. */
export function limitWords(limit: BudgetLimit, budget: RunBudget | undefined): string {
  const value = limitValue(limit, budget);
  return value === undefined ? 'its budget' : `its budget of ${value}`;
}

/** `$5.00`, `2M tokens` or `1 h`; undefined where the budget has no such limit. */
export function limitValue(limit: BudgetLimit, budget: RunBudget | undefined): string | undefined {
  const field = FIELD_OF[limit];
  const value = budget?.[field];
  return value === undefined ? undefined : budgetWords({ ...NOTHING, [field]: value });
}

const FIELD_OF: Readonly<Record<BudgetLimit, keyof RunBudget>> = {
  costBudget: 'usd',
  tokenBudget: 'tokens',
  timeBudget: 'minutes',
};

const NOTHING: RunBudget = { usd: undefined, tokens: undefined, minutes: undefined };

/** True for what a run is paused by, where that is a limit of its budget. */
export function isBudgetLimit(by: string | undefined): by is BudgetLimit {
  return BUDGET_LIMITS.some((limit) => limit === by);
}
