/**
 * This process's environment for a program in the folder `cwd`: without the editor's own variables,
 * with those of the program, and with a `PWD` that names the folder, if there is one. Some agents
 * (opencode) work in the folder that `PWD` names.
 */
export function childEnvironment(
  own: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string>>,
  cwd: string,
): NodeJS.ProcessEnv {
  const isEditors = (name: string): boolean =>
    /^(VSCODE_.*|ELECTRON_.*|NODE_OPTIONS|NODE_NO_WARNINGS|NODE_CHANNEL_.*)$/i.test(name);
  const kept = Object.entries(own).filter(([name]) => !isEditors(name));
  const folder = own['PWD'] === undefined ? {} : { PWD: cwd };
  return { ...Object.fromEntries(kept), ...folder, ...extra };
}
