import type { Clock } from '../../ports.ts';
import type { WaitReason } from '../run-events.ts';

/**
 * Cool-down after a rate limit without a stated delay; doubled each time, until an agent of the
 * kind succeeds.
 */
const FIRST_COOL_DOWN_MS = 60_000;
const LONGEST_COOL_DOWN_MS = 15 * 60_000;
const DAY_MS = 24 * 60 * 60_000;
/** The longest delay accepted from a provider: a weekly quota resets within a week. */
const LONGEST_ASKED_MS = 8 * DAY_MS;
/** How long a lowered cap stays before a success raises it. */
const RAISE_AFTER_MS = 3 * 60_000;

/** The state of one kind of agent. */
interface Kind {
  atWork: number;
  /** The cap after rate limits, and the cap before them; undefined while there is none. */
  lowered: { cap: number; readonly from: number; changedAt: number } | undefined;
  coolUntil: number;
  nextCoolDownMs: number;
}

/**
 * How many agents of a kind may work at a time, over all runs.
 *
 *     open ──rate limit──▶ cooling down, cap halved ──time──▶ open ──successes──▶ cap one higher each ──▶ no cap
 *
 * Agents that work at the same time are refused at the same time: within one cool-down the cap is
 * halved once.
 */
export class AgentLimiter {
  readonly #clock: Clock;
  readonly #kinds = new Map<string, Kind>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(agent: string): void {
    this.#kindOf(agent).atWork++;
  }

  end(agent: string): void {
    this.#kindOf(agent).atWork--;
  }

  /** Why no further agent of this kind starts now; `cap` is what the run allows at most. */
  closedBy(
    agent: string,
    cap: number,
  ): Extract<WaitReason, { kind: 'coolingDown' | 'agentCap' }> | undefined {
    const kind = this.#kinds.get(agent);
    if (kind === undefined) return undefined;
    if (kind.coolUntil > this.#clock.now())
      return { kind: 'coolingDown', agent, until: kind.coolUntil };
    const lowest = Math.min(cap, kind.lowered?.cap ?? Infinity);
    return kind.atWork >= lowest ? { kind: 'agentCap', agent, cap: lowest } : undefined;
  }

  /**
   * To be called while the refused agent still counts as at work. Returns the end of the cool-down,
   * in epoch ms.
   */
  rateLimited(agent: string, retryAfterMs: number | undefined): number {
    const kind = this.#kindOf(agent);
    const now = this.#clock.now();
    const isFirst = kind.coolUntil <= now;
    if (isFirst) {
      const cap = Math.max(1, Math.floor((kind.lowered?.cap ?? kind.atWork) / 2));
      kind.lowered = { cap, from: kind.lowered?.from ?? Math.max(1, kind.atWork), changedAt: now };
    }
    const coolDownMs = asked(retryAfterMs) ?? (isFirst ? kind.nextCoolDownMs : 0);
    if (isFirst) kind.nextCoolDownMs = Math.min(kind.nextCoolDownMs * 2, LONGEST_COOL_DOWN_MS);
    kind.coolUntil = Math.max(kind.coolUntil, now + coolDownMs);
    return kind.coolUntil;
  }

  succeeded(agent: string): void {
    const kind = this.#kindOf(agent);
    const now = this.#clock.now();
    kind.nextCoolDownMs = FIRST_COOL_DOWN_MS;
    const { lowered } = kind;
    if (lowered === undefined || now - Math.max(lowered.changedAt, kind.coolUntil) < RAISE_AFTER_MS)
      return;
    lowered.cap++;
    lowered.changedAt = now;
    if (lowered.cap >= lowered.from) kind.lowered = undefined;
  }

  /** A timer ended the cool-down; the system clock may have been set back since. */
  cooledDown(agent: string): void {
    const kind = this.#kindOf(agent);
    kind.coolUntil = Math.min(kind.coolUntil, this.#clock.now());
  }

  /** Takes over a cool-down from an earlier window. Returns its end, in epoch ms. */
  coolDownUntil(agent: string, until: number): number {
    const kind = this.#kindOf(agent);
    kind.coolUntil = Math.max(
      kind.coolUntil,
      Math.min(until, this.#clock.now() + LONGEST_ASKED_MS),
    );
    return kind.coolUntil;
  }

  #kindOf(agent: string): Kind {
    const known = this.#kinds.get(agent);
    if (known !== undefined) return known;
    const kind: Kind = {
      atWork: 0,
      lowered: undefined,
      coolUntil: 0,
      nextCoolDownMs: FIRST_COOL_DOWN_MS,
    };
    this.#kinds.set(agent, kind);
    return kind;
  }
}

/** The stated delay comes from an agent's output and may be any number. */
function asked(retryAfterMs: number | undefined): number | undefined {
  if (retryAfterMs === undefined || Number.isNaN(retryAfterMs) || retryAfterMs < 0)
    return undefined;
  // It is asked again once a day.
  return retryAfterMs > LONGEST_ASKED_MS ? DAY_MS : retryAfterMs;
}
