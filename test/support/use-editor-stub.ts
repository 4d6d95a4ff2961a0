// Imported before whatever imports `vscode`, which exists only inside an editor.
import { register } from 'node:module';

const stub = new URL('editor-stub.ts', import.meta.url).href;
const hook = `export const resolve = (specifier, context, next) =>
  specifier === 'vscode' ? { url: ${JSON.stringify(stub)}, format: 'module', shortCircuit: true } : next(specifier, context);`;
register(`data:text/javascript,${encodeURIComponent(hook)}`);
