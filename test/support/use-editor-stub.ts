// Import this before modules that import `vscode`, which exists only inside an editor.
import { register } from 'node:module';

const stub = new URL('editor-stub.ts', import.meta.url).href;
// A Node that reads TypeScript by itself has to see that this is some; a loader for it has to be
// told that it is a module.
const format =
  'typescript' in process.features && process.features.typescript ? '' : `format: 'module',`;
const hook = `export const resolve = (specifier, context, next) =>
  specifier === 'vscode' ? { url: ${JSON.stringify(stub)}, ${format} shortCircuit: true } : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
