import type { RateLimit } from './error-patterns.ts';

/** Turns the bytes of an agent into text for display, and extracts the result that it reports. */
export interface OutputReader {
  /**
   * The text of some more bytes, which may end within a character or a line. Nothing in it can make
   * a terminal do more than show it; colours stay where the agent writes for people.
   */
  read(bytes: Uint8Array): string;
  /** What is left when nothing more comes. */
  end(): string;
  /**
   * The error that the agent itself reported, independently of its exit code; final after `end`.
   */
  readonly complaint: string | undefined;
  /** The session that the agent can resume; always safe as an argument. */
  readonly sessionId: string | undefined;
  /** The agent's last message, plain text of at most 16,000 characters. */
  readonly lastSaid: string | undefined;
  /**
   * That its maker refused further work for now. To be believed only where the agent ended badly.
   */
  readonly rateLimit: RateLimit | undefined;
  /** What it is doing now: one plain line of at most 80 characters. */
  readonly activity: string | undefined;
}
