import type { Disposable } from '../events.ts';
import type { Clock } from '../ports.ts';
import type { Plan } from '../waves/waves.ts';
import { diagnose, staleAt } from './diagnose.ts';
import type { DoctorInput } from './doctor-input.ts';
import type { Finding } from './finding.ts';

/**
 * Diagnoses take at most a twentieth of the time, so that a busy store does not slow a window down.
 */
const REST_PER_WORK = 20;
const MAX_REST_MS = 5_000;

/** Caches the findings of a backlog: the same list until they may have changed. */
export class FindingsCache implements Disposable {
  readonly #clock: Clock;
  readonly #onStale: () => void;
  #known:
    | {
        readonly plan: Plan;
        readonly from: number;
        readonly to: number;
        readonly restUntil: number;
        readonly findings: readonly Finding[];
      }
    | undefined;
  #later: Disposable | undefined;

  /** `onStale` is called when outdated findings that were returned can be replaced. */
  constructor(clock: Clock, onStale: () => void) {
    this.#clock = clock;
    this.#onStale = onStale;
  }

  of(input: DoctorInput): readonly Finding[] {
    const { plan, now } = input;
    const known = this.#known;
    if (known !== undefined && known.from <= now) {
      if (known.plan === plan && now < known.to) return known.findings;
      if (now < known.restUntil) {
        this.#notifyIn(known.restUntil - now);
        return known.findings;
      }
    }
    const findings = diagnose(input);
    const restUntil = now + Math.min((this.#clock.now() - now) * REST_PER_WORK, MAX_REST_MS);
    this.#known = { plan, from: now, to: staleAt(input), restUntil, findings };
    return findings;
  }

  dispose(): void {
    this.#later?.dispose();
  }

  #notifyIn(ms: number): void {
    this.#later ??= this.#clock.after(ms, () => {
      this.#later = undefined;
      this.#onStale();
    });
  }
}
