/** What an agent is asked when it goes on with work that was looked at. */
export interface FollowUp {
  /** Of the one who looked at it, with lines of files that it is about: data, as a task is. */
  readonly text: string;
  /**
   * The attempt at the same task whose session goes on. Undefined, or where that session cannot be
   * resumed: a new one begins, with the usual prompt before this text.
   */
  readonly after: { readonly runId: string; readonly attemptNo: number } | undefined;
}

/** The longest text of a follow-up, in characters: more of it is cut. */
export const FOLLOW_UP_MOST = 60_000;
