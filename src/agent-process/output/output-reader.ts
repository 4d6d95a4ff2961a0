import type { RateLimit } from './error-patterns.ts';

/** Turns the bytes of an agent into text for people, and listens for its own word on how it went. */
export interface OutputReader {
  /**
   * The text of some more bytes, which may end within a character or a line. Nothing in it can make a terminal do more
   * than show it; colours stay where the agent writes for people.
   */
  read(bytes: Uint8Array): string;
  /** What is left when nothing more comes. */
  end(): string;
  /** What the agent itself says went wrong, whatever its exit code; final after `end`. */
  readonly complaint: string | undefined;
  /** By which the agent can go on with what it did; always a word that is safe to pass on. */
  readonly sessionId: string | undefined;
  /** The agent's last message, plain text of at most 16,000 characters. */
  readonly lastSaid: string | undefined;
  /** That its maker refused further work for now. To be believed only where the agent ended badly. */
  readonly rateLimit: RateLimit | undefined;
  /** What it is doing now: one plain line of at most 80 characters. */
  readonly activity: string | undefined;
}
