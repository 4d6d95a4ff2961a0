import type { Operation } from '../../src/agent-api/operation.ts';

/**
 * How the manifest describes an operation to language models. Only a tool that can be referenced in
 * a prompt is offered to the editor's agent mode, and for that it needs a name without underscores
 * to be referenced by.
 */
export function manifestTool({ name, title, description, input }: Operation): object {
  return {
    name,
    displayName: title,
    modelDescription: description,
    userDescription: title,
    canBeReferencedInPrompt: true,
    toolReferenceName: name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
    icon: '$(layers)',
    inputSchema: input,
  };
}
