/** This process's environment without the editor's own variables, and with those of the program. */
export function childEnvironment(
  own: NodeJS.ProcessEnv,
  extra: Readonly<Record<string, string>>,
): NodeJS.ProcessEnv {
  const isEditors = (name: string): boolean =>
    /^(VSCODE_.*|ELECTRON_.*|NODE_OPTIONS|NODE_NO_WARNINGS|NODE_CHANNEL_.*)$/i.test(name);
  const kept = Object.entries(own).filter(([name]) => !isEditors(name));
  return { ...Object.fromEntries(kept), ...extra };
}
