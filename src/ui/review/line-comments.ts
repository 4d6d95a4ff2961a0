import * as vscode from 'vscode';
import { listOf, objectOf, parseAs, positive, someText, text } from '../../core/shape.ts';
import type { LineComment } from '../../core/run/send-back.ts';
import { taskIdShape } from '../../core/task-id-shape.ts';
import { cut } from '../../core/text.ts';
import { pushTo } from '../../core/push-to.ts';
import { type ReviewedTask, reviewedWork, type ReviewedWork, workUri } from './review-files.ts';

/** A comment on lines of some work, until it is sent back. */
type KeptComment = ReviewedWork & LineComment;

/** The most comments on lines of one task, and the longest texts of one, in characters. */
export const LINE_COMMENT_MOST = { count: 100, quote: 600, text: 4_000 };

const KEY = 'todo2Waves.lineComments';
/** In all backlogs of a window; the oldest go first. */
const MOST_KEPT = 1_000;

const keptShape = listOf(
  objectOf<KeptComment>({
    ...{ root: someText, commit: someText, runId: someText, id: taskIdShape },
    ...{ path: someText, line: positive, quote: text, text },
  }),
);

/** One comment as the editor shows it: its body is plain text, never Markdown. */
class Shown implements vscode.Comment {
  readonly author = { name: 'You' };
  readonly thread: vscode.CommentThread;
  kept: KeptComment;
  mode = vscode.CommentMode.Preview;
  body: string;

  constructor(kept: KeptComment, thread: vscode.CommentThread) {
    [this.kept, this.thread, this.body] = [kept, thread, kept.text];
  }
}

/**
 * What a person writes on lines of the work on a task, on the side of a diff that has it. Kept for
 * each run and task until it is sent back or deleted, also over a reload of the window.
 */
