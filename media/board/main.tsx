import { render } from 'preact';
import { readToBoard } from '../../src/core/board/board-shapes.ts';
import { App } from './app.tsx';
import './styles/board.css';
import './styles/strip.css';
import './styles/needs.css';
import './styles/lanes.css';
import './styles/drawer.css';
import './styles/contrast.css';
import './styles/timeline.css';
import './styles/graph.css';
import { LayoutClient } from './layout-client.ts';
import { Model } from './model.ts';

declare function acquireVsCodeApi(): {
  postMessage(message: unknown): void;
  getState(): unknown;
  setState(state: unknown): void;
};

// Only while this script runs first does the page say which it is.
const script = document.currentScript instanceof HTMLScriptElement ? document.currentScript : null;
const layouts = new LayoutClient({
  url: new URL('layout.js', script?.src ?? location.href).href,
  nonce: script?.nonce ?? '',
});
const root = document.getElementById('board');
if (root === null) throw new Error('Internal error: the page has no place for the board.');
const editor = acquireVsCodeApi();
const model = new Model({
  post: (message) => editor.postMessage(message),
  saved: () => editor.getState(),
  // With its backlog, by which the window finds it again after a reload.
  save: (state) => editor.setState({ ...state, root: root.dataset['root'] }),
});
render(<App model={model} layouts={layouts} />, root);
addEventListener('message', (event) => {
  const message = readToBoard(event.data);
  if (message !== undefined) model.take(message);
});
model.start();
