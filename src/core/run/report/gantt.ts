import { fenced, ganttName, mermaidName } from '../../markdown.ts';

/** One bar; times are epoch ms. */
export interface GanttBar {
  readonly name: string;
  /** Its style: plain, at work, or failed. */
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
 * A Mermaid gantt as a block of markdown; empty without bars. Names are not trusted: they are
 * escaped, so that they neither end the block nor add Mermaid syntax. Mermaid draws the axis in the
 * reader's time zone.
 */
export function ganttBlock(sections: readonly GanttSection[]): string {
  const filled = sections.filter(({ bars }) => bars.length > 0);
  if (filled.length === 0) return '';
  const lines = ['gantt', '    dateFormat x', '    axisFormat %H:%M:%S'];
  for (const { name, bars } of filled) {
    lines.push(`    section ${mermaidName(name)}`);
    for (const { name: bar, look, from, to } of bars) {
      // A bar without a length is not drawn.
      lines.push(
        `    ${ganttName(bar)} :${look}, ${Math.round(from)}, ${Math.round(Math.max(to, from + 1))}`,
      );
    }
  }
  return fenced(lines.join('\n'), 'mermaid');
}
