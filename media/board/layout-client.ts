import type { Layout, LayoutRequest } from './layout-graph.ts';

type LayoutFunction = (request: LayoutRequest) => Layout;

declare global {
  var todo2WavesLayout: LayoutFunction | undefined;
}

/** Where the program of the layout is, and what lets the page run it. */
export interface LayoutProgram {
  readonly url: string;
  readonly nonce: string;
}

/** Lays out graphs beside the page; in it, where no worker can be started. */
export class LayoutClient {
  readonly #program: LayoutProgram;
  #work: Promise<(request: LayoutRequest) => Promise<Layout>> | undefined;

  constructor(program: LayoutProgram) {
    this.#program = program;
  }

  /** The layouts come in the order in which they were asked for. */
  async layout(request: LayoutRequest): Promise<Layout> {
    this.#work ??= this.#start();
    return (await this.#work)(request);
  }

  async #start(): Promise<(request: LayoutRequest) => Promise<Layout>> {
    try {
      return await inWorker(this.#program.url);
    } catch {
      const run = await inPage(this.#program);
      return (request) => Promise.resolve(run(request));
    }
  }
}

/**
 * A worker cannot be started from the address of a webview's file, so its text is fetched. Rejects
 * where that or the worker is refused.
 */
async function inWorker(url: string): Promise<(request: LayoutRequest) => Promise<Layout>> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`No layout program: ${answer.status}`);
  const text = new Blob([await answer.text()], { type: 'text/javascript' });
  const address = URL.createObjectURL(text);
  const worker = new Worker(address);
  let last: Promise<unknown> = Promise.resolve();
  const ask = (request: LayoutRequest) => {
    const next = last.then(
      () =>
        new Promise<Layout>((resolve, reject) => {
          worker.onmessage = ({ data }: MessageEvent<Layout>) => resolve(data);
          worker.onerror = (event) => {
            event.preventDefault();
            reject(new Error(`The layout failed: ${event.message}`));
          };
          worker.postMessage(request);
        }),
    );
    last = next.catch(() => undefined);
    return next;
  };
  // A refused worker says so only by an error.
  await ask({ nodes: [], edges: [] });
  URL.revokeObjectURL(address);
  return ask;
}

async function inPage({ url, nonce }: LayoutProgram): Promise<LayoutFunction> {
  const script = document.createElement('script');
  script.nonce = nonce;
  script.src = url;
  await new Promise((resolve, reject) => {
    script.onload = resolve;
    script.onerror = () => reject(new Error('The layout could not be loaded.'));
    document.head.append(script);
  });
  const run = globalThis.todo2WavesLayout;
  if (run === undefined) throw new Error('Internal error: the layout is not there.');
  return run;
}
