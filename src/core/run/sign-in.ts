/**
 * True where an agent says that it may not work. Agents word it each in their own way: an account, a
 * key, or the trust of a folder is missing.
 */
export function asksToSignIn(detail: string): boolean {
  return /\b(?:log ?in|logged in|sign ?in|signed in|auth\w*|api[ _-]?key|credentials?|workspace trust)\b/i.test(
    detail,
  );
}
