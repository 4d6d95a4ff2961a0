import type { Disposable } from '../core/events.ts';
import type { Clock } from '../core/ports.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import { listResources, readResources } from './resources.ts';

export interface SubscriptionsParts {
  readonly served: () => Promise<AgentBacklog>;
  readonly clock: Clock;
  readonly onUpdated: (uri: string) => Promise<void>;
  readonly onListChanged: () => Promise<void>;
  readonly reportBug: (error: unknown) => void;
}

/** A wave of agents writes many times a second; no client reads so often. */
const REST_MS = 500;

/** Tells a client which resources have changed since it was last told, and the list of them. */
export class Subscriptions implements Disposable {
  readonly #parts: SubscriptionsParts;
  /** What each address held when the client was last told. */
  readonly #known = new Map<string, string | undefined>();
  #list: string | undefined;
  #listening: Disposable | undefined;
  #timer: Disposable | undefined;
  #isLooking = false;
  #isOld = false;
  #disposed = false;

  constructor(parts: SubscriptionsParts) {
    this.#parts = parts;
  }

  /** Begins to look for changes of the list; without it only what is subscribed to is looked at. */
  start(): void {
    if (this.#disposed) return;
    this.#inBackground(async () => {
      const { backlog } = await this.#listen();
      await backlog.refresh();
      this.#list ??= listOf(backlog);
    });
  }

  /** False where nothing stands at that address. */
  async add(uri: string): Promise<boolean> {
    const served = await this.#listen();
    await served.backlog.refresh();
    const text = (await readResources(served, [uri])).get(uri);
    if (text === undefined) return false;
    this.#known.set(uri, text);
    return true;
  }

  remove(uri: string): void {
    this.#known.delete(uri);
  }

  dispose(): void {
    this.#disposed = true;
    this.#listening?.dispose();
    this.#timer?.dispose();
  }

  async #listen(): Promise<AgentBacklog> {
    const served = await this.#parts.served();
    if (!this.#isDisposed()) this.#listening ??= served.backlog.onDidChange(() => this.#lookSoon());
    return served;
  }

  #lookSoon(): void {
    this.#isOld = true;
    if (this.#isLooking || this.#timer !== undefined) return;
    this.#timer = this.#parts.clock.after(REST_MS, () => {
      this.#timer = undefined;
      this.#inBackground(() => this.#look());
    });
  }

  async #look(): Promise<void> {
    const served = await this.#parts.served();
    const list = listOf(served.backlog);
    if (this.#list !== undefined && list !== this.#list) {
      this.#list = list;
      await this.#parts.onListChanged();
    }
    const now = await readResources(served, [...this.#known.keys()]);
    for (const [uri, text] of now) {
      if (this.#isDisposed()) return;
      // Gone by now is news, too; a client that stopped listening meanwhile is not told.
      if (!this.#known.has(uri) || text === this.#known.get(uri)) continue;
      this.#known.set(uri, text);
      await this.#parts.onUpdated(uri);
    }
  }

  #inBackground(work: () => Promise<void>): void {
    this.#isLooking = true;
    this.#isOld = false;
    work()
      .catch((error: unknown) => {
        // A client that went away cannot be told.
        if (!this.#disposed) this.#parts.reportBug(error);
      })
      .finally(() => {
        this.#isLooking = false;
        if (this.#isOld && !this.#disposed) this.#lookSoon();
      });
  }

  /** A question, as the answer may change over an `await`. */
  #isDisposed(): boolean {
    return this.#disposed;
  }
}

function listOf(backlog: AgentBacklog['backlog']): string {
  return JSON.stringify(listResources(backlog).map(({ uri, title }) => [uri, title]));
}
