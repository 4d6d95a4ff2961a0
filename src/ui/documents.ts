import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import { writeHandoffPrompt } from '../core/handoff-prompt.ts';
import { taskId } from '../core/task.ts';
import { analysisOf } from './analysis-report.ts';
import { analysisDocument } from './analysis-document.ts';
import type { Backlogs } from './backlogs.ts';
import { batchDocument } from './batch-document.ts';
import { doctorDocument } from './doctor/doctor-document.ts';
import { handoffDocument } from './handoffs/handoff-document.ts';
import { findHandoff } from './handoffs/handoff-row.ts';
import { taskDocument } from './task-document.ts';

/** Scheme of all read-only documents: `todo2-waves:/<kind>/<title>.md?["<root>","<key>"]`. */
export const DOCUMENT_SCHEME = 'todo2-waves';

/** One kind of read-only document. */
interface Page {
  /** What its tab says; undefined where that is the key. */
  readonly title?: string;
  /** `preview` leaves the focus where it is, `page` takes it, `text` opens the Markdown source. */
  readonly opens: 'preview' | 'page' | 'text';
  /** Undefined where what the key names does not exist any more. */
  readonly text: (key: string, backlog: Backlog, backlogs: Backlogs) => string | undefined;
  /** What is shown then, and where the backlog is not open. */
  readonly gone: string;
  /** The least time between two makings, in ms, of a document that takes long to make. */
  readonly restMs?: number;
}

const PAGES = {
  task: {
    opens: 'preview',
    text: (id, backlog) => {
      const task = backlog.task(taskId(id));
      return task && taskDocument(backlog, task);
    },
    gone: 'This task is not in the backlog any more.',
  },
  handoff: {
    opens: 'preview',
    text: (key, backlog) => {
      const handoff = findHandoff(backlog, key);
      return handoff && handoffDocument(backlog, handoff);
    },
    gone: 'This handoff is not in the file any more.',
  },
  /** The prompt to resume from a handoff: text, since that is what the user passes on. */
  resume: {
    opens: 'text',
    text: (key, backlog) => {
      const handoff = findHandoff(backlog, key);
      return handoff && writeHandoffPrompt(handoff, backlog.root, (id) => backlog.task(taskId(id)));
    },
    gone: 'This handoff is not in the file any more.',
  },
  doctor: {
    title: 'Doctor',
    opens: 'page',
    text: (_, backlog) => doctorDocument(backlog),
    gone: 'This backlog is not open any more.',
  },
  analysis: {
    title: 'Analysis',
    opens: 'page',
    text: (_, backlog) => {
      const analysis = analysisOf(backlog);
      return analysis === undefined
        ? '*The backlog has not been read.*\n'
        : analysisDocument(backlog.name, analysis);
    },
    gone: 'This backlog is not open any more.',
    restMs: 3_000,
  },
  batch: {
    title: 'Batch',
    opens: 'page',
    text: (_, { lastBatch, name }) => lastBatch && batchDocument(name, lastBatch),
    gone: 'No batch was run on this backlog in this window.',
  },
  run: {
    title: 'Run report',
    opens: 'page',
    text: (id, backlog, backlogs) =>
      backlog.runs.find(id) ? backlogs.of(backlog).reportOf(id) : undefined,
    gone: 'This run is not kept any more.',
  },
  dryRun: {
    title: 'Dry run',
    opens: 'page',
    text: keptText,
    gone: 'This dry run is not kept any more. “Todo2 Waves: Dry Run…” makes a new one.',
  },
  /** A plan as it would be after a repair. */
  plan: {
    title: 'Plan',
    opens: 'text',
    text: keptText,
    gone: 'This preview is not kept any more.',
  },
} as const satisfies Readonly<Record<string, Page>>;

export type DocumentKind = keyof typeof PAGES;

/** Names a document; `key` is the task, handoff, run or kept text that it shows. */
export function documentUri(kind: DocumentKind, root: string, key = ''): vscode.Uri {
  const page: Page = PAGES[kind];
  // Encoded as a whole, so that no id is ever taken for a path; half a surrogate pair has no place
  // in a URI.
  const title = page.title ?? encodeURIComponent(key.toWellFormed());
  return vscode.Uri.from({
    scheme: DOCUMENT_SCHEME,
    path: `/${kind}/${title}.md`,
    query: formatQuery(root, key),
  });
}

/** What a URI names; undefined for a foreign one. The root may be of no open backlog. */
export function parseDocumentUri(
  uri: vscode.Uri,
): { readonly kind: DocumentKind; readonly root: string; readonly key: string } | undefined {
  const kind = uri.path.split('/')[1] ?? '';
  if (uri.scheme !== DOCUMENT_SCHEME || !Object.hasOwn(PAGES, kind)) return undefined;
  return { kind: kind as DocumentKind, ...parseQuery(uri.query) };
}

export function formatQuery(root: string, key: string): string {
  return JSON.stringify([root, key]);
}

/** Total: the user may have typed the URI, and then it may name nothing. */
export function parseQuery(query: string): { readonly root: string; readonly key: string } {
  try {
    const value: unknown = JSON.parse(query);
    const [root, key] = Array.isArray(value) ? (value as readonly unknown[]) : [];
    return { root: typeof root === 'string' ? root : '', key: typeof key === 'string' ? key : '' };
  } catch {
    return { root: '', key: '' };
  }
}

/** The Markdown text of a document. */
export function documentText(uri: vscode.Uri, backlogs: Backlogs): string {
  const parsed = parseDocumentUri(uri);
  if (parsed === undefined) return '*There is no such document.*\n';
  const page: Page = PAGES[parsed.kind];
  const backlog = backlogs.all.find(({ root }) => root === parsed.root);
  return (backlog && page.text(parsed.key, backlog, backlogs)) ?? `*${page.gone}*\n`;
}

/** How long a document rests between two makings, in ms; 0 where it is cheap to make. */
export function restMsOf(uri: vscode.Uri): number {
  const kind = parseDocumentUri(uri)?.kind;
  const page: Page | undefined = kind && PAGES[kind];
  return page?.restMs ?? 0;
}

/** Opens a document as its kind says; as text where the editor has no Markdown preview. */
export async function openDocument(
  kind: DocumentKind,
  { root }: Backlog,
  key?: string,
): Promise<void> {
  const uri = documentUri(kind, root, key);
  const { opens } = PAGES[kind];
  const options = { preview: true, preserveFocus: opens === 'preview' };
  if (opens !== 'text') {
    try {
      await vscode.commands.executeCommand(
        'vscode.openWith',
        uri,
        'vscode.markdown.preview.editor',
        options,
      );
      return;
    } catch {
      // An editor without its Markdown extension has no such page; the text says the same.
    }
  }
  await vscode.window.showTextDocument(uri, options);
}

/**
 * Dry runs and previews are of their moment: the user does not go back to more of them than these.
 */
const MOST_KEPT = 20;
const kept = new Map<string, string>();
let keptCount = 0;

/** Keeps a text for a document that does not change, and returns its key. */
export function keepText(text: string): string {
  const key = String(++keptCount);
  kept.set(key, text);
  for (const oldest of kept.keys()) {
    if (kept.size <= MOST_KEPT) break;
    kept.delete(oldest);
  }
  return key;
}

function keptText(key: string): string | undefined {
  return kept.get(key);
}
