import type { Disposable } from '../../events.ts';
import type { Failure } from '../../failure.ts';
import { fail, ok, type Result } from '../../result.ts';

/** What one subagent is asked. */
export interface SubagentRequest {
  readonly prompt: string;
  /** A few words for display. */
  readonly description: string;
  /** Aborting cancels it. */
  readonly signal: AbortSignal;
  /** To be called on every sign of work; without any the subagent looks stuck after a while. */
  readonly onActivity: () => void;
}

/** The answer of a subagent; `rateLimit` where the provider refused it. */
export interface SubagentAnswer {
  readonly text: string;
  readonly rateLimit?: { readonly retryAfterMs: number | undefined; readonly detail: string };
}

/** Starts subagents of the editor. */
export interface SubagentHost {
  /** Undefined while one can be started, else why not. */
  available(): Failure | undefined;
  /** Runs one to its end. Rejects where it was refused or failed; the message is for the user. */
  run(request: SubagentRequest): Promise<SubagentAnswer>;
}

/** A host, for as long as its request is open. */
export interface OpenHost {
  readonly host: SubagentHost;
  /** Aborted when its request has ended. */
  readonly closed: AbortSignal;
}

/**
 * The open subagent hosts. Subagents can only be started from a running chat request, so a host is
 * open while a request runs, and its subagents end with it.
 */
export class SubagentHostRegistry {
  readonly #open = new Set<OpenHost>();

  /**
   * Lets attempts start subagents with this host until it is disposed. Several may be open; the
   * latest one is used.
   */
  open(host: SubagentHost): Disposable {
    const control = new AbortController();
    const opened: OpenHost = { host, closed: control.signal };
    this.#open.add(opened);
    return {
      dispose: () => {
        this.#open.delete(opened);
        control.abort();
      },
    };
  }

  /**
   * Undefined while a subagent can be started, else why not: `noSubagents`, or what the host says.
   */
  available(): Failure | undefined {
    const entered = this.enter();
    return entered.ok ? undefined : entered.failure;
  }

  /** The host that takes the next subagent. Fails as `available` says. */
  enter(): Result<OpenHost, Failure> {
    let failure: Failure = { kind: 'noSubagents' };
    for (const opened of [...this.#open].reverse()) {
      const refusal = opened.host.available();
      if (refusal === undefined) return ok(opened);
      failure = refusal;
    }
    return fail(failure);
  }
}
