import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../../src/extension.ts';
import type { Backlog } from '../../../src/core/backlog.ts';
import { taskId, type TaskId } from '../../../src/core/task.ts';
import { mainPlanFile } from '../../../src/core/plan/slug.ts';
import type { TreeNode } from '../../../src/ui/tree-nodes.ts';
import { WaveDrag } from '../../../src/ui/plan-move.ts';
import { writePlanFile } from '../../../src/store/files/plan-files.ts';
import { createBacklog } from '../../support/fixture.ts';
import { until } from '../../support/until.ts';

describe('plans', () => {
  let backlog: Backlog;
  let api: ExtensionApi;
  let first: TaskId;
  let second: TaskId;
  let file: string;
  let document: vscode.TextDocument;

  const create = async (title: string, dependencies: readonly TaskId[] = []): Promise<TaskId> => {
    const made = await backlog.edits.create({
      ...{
        title,
        description: '',
        priority: 'low',
        tags: ['plans'],
        dependencies,
        parentId: undefined,
      },
    });
    assert.ok(made.ok, JSON.stringify(made));
    return made.value;
  };
  const lenses = async (): Promise<readonly string[]> => {
    const found = await vscode.commands.executeCommand<vscode.CodeLens[]>(
      'vscode.executeCodeLensProvider',
      document.uri,
      1000,
    );
    return found.map(({ command }) => command?.title ?? '');
  };

  before(async () => {
    const folder =
      vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail('no folder is open');
    if (!existsSync(join(folder, '.todo2')))
      await createBacklog(folder, { tasks: [{ id: 'T-1', content: 'First' }] });
    const extension = vscode.extensions.getExtension<ExtensionApi>('todo2waves.todo2-waves');
    api = await (extension ?? assert.fail('the extension is not there')).activate();
    await api.backlogs.whenOpened();
    await until('the backlog is read', () => api.backlogs.all[0]?.store.kind === 'ready');
    backlog = api.backlogs.all[0] ?? assert.fail('no backlog');
    assert.ok(!existsSync(join(folder, '.cursor')));
    first = await create('Begin');
    second = await create('Go on', [first]);
    await until('both are there', () => backlog.task(second) !== undefined);
    file = join(backlog.root, '.cursor', 'plans', mainPlanFile(backlog.name));
    assert.ok((await api.backlogs.of(backlog).writePlan('main')).ok);
    document = await vscode.workspace.openTextDocument(file);
    await vscode.window.showTextDocument(document);
  });

  it('are read again by an editor that has them open, though their folders were new', async () => {
    const text = `${document.getText()}\nA line more.\n`;
    assert.ok((await writePlanFile(backlog.root, basename(file), text)).ok);
    await until('the second version is shown', () => document.getText() === text);
  });

  it('show how far each wave is, and follow the backlog', async () => {
    const waves = backlog.plan?.waves.length ?? 0;
    const titles = await lenses();
    assert.equal(
      titles.length,
      2 * waves,
      'one for each wave, in the frontmatter and in section 4',
    );
    assert.match(titles[0] ?? '', /^\$\(play\) Run wave · \d+ ready/);
    assert.match(titles[1] ?? '', /^Nothing to run · \d+ blocked$/);
    const third = await create('Late');
    await until(
      'the plan is out of date',
      async () => (await lenses())[0] === '$(refresh) Plan is out of date',
    );
    assert.ok((await api.backlogs.of(backlog).writePlan('main')).ok);
    await until('it has been written anew', async () => (await lenses()).length === 2 * waves);
    assert.ok(document.getText().includes(third));
  });

  it('link to tasks, and say what a task is', async () => {
    const links = await vscode.commands.executeCommand<vscode.DocumentLink[]>(
      'vscode.executeLinkProvider',
      document.uri,
    );
    const ours = links.filter(({ target }) => target?.scheme === 'todo2-waves');
    assert.ok(ours.length >= 6);
    assert.ok(
      ours.every(({ range, target }) => target?.path === `/task/${document.getText(range)}.md`),
    );
    const link = ours.find(({ range }) => document.getText(range) === first) ?? assert.fail();
    const text = (await vscode.workspace.openTextDocument(link.target ?? assert.fail())).getText();
    assert.match(text, /^# Begin\n/);
    const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
      'vscode.executeHoverProvider',
      document.uri,
      link.range.start,
    );
    const [content] = hovers.flatMap(({ contents }) => contents);
    assert.ok(content instanceof vscode.MarkdownString);
    assert.match(content.value, /Begin/);
    assert.ok(content.isTrusted !== true);
  });

  it('warn of tasks that the backlog does not have, where they stand for tasks', async () => {
    const edit = new vscode.WorkspaceEdit();
    const at = document.positionAt(document.getText().indexOf('\n- [ ] ') + 1);
    edit.insert(document.uri, at, '- [ ] **Gone** (T-404) \nOnly a word: T-405\n');
    await vscode.workspace.applyEdit(edit);
    const problems = (): string[] =>
      vscode.languages
        .getDiagnostics(document.uri)
        .filter(({ source }) => source === 'Todo2 Waves')
        .map(({ message }) => message);
    await until('the warning', () => problems().length > 0);
    assert.deepEqual(problems(), ['T-404 is not in the backlog.']);
    await vscode.commands.executeCommand('workbench.action.files.revert');
    await until('it is gone', () => problems().length === 0);
  });

  it('are repaired in one step, and only as they were seen', async () => {
    const path = join(backlog.root, '.cursor', 'plans', 'damaged.plan.md');
    mkdirSync(join(backlog.root, '.cursor', 'plans'), { recursive: true });
    writeFileSync(path, 'old');
    const stale = await api.backlogs.of(backlog).replacePlan(path, 'older', 'new');
    assert.ok(!stale.ok);
    assert.equal(readFileSync(path, 'utf8'), 'old');
    assert.ok((await api.backlogs.of(backlog).replacePlan(path, 'old', 'new')).ok);
    assert.equal(readFileSync(path, 'utf8'), 'new');
    assert.ok(
      !(
        await api.backlogs.of(backlog).replacePlan(join(backlog.root, '..', 'x.plan.md'), '', 'new')
      ).ok,
    );
  });

  it('move a task that is dragged to another wave, by the dependency that a person agrees to', async () => {
    const third = await create('To be moved');
    await until('it is there', () => backlog.plan?.waveOf.get(third) === 0);
    const drag = async (id: TaskId, wave: number): Promise<void> => {
      const controller = new WaveDrag();
      const data = new vscode.DataTransfer();
      controller.handleDrag([{ kind: 'task', backlog, taskId: id } satisfies TreeNode], data);
      await controller.handleDrop({ kind: 'wave', backlog, key: '', number: wave }, data);
    };
    // Up is refused with a message, and asks nothing.
    void drag(second, 0);
    await new Promise((resolve) => setTimeout(resolve, 300));
    assert.deepEqual(backlog.task(second)?.dependencies, [first]);
    await until('it is in the wave', async () => {
      const moved = drag(third, 1);
      // Nothing tells that the list is drawn, and one that is accepted before has nothing checked.
      await new Promise((resolve) => setTimeout(resolve, 1500));
      await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
      await moved;
      return backlog.plan?.waveOf.get(third) === 1;
    });
    assert.equal(backlog.task(third)?.dependencies.length, 1);
    assert.deepEqual(backlog.task(second)?.dependencies, [first]);
  });

  it('give their waves to the tree where a person chose them, and give them back', async () => {
    const settings = vscode.workspace.getConfiguration('todo2Waves');
    const computed = backlog.plan?.waves;
    mkdirSync(join(backlog.root, 'docs'), { recursive: true });
    writeFileSync(
      join(backlog.root, 'docs', 'waves.json'),
      JSON.stringify({ waves: { 0: [second], 1: [first] } }),
    );
    await settings.update('waveSource', 'docs/waves.json', vscode.ConfigurationTarget.Workspace);
    await until('the waves of the file', () => backlog.plan?.asked?.kind === 'used');
    assert.deepEqual(
      backlog.plan?.waves.map(({ tasks }) => tasks.map(({ id }) => id)),
      [[second], [first]],
    );
    const asked = backlog.plan.asked;
    assert.ok(asked?.kind === 'used');
    assert.deepEqual(asked.broken, [{ id: second, on: first }]);
    assert.equal(
      backlog.readinessOf(backlog.task(second) ?? assert.fail()).kind,
      'notReady',
      'it waits all the same',
    );
    await settings.update('waveSource', undefined, vscode.ConfigurationTarget.Workspace);
    await until('the computed waves', () => backlog.plan?.asked === undefined);
    assert.equal(backlog.plan.waves.length, computed?.length);
    assert.equal(backlog.plan.waveOf.get(taskId(first)), 0);
  });
});
