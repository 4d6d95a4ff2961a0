/** Whether a text may be an agent's session: anything else, wherever it comes from, is never kept or passed on. */
export function isSessionId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(text);
}
