import { appendFileSync } from 'node:fs';

/** One line of what a run in the extension host has to say to whoever started it. */
export type HostEvent =
  | { readonly kind: 'pass'; readonly title: string; readonly ms: number }
  | { readonly kind: 'skip'; readonly title: string }
  | { readonly kind: 'fail'; readonly title: string; readonly text: string }
  /** A measurement or a remark that is to be shown. */
  | { readonly kind: 'note'; readonly text: string }
  /** Every test has had its turn. */
  | { readonly kind: 'end' };

/**
 * Adds an event to the file that `HOST_REPORT` names; the page's console would hide it among its
 * own.
 */
export function record(event: HostEvent): void {
  const file = process.env['HOST_REPORT'];
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(event)}\n`);
}
