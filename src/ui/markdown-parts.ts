/** A heading and what stands below it; nothing where there is nothing to stand there. */
export function section(title: string, body: string): string {
  return body === '' ? '' : `## ${title}\n\n${body}`;
}

/** A block of JSON that its own content cannot close. */
export function fence(text: string): string {
  return fenced('json', text);
}

/** A block of code in some language that its own content cannot close. */
export function fenced(language: string, text: string): string {
  const longest = Math.max(2, ...(text.match(/`+/g) ?? []).map((run) => run.length));
  const ticks = '`'.repeat(longest + 1);
  return `${ticks}${language}\n${text}\n${ticks}`;
}
