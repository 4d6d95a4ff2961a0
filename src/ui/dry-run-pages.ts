import * as vscode from 'vscode';
import type { DocumentText } from './shown-documents.ts';
import { showRendered } from './shown-documents.ts';

/** Scheme of the read-only documents that hold dry runs. */
export const DRY_RUN_SCHEME = 'todo2-waves-dry-run';

/** A dry run is of its moment; more of them than these nobody goes back to. */
const KEPT = 20;

/** The dry runs that were made in this window, each a document of its own that does not change. */
export class DryRunPages {
  readonly #texts = new Map<string, string>();
  #count = 0;

  /** What stands in the document that a URI names. */
  readonly textOf: DocumentText = (uri) =>
    this.#texts.get(uri.query) ?? '*This dry run is not kept any more. “Todo2 Waves: Dry Run…” makes a new one.*\n';

  /** Opens a dry run as a rendered page. */
  show(markdown: string): Promise<void> {
    const key = String(++this.#count);
    this.#texts.set(key, markdown);
    for (const oldest of this.#texts.keys()) {
      if (this.#texts.size <= KEPT) break;
      this.#texts.delete(oldest);
    }
    return showRendered(vscode.Uri.from({ scheme: DRY_RUN_SCHEME, path: '/Dry run.md', query: key }), 'take');
  }
}
