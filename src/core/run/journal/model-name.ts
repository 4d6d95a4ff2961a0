/** Whether a text may name a model: one word that no program can take for an option. */
export function isModelName(text: string): boolean {
  return /^[A-Za-z0-9][\w.:/@+-]{0,99}$/.test(text);
}
