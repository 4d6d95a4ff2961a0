import { addUsage, isUsed, type Usage } from '../../core/run/usage.ts';

/** What an agent says of its usage, and of what it says that. */
export interface ToldUsage {
  /**
   * `step`: of one answer of its model. `process`: all since it was started. `session`: all since
   * its session began, which may be longer ago.
   */
  readonly of: 'step' | 'process' | 'session';
  /** Of a step: what is told again with the same id takes the place of what was told. */
  readonly id?: string | undefined;
  readonly usage: Usage;
}

/** Of so many steps it is known which one is told again. */
const MAX_STEPS = 10_000;

/**
 * Adds up what an agent says of its usage. Each total takes the place of all that was told before
 * it, so nothing counts twice. A total of nothing is no total: an agent that was cut off says that,
 * too.
 */
export class UsageMeter {
  #total: Usage | undefined;
  #isOfSession = false;
  /** Of the steps since the total. */
  #sum: Usage | undefined;
  readonly #steps = new Map<string, Usage>();

  note({ of, id, usage }: ToldUsage): void {
    if (!isUsed(usage)) return;
    if (of !== 'step') {
      // A total of the cost alone leaves the tokens as they were told.
      const { inputTokens, outputTokens } = this.usage ?? usage;
      const hasTokens = (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) > 0;
      this.#total = hasTokens ? usage : { ...usage, inputTokens, outputTokens };
      this.#isOfSession = of === 'session';
      this.#sum = undefined;
      this.#steps.clear();
    } else if (id === undefined) {
      this.#sum = addUsage(this.#sum, usage);
    } else {
      if (this.#steps.size >= MAX_STEPS) this.#fold();
      this.#steps.set(id, usage);
    }
  }

  /** Undefined where nothing was told, or nothing was used. */
  get usage(): Usage | undefined {
    const steps = [...this.#steps.values()].reduce<Usage | undefined>(addUsage, this.#sum);
    return addUsage(this.#total, steps);
  }

  /** True where `usage` counts from the beginning of the session. */
  get isOfSession(): boolean {
    return this.#isOfSession;
  }

  #fold(): void {
    for (const usage of this.#steps.values()) this.#sum = addUsage(this.#sum, usage);
    this.#steps.clear();
  }
}
