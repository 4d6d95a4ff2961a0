// The layout of the graph: a program of its own, since most boards never show one. It runs in a
// worker; where the editor allows none, in the page, which then calls it.
import { layoutGraph, type LayoutRequest } from './layout-graph.ts';

if (typeof document === 'undefined')
  addEventListener('message', (event: MessageEvent<LayoutRequest>) =>
    postMessage(layoutGraph(event.data)),
  );
else Object.assign(globalThis, { todo2WavesLayout: layoutGraph });