export class LineComments implements vscode.Disposable {
  readonly #controller = vscode.comments.createCommentController(
    'todo2-waves-review',
    'Todo2 Waves Review',
  );
  readonly #threads = new Map<vscode.CommentThread, readonly Shown[]>();
  readonly #memory: Pick<vscode.Memento, 'get' | 'update'>;
  readonly #mayComment: (work: ReviewedWork) => boolean;

  constructor(
    memory: Pick<vscode.Memento, 'get' | 'update'>,
    mayComment: (work: ReviewedWork) => boolean,
  ) {
    [this.#memory, this.#mayComment] = [memory, mayComment];
    this.#controller.options = {
      prompt: 'Comment on these lines…',
      placeHolder: 'Sent to the agent by Todo2 Waves: Send Back…',
    };
    this.#controller.commentingRangeProvider = {
      provideCommentingRanges: ({ uri, lineCount }) => {
        const work = reviewedWork(uri);
        if (work === undefined || !this.#mayComment(work)) return [];
        return [new vscode.Range(0, 0, Math.max(0, lineCount - 1), 0)];
      },
    };
    this.#show(parseAs(keptShape, memory.get<string>(KEY, '[]')) ?? []);
  }

  /** Those on the work of a task, in the order of files and lines. */
  of(root: string, work: ReviewedTask): readonly LineComment[] {
    return this.#all
      .filter(({ kept }) => isOn(kept, root, work))
      .map(({ kept: { path, line, quote, text: written } }) => ({
        path,
        line,
        quote,
        text: written,
      }))
      .sort((a, b) => (a.path === b.path ? a.line - b.line : a.path < b.path ? -1 : 1));
  }

  /** Forgets those on the work of a task. */
  async clear(root: string, work: ReviewedTask): Promise<void> {
    this.#drop(({ kept }) => isOn(kept, root, work));
    await this.#keep();
  }

  /**
   * Shows those on the work of a task at another commit of it, each where the lines that it is
   * about are now.
   */
  async follow(
    root: string,
    work: ReviewedTask,
    commit: string,
    textOf: (path: string) => Promise<string | undefined>,
  ): Promise<void> {
    const isOlder = ({ kept }: Shown): boolean => isOn(kept, root, work) && kept.commit !== commit;
    const older = this.#all.filter(isOlder).map(({ kept }) => kept);
    if (older.length === 0) return;
    const moved: KeptComment[] = [];
    for (const kept of older) {
      const whole = await textOf(kept.path);
      const line = whole === undefined ? kept.line : nearestLine(whole, kept);
      moved.push({ ...kept, commit, line });
    }
    this.#drop(isOlder);
    this.#show(moved);
    await this.#keep();
  }

  /** Adds what was written below a line to its thread. `reply` is what the editor passes. */
  async add(reply: unknown): Promise<void> {
    if (!isReply(reply)) return;
    const { thread } = reply;
    const written = reply.text.trim();
    const work = reviewedWork(thread.uri);
    if (written === '' || work === undefined || thread.range === undefined) return;
    // An editor that is open keeps its + beside the lines.
    if (!this.#mayComment(work)) {
      const message = 'This work was sent back, or its run is gone: nothing was added.';
      return void vscode.window.showWarningMessage(message);
    }
    if (this.of(work.root, work).length >= LINE_COMMENT_MOST.count) {
      const message = `A task can have ${LINE_COMMENT_MOST.count} comments on lines. This one was not added.`;
      return void vscode.window.showWarningMessage(message);
    }
    const { start, end } = thread.range;
    const document = await vscode.workspace.openTextDocument(thread.uri);
    const lines = linesOf(document.getText()).slice(start.line, end.line + 1);
    const quote = cut(lines.join('\n'), LINE_COMMENT_MOST.quote);
    const kept = {
      ...work,
      line: start.line + 1,
      quote,
      text: cut(written, LINE_COMMENT_MOST.text),
    };
    this.#put(thread, [...(this.#threads.get(thread) ?? []), new Shown(kept, thread)]);
    await this.#keep();
  }

  edit(comment: unknown): void {
    if (comment instanceof Shown) this.#redraw(comment, vscode.CommentMode.Editing);
  }

  /** Takes what the editor has written into its body. */
  async save(comment: unknown): Promise<void> {
    if (!(comment instanceof Shown)) return;
    const written = cut(comment.body.trim(), LINE_COMMENT_MOST.text);
    if (written !== '') comment.kept = { ...comment.kept, text: written };
    this.#redraw(comment, vscode.CommentMode.Preview);
    await this.#keep();
  }

  cancel(comment: unknown): void {
    if (comment instanceof Shown) this.#redraw(comment, vscode.CommentMode.Preview);
  }

  async remove(comment: unknown): Promise<void> {
    if (!(comment instanceof Shown)) return;
    this.#drop((each) => each === comment);
    await this.#keep();
  }

  dispose(): void {
    this.#controller.dispose();
  }

  get #all(): readonly Shown[] {
    return [...this.#threads.values()].flat();
  }

  #show(comments: readonly KeptComment[]): void {
    const threads = new Map<string, KeptComment[]>();
    for (const comment of comments) {
      const { text: _, ...place } = comment;
      pushTo(threads, JSON.stringify(place), comment);
    }
    for (const [first, ...others] of threads.values()) {
      if (first === undefined) continue;
      const last = first.line + first.quote.split('\n').length - 1;
      const range = new vscode.Range(first.line - 1, 0, last - 1, 0);
      const thread = this.#controller.createCommentThread(workUri(first), range, []);
      this.#put(
        thread,
        [first, ...others].map((kept) => new Shown(kept, thread)),
      );
    }
  }

  #put(thread: vscode.CommentThread, comments: readonly Shown[]): void {
    thread.label = 'Comment for the agent';
    thread.collapsibleState = vscode.CommentThreadCollapsibleState.Expanded;
    thread.comments = comments;
    this.#threads.set(thread, comments);
  }

  #redraw(comment: Shown, mode: vscode.CommentMode): void {
    [comment.mode, comment.body] = [mode, comment.kept.text];
    // The editor looks for a new list.
    this.#put(comment.thread, [...(this.#threads.get(comment.thread) ?? [])]);
  }

  #drop(isDropped: (comment: Shown) => boolean): void {
    for (const [thread, comments] of [...this.#threads]) {
      const left = comments.filter((comment) => !isDropped(comment));
      if (left.length > 0) this.#put(thread, left);
      else {
        this.#threads.delete(thread);
        thread.dispose();
      }
    }
  }

  async #keep(): Promise<void> {
    const kept = this.#all.map((comment) => comment.kept).slice(-MOST_KEPT);
    await this.#memory.update(KEY, JSON.stringify(kept));
  }
}

function isOn(kept: KeptComment, root: string, { runId, id }: ReviewedTask): boolean {
  return kept.root === root && kept.runId === runId && kept.id === id;
}

function isReply(value: unknown): value is vscode.CommentReply {
  return typeof value === 'object' && value !== null && 'thread' in value && 'text' in value;
}

/** Where the lines of a quote begin in a text: the place next to where they were, from 1. */
function nearestLine(whole: string, { line, quote }: Pick<LineComment, 'line' | 'quote'>): number {
  const [wanted = ''] = quote.split('\n');
  const places = linesOf(whole).flatMap((each, at) => (each === wanted ? [at + 1] : []));
  const distance = (place: number): number => Math.abs(place - line);
  // Where they are gone, it stays where it was.
  const [nearest = line] = places.sort((a, b) => distance(a) - distance(b));
  return nearest;
}

function linesOf(whole: string): readonly string[] {
  return whole.split(/\r\n|\r|\n/);
}
