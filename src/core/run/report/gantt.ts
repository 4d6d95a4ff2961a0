import { fenced, ganttName, mermaidName } from '../../markdown.ts';

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

/**
 * A Mermaid gantt as a block of markdown; empty without bars. Names are foreign text: they stay names, and neither end
 * the block nor speak Mermaid. Its axis is in the reader's own time zone, as Mermaid has it.
 */
export function ganttBlock(sections: readonly GanttSection[]): string {
  const filled = sections.filter(({ bars }) => bars.length > 0);
  if (filled.length === 0) return '';
  const lines = ['gantt', '    dateFormat x', '    axisFormat %H:%M:%S'];
  for (const { name, bars } of filled) {
    lines.push(`    section ${mermaidName(name)}`);
    for (const { name: bar, look, from, to } of bars) {
      // A bar without a length is not drawn.
      lines.push(`    ${ganttName(bar)} :${look}, ${Math.round(from)}, ${Math.round(Math.max(to, from + 1))}`);
    }
  }
  return fenced(lines.join('\n'), 'mermaid');
}
