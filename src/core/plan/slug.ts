import { oneLine, trimSigns } from '../text.ts';

/**
 * The name of the plan that agents follow wave by wave; it lies beside the main plan, in the folder
 * of plans.
 */
export const SUBAGENTS_PLAN_FILE = 'parallel-execution-subagents.plan.md';

// A file name may have 255 bytes on the file systems in use; `.plan.md` and the name of a temporary
// file come on top.
const MAX_BYTES = 180;

/**
 * The name of a plan file without its extension, as exarp-go names it: the last part of the title,
 * blanks and colons as `-`, case kept. Characters that a file system refuses or reads as a path are
 * replaced too. Never empty.
 */
export function planSlug(title: string): string {
  const last = title.split('/').findLast((part) => part.trim() !== '') ?? '';
  const name = oneLine(last)
    .normalize('NFC')
    .replace(/[\s:<>"|?*\\]/g, '-')
    .replace(/\.{2,}/g, '.')
    .replace(/^\.+/, '');
  const slug = trimSigns(cutToBytes(name, MAX_BYTES), '', '. ');
  if (slug === '') return 'plan';
  if (RESERVED.test(slug)) return `plan-${slug}`;
  return `${slug}.plan.md`.toLowerCase() === SUBAGENTS_PLAN_FILE ? `${slug}-main` : slug;
}

/** The file of the main plan, in the folder of plans. */
export function mainPlanFile(title: string): string {
  return `${planSlug(title)}.plan.md`;
}

/** Where the main plan goes when a file that is not ours has its name. */
export function otherPlanFile(title: string): string {
  return `${planSlug(title)}-waves.plan.md`;
}

// Windows reserves these for devices, with any extension and in any case.
const RESERVED = /^(?:con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)/i;

const GRAPHEMES = new Intl.Segmenter('en', { granularity: 'grapheme' });

function cutToBytes(text: string, max: number): string {
  let bytes = 0;
  let kept = '';
  for (const { segment } of GRAPHEMES.segment(text.slice(0, max))) {
    for (const point of segment) bytes += utf8Length(point.codePointAt(0) ?? 0);
    if (bytes > max) break;
    kept += segment;
  }
  return kept;
}

function utf8Length(point: number): number {
  return point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
}
