/** The orders of the simulated agent, see `simulated-agent.ts`. */
export interface Orders {
  readonly title: string;
  readonly seconds: number;
  readonly print: number;
  /** In seconds, before anything else. */
  readonly quiet: number;
  readonly exitCode: number;
  readonly refused: boolean;
  readonly hang: boolean;
  readonly stubborn: boolean;
  readonly tree: boolean;
  readonly touch: string | undefined;
  readonly append: string | undefined;
  /** The files whose conflicts it is asked to resolve; undefined where it is asked for its task. */
  readonly conflicts: readonly string[] | undefined;
  /** What it does then: keep both sides, keep the marks, or nothing. */
  readonly resolve: 'both' | 'badly' | undefined;
  readonly until: string | undefined;
  readonly json: boolean;
  /** What it says that it used, in all. */
  readonly tokens: number;
  readonly usd: number;
}

/**
 * Reads the orders out of a prompt. Only lines of the description of its own task count, which is
 * the end of the first fenced block: what other tasks reported cannot give orders. A prompt without
 * fences is all description.
 */
export function readOrders(prompt: string): Orders {
  const { task, rest } = splitPrompt(prompt);
  const description = /^Description:\n([^]*)$/m.exec(task)?.[1] ?? (task === prompt ? prompt : '');
  const words = [...description.matchAll(/^[ \t]*simulate:(.*)$/gim)].flatMap((match) =>
    (match[1] ?? '').trim().split(/[\s,]+/),
  );
  const given = new Map(words.map((word) => word.split('=', 2) as [string, string | undefined]));
  const number = (name: string, fallback: number): number => {
    const value = Number(given.get(name) ?? Number.NaN);
    return Number.isFinite(value) && value >= 0 ? value : fallback;
  };
  const attempt = Number(/^This is attempt (\d+) at this task\./m.exec(rest)?.[1] ?? 1);
  const isFlaky = given.has('flaky') && attempt <= number('flaky', 1);
  const fileName = (name: string): string | undefined => {
    const value = given.get(name);
    return value !== undefined && /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(value)
      ? value
      : undefined;
  };
  return {
    title: /^Title: (.*)$/m.exec(task)?.[1] ?? 'a task without a title',
    seconds: number('seconds', 2),
    print: number('print', 6),
    quiet: number('quiet', 0),
    exitCode: given.has('fail') ? number('fail', 1) : isFlaky ? 1 : 0,
    refused: given.has('ratelimit') && attempt <= number('ratelimit', Infinity),
    hang: given.has('hang'),
    stubborn: given.has('stubborn'),
    tree: given.has('tree'),
    touch: fileName('touch'),
    append: fileName('append'),
    conflicts: conflictsIn(prompt),
    resolve: given.has('resolve')
      ? given.get('resolve') === 'badly'
        ? 'badly'
        : 'both'
      : undefined,
    until: fileName('until'),
    json: given.has('json'),
    tokens: Math.floor(number('tokens', 0)),
    usd: number('usd', 0),
  };
}

/** The files that `writeResolveText` names, at the end of a prompt. */
function conflictsIn(prompt: string): readonly string[] | undefined {
  const asked = /^Their work is now being merged into your folder:[^]*?^(`{3,})\n([^]*?)\n\1$/m;
  return asked.exec(prompt)?.[2]?.split('\n');
}

/** The first fenced block, and all but the fenced blocks. */
function splitPrompt(prompt: string): { readonly task: string; readonly rest: string } {
  const length = Number(/two fences of (\d+) backticks/.exec(prompt)?.[1] ?? 0);
  if (length === 0) return { task: prompt, rest: prompt };
  const parts = prompt.split(new RegExp(`\n\`{${length}}\n`));
  return { task: parts[1] ?? '', rest: parts.filter((_, index) => index % 2 === 0).join('\n') };
}
