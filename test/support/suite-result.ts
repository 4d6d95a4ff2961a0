/** What came of one suite. `crash` says why it cannot be believed although its counts look well. */
export interface SuiteResult {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly crash?: string;
}
