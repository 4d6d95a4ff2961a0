/** True for a text that may be an agent's session; other texts are neither stored nor passed on. */
export function isSessionId(text: string): boolean {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/.test(text);
}
