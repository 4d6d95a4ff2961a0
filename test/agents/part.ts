/** A table of the run, and everything in it that is not as it should be. */
export interface Part {
  readonly title: string;
  readonly heads: readonly string[];
  readonly lines: readonly (readonly string[])[];
  /** How many cases it tells of. */
  readonly count: number;
  readonly wrong: readonly string[];
}

/** One case, as its cell in the table. */
export interface Cell {
  readonly text: string;
  readonly problems: readonly string[];
}

/**
 * Runs one case and says so while it does. What it throws is a problem of the case. Problems are
 * marked in its text.
 */
export async function runCell(name: string, work: () => Promise<Cell>): Promise<Cell> {
  process.stdout.write(`• ${name} …`);
  const begun = performance.now();
  let cell: Cell;
  try {
    cell = await work();
  } catch (error) {
    const problem = error instanceof Error ? (error.stack ?? error.message) : String(error);
    cell = { text: 'broken', problems: [problem] };
  }
  const { text, problems } = cell;
  const seconds = ((performance.now() - begun) / 1000).toFixed(1);
  process.stdout.write(` ${text}, ${seconds} s${problems.length > 0 ? ' ✖' : ''}\n`);
  for (const problem of problems) process.stdout.write(`    ${problem}\n`);
  return {
    text: problems.length > 0 ? `✖ ${text}` : text,
    problems: problems.map((problem) => `${name}: ${problem}`),
  };
}

/** The table as Markdown, with columns of equal width. */
export function tableOf({ heads, lines }: Pick<Part, 'heads' | 'lines'>): string {
  const widths = heads.map((head, at) =>
    Math.max(head.length, ...lines.map((line) => line[at]?.length ?? 0)),
  );
  const format = (line: readonly string[]): string =>
    `| ${widths.map((width, at) => (line[at] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [format(heads), rule, ...lines.map(format)].join('\n');
}
