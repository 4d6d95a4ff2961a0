import type { ArgsTemplate } from './agent-presets.ts';

/** What the placeholders of an argument stand for; undefined: there is no such thing this time. */
export interface Placeholders {
  readonly promptFile: string;
  readonly cwd: string;
  readonly taskId: string;
  readonly runId: string;
  readonly model?: string | undefined;
  /** The session that is started or resumed. */
  readonly sessionId?: string | undefined;
  /** Only where one is begun. */
  readonly newSession?: string | undefined;
  /** Only where one is resumed. */
  readonly resumes?: string | undefined;
}

const PLACEHOLDER = /\{(promptFile|cwd|taskId|runId|model|sessionId|newSession|resumes)\}/g;

/**
 * Replaces placeholders within each argument, once: placeholders within values are not replaced. A
 * group is left out where one of its placeholders has no value; outside of a group such a
 * placeholder stays, see `missingPlaceholders`.
 */
export function fillArgs(args: ArgsTemplate, values: Placeholders): string[] {
  const texts = textsOf(values);
  const fill = (arg: string): string =>
    arg.replace(PLACEHOLDER, (whole, name: keyof typeof texts) => texts[name] ?? whole);
  return args.flatMap((arg) => {
    if (typeof arg === 'string') return [fill(arg)];
    return namesIn(arg).every((name) => texts[name] !== undefined) ? arg.map(fill) : [];
  });
}

/**
 * The placeholders that stand outside of any group and have no value: an argument would be sent as
 * it is written.
 */
export function missingPlaceholders(args: ArgsTemplate, values: Placeholders): readonly string[] {
  const texts = textsOf(values);
  return namesIn(args.filter((arg) => typeof arg === 'string')).filter(
    (name) => texts[name] === undefined,
  );
}

/** Whether any argument has a place for this. */
export function hasPlaceholder(args: ArgsTemplate, name: keyof Placeholders): boolean {
  return args.flat().some((arg) => arg.includes(`{${name}}`));
}

/**
 * An id as a word that no program can take for an option, a path or a pattern: letters, digits,
 * `.`, `_` and `-`, not beginning with `-` or `.`, at most 64 of them. Different ids may become the
 * same word.
 */
export function toSafeName(id: string): string {
  return (
    id
      .slice(0, 64)
      .replace(/[^A-Za-z0-9._-]/g, '_')
      .replace(/^[-.]+/, '_') || '_'
  );
}

function textsOf(values: Placeholders): Placeholders {
  return { ...values, taskId: toSafeName(values.taskId), runId: toSafeName(values.runId) };
}

function namesIn(args: readonly string[]): readonly (keyof Placeholders)[] {
  return args.flatMap((arg) =>
    [...arg.matchAll(PLACEHOLDER)].map((match) => match[1] as keyof Placeholders),
  );
}
