import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../../src/extension.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../../support/fixture.ts';
import { until } from '../../support/until.ts';

/** As the editor makes it: the extension, and the label under which it offers the server. */
const SERVER = 'todo2waves.todo2-waves/Todo2 Waves';

describe('the MCP server in VS Code', function () {
  this.timeout(60_000);
  let writer: NativeWriter;

  /** The tool of the server, whatever the editor puts before its name. */
  const toolOf = (name: string): string | undefined =>
    vscode.lm.tools.find((tool) => tool.name.startsWith('mcp_') && tool.name.endsWith(name))?.name;
  const invoke = async (name: string, input: object): Promise<string> => {
    const tool = toolOf(name) ?? assert.fail(`the editor has no ${name}`);
    const result = await vscode.lm.invokeTool(tool, { input, toolInvocationToken: undefined });
    return result.content
      .map((part) =>
        part instanceof vscode.LanguageModelTextPart ? part.value : JSON.stringify(part),
      )
      .join('\n');
  };

  const approveAll = (to: boolean): Thenable<void> =>
    vscode.workspace
      .getConfiguration('chat')
      .update('tools.global.autoApprove', to, vscode.ConfigurationTarget.Global);

  before(async () => {
    const folder =
      vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail('no folder is open');
    // The tests beside this one have made one before.
    if (!existsSync(join(folder, '.todo2'))) await createBacklog(folder, { tasks: [] });
    writer = await nativeWriter(folder);
    await writer.run(
      `INSERT INTO tasks (id, name, content, long_description, status, priority, created, project_id, metadata)
        VALUES ('T-900', '', 'For an agent of the editor', '', 'Todo', 'critical', '2026-01-05T09:00:00Z', ?, '')`,
      folder.split('/').at(-1) ?? '',
    );
    // With it the editor asks a person whether that is meant, which nobody here can answer; what
    // only reads needs no leave.
    await approveAll(false);
    const extension =
      vscode.extensions.getExtension<ExtensionApi>('todo2waves.todo2-waves') ?? assert.fail();
    const api = await extension.activate();
    await api.backlogs.whenOpened();
  });
  after(async () => {
    await approveAll(true);
    await writer.close();
  });

  it('is listed under the id of the manifest, starts, and reads the backlog of the window for the tools of the editor', async () => {
    // The editor does not know the server before it has asked the extension which ones there are.
    await until('the tools of the server are there', async () => {
      await vscode.commands.executeCommand('workbench.mcp.startServer', SERVER);
      return toolOf('waves_list') !== undefined;
    });
    assert.match(await invoke('waves_show', { id: 'T-900' }), /For an agent of the editor/);
    await writer.run(
      "UPDATE tasks SET content = 'Renamed meanwhile', version = version + 1 WHERE id = 'T-900'",
    );
    assert.match(await invoke('waves_show', { id: 'T-900' }), /Renamed meanwhile/);
    // Editors give their models the data, the text, or both.
    assert.match(await invoke('waves_explain', { id: 'T-900' }), /"state":"ready"|It is ready/);
    await vscode.commands.executeCommand('workbench.mcp.stopServer', SERVER);
  });
});
