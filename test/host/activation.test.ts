import assert from 'node:assert/strict';
import * as vscode from 'vscode';

describe('the extension', () => {
  it('is there, and activates without an error', async () => {
    const extension = vscode.extensions.getExtension('todo2waves.todo2-waves');
    assert.ok(extension);
    await extension.activate();
    assert.equal(extension.isActive, true);
  });

  it('sees the one folder that was made for this run', () => {
    assert.equal(vscode.workspace.workspaceFolders?.length, 1);
  });
});
