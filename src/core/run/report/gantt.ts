import { cut, oneLine } from '../../text.ts';

/** One bar; times are epoch ms. */
export interface GanttBar {
  readonly name: string;
  /** How it looks: plain, at work, or as something that went wrong. */
  readonly look: 'done' | 'active' | 'crit';
  readonly from: number;
  readonly to: number;
}

/** Bars that stand under one heading. */
export interface GanttSection {
  readonly name: string;
  readonly bars: readonly GanttBar[];
}

const NAME_LENGTH = 60;

/**
 * A Mermaid gantt as a block of markdown; empty without bars. Names may be anybody's text: they stay names, and neither end
 * the block nor speak Mermaid. Its axis is in the reader's own time zone, as Mermaid has it.
 */
export function ganttBlock(sections: readonly GanttSection[]): string {
  const filled = sections.filter(({ bars }) => bars.length > 0);
  if (filled.length === 0) return '';
  const lines = ['```mermaid', 'gantt', '    dateFormat x', '    axisFormat %H:%M:%S'];
  for (const { name, bars } of filled) {
    lines.push(`    section ${plainName(name)}`);
    for (const { name: bar, look, from, to } of bars) {
      // A bar without a length is not drawn.
      lines.push(`    ${ganttName(bar)} :${look}, ${Math.round(from)}, ${Math.round(Math.max(to, from + 1))}`);
    }
  }
  return [...lines, '```'].join('\n');
}

/** Text as the name of a bar: nothing but a name, whatever it is. */
export function ganttName(text: string): string {
  const name = plainName(text);
  // A line that begins with a word or a date of its own language would be read as that; with this sign, none does.
  return /^\p{Lu}{1,3}-\d+(?: |$)/u.test(name) ? name : `• ${name}`.trim();
}

/**
 * Mermaid ends a name at `:`, a line at `;`, reads `#` and `%%` as comments, `%%{` as settings and HTML as HTML; there is no
 * way to escape any of it, so only letters, digits and harmless signs stay.
 */
function plainName(text: string): string {
  // Cut first: only so much of a long text needs looking at.
  const plain = oneLine(cut(text, 4 * NAME_LENGTH)).replace(/[^\p{L}\p{M}\p{N} ,.()'’/+_–—-]/gu, ' ');
  return cut(plain.replace(/ +/g, ' ').trim(), NAME_LENGTH);
}
