import type { Usage } from '../../core/run/usage.ts';
import type { OutputFacts } from './verdict.ts';

/** Turns the bytes of an agent into text for display, and extracts the result that it reports. */
export interface OutputReader {
  /**
   * The text of some more bytes, which may end within a character or a line. Nothing in it can make
   * a terminal do more than show it; colours stay where the agent writes for people.
   */
  read(bytes: Uint8Array): string;
  /** What is left when nothing more comes. */
  end(): string;
  /** What a verdict is made of; final after `end`. */
  readonly facts: OutputFacts;
  /** True from the last word of an agent about its work on, until it works again. */
  readonly isDone: boolean;
  /** The session that the agent can resume; always safe as an argument. */
  readonly sessionId: string | undefined;
  /** The agent's last message, plain text of at most 16,000 characters. */
  readonly lastSaid: string | undefined;
  /** What it is doing now: one plain line of at most 80 characters. */
  readonly activity: string | undefined;
  /** What it was not allowed to do, each as one plain line, in order and as often as it tried. */
  readonly denied: readonly string[];
  /** What it used so far; undefined where it says nothing of that, or used nothing. */
  readonly usage: Usage | undefined;
  /** True where `usage` counts from the beginning of its session, which may have been resumed. */
  readonly isUsageOfSession: boolean;
  /** What else the user should know of its work, each as one plain line. */
  readonly remarks: readonly string[];
}
