import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as vscode from 'vscode';
import type { ExtensionApi } from '../../src/extension.ts';
import type { Backlog } from '../../src/core/backlog.ts';
import { taskId } from '../../src/core/task.ts';
import { locateStore } from '../../src/store/files/config.ts';
import { wireBacklog } from '../../src/wire/backlog.ts';
import { createBacklog, nativeWriter, type NativeWriter } from '../support/fixture.ts';
import { agentsIn } from '../support/folder-work.ts';
import { contextOf } from '../support/host-context.ts';
import { documentUri } from '../../src/ui/documents.ts';
import { until } from '../support/until.ts';

describe('Todo2 Waves in a real extension host', () => {
  let folder: string;
  let writer: NativeWriter;
  let backlog: Backlog;
  let api: ExtensionApi;

  const stored = async (id: string): Promise<Record<string, unknown>> =>
    (await writer.all('SELECT * FROM tasks WHERE id = ?', id))[0] ?? {};

  before(async () => {
    folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath ?? assert.fail('no folder is open');
    if (!existsSync(join(folder, '.todo2'))) {
      await createBacklog(folder, {
        tasks: [
          { id: 'T-1', content: 'First', description: 'simulate: seconds=0' },
          { id: 'T-2', content: 'Second', deps: ['T-1'], description: 'simulate: seconds=0' },
          { id: 'T-3', content: 'Doomed', description: 'simulate: seconds=0\nsimulate: fail=7' },
          { id: 'T-4', content: 'Endless', description: 'simulate: hang' },
          { id: 'T-5', content: 'By hand' },
          {
            id: 'T-6',
            content: 'Held elsewhere',
            status: 'In Progress',
            lock: {
              holder: 'claude-elsewhere-1',
              since: Date.now(),
              until: Date.now() + 3_600_000,
            },
          },
        ],
      });
    }
    writer = await nativeWriter(folder);
    await vscode.workspace
      .getConfiguration('todo2Waves')
      .update('agent', 'simulated', vscode.ConfigurationTarget.Workspace);
    const extension = vscode.extensions.getExtension<ExtensionApi>('todo2waves.todo2-waves');
    api = await (extension ?? assert.fail('the extension is not there')).activate();
    await api.backlogs.whenOpened();
    await until('the backlog is read', () => api.backlogs.all[0]?.store.kind === 'ready');
    backlog = api.backlogs.all[0] ?? assert.fail('no backlog');
  });
  after(() => writer.close());

  it('shows a commit of another process', async () => {
    await writer.run("UPDATE tasks SET content = 'Renamed' WHERE id = 'T-5'");
    await until('the new title', () => backlog.task(taskId('T-5'))?.title === 'Renamed');
  });

  it('claims a task in the lock columns that exarp-go reads, and gives it back', async () => {
    const claimed = await backlog.claims.claim(taskId('T-5'));
    assert.ok(claimed.ok);
    const row = await stored('T-5');
    assert.equal(row['status'], 'In Progress');
    assert.match(String(row['assignee']), new RegExp(`^vscode-.+-${process.pid}$`));
    assert.ok(Number(row['lock_until']) * 1000 > Date.now() + 29 * 60_000);
    const released = await backlog.claims.release(taskId('T-5'));
    assert.ok(released.ok);
    const after_ = await stored('T-5');
    assert.deepEqual(
      [after_['status'], after_['assignee'], after_['lock_until']],
      ['Todo', null, null],
    );
  });

  it('says who holds a task and until when instead of taking it', async () => {
    const claimed = await backlog.claims.claim(taskId('T-6'));
    assert.ok(!claimed.ok);
    assert.equal(claimed.failure.kind, 'held');
    assert.equal((await stored('T-6'))['assignee'], 'claude-elsewhere-1');
  });

  it('runs an agent in a terminal, and moves the task to Review without a lock', async () => {
    const task = backlog.task(taskId('T-1')) ?? assert.fail();
    assert.ok((await backlog.runs.start({ kind: 'task', id: task.id })).ok);
    await until('T-1 is in review', async () => (await stored('T-1'))['status'] === 'Review');
    assert.equal((await stored('T-1'))['assignee'], null);
    assert.ok(vscode.window.terminals.some((terminal) => terminal.name.includes('T-1')));
  });

  it('marks everything of a wave that is in review as done', async () => {
    await until('the tree knows', () => backlog.task(taskId('T-1'))?.status === 'Review');
    await vscode.commands.executeCommand('todo2Waves.approveWave', {
      kind: 'wave',
      backlog,
      number: 0,
    });
    assert.deepEqual(
      [(await stored('T-1'))['status'], (await stored('T-1'))['completed']],
      ['Done', 1],
    );
    assert.equal(backlog.plan?.waveOf.get(taskId('T-2')), 0, 'what waited for it may start now');
  });

  it('puts a failed task back to Todo', async () => {
    assert.ok((await backlog.runs.start({ kind: 'task', id: taskId('T-3') })).ok);
    await until('the run has ended', () => !backlog.runs.isRunning);
    const outcome = backlog.runs.all.at(-1)?.tasks.get(taskId('T-3'))?.outcome;
    assert.ok(outcome?.kind === 'failed');
    assert.deepEqual([outcome.cause, outcome.exitCode], [{ kind: 'exit' }, 7]);
    assert.deepEqual(
      [(await stored('T-3'))['status'], (await stored('T-3'))['assignee']],
      ['Todo', null],
    );
  });

  it('stops an agent that hangs', async () => {
    assert.ok((await backlog.runs.start({ kind: 'task', id: taskId('T-4') })).ok);
    await until(
      'T-4 runs',
      () => backlog.runs.of(taskId('T-4'))?.tasks.get(taskId('T-4'))?.phase === 'running',
    );
    await vscode.commands.executeCommand('todo2Waves.stop');
    assert.deepEqual(
      [(await stored('T-4'))['status'], (await stored('T-4'))['assignee']],
      ['Todo', null],
    );
  });

  it('writes both plan files and opens them', async () => {
    await vscode.commands.executeCommand('todo2Waves.writePlan');
    const main = vscode.window.activeTextEditor?.document;
    assert.match(main?.fileName ?? '', /\.cursor[\\/]plans[\\/].+\.plan\.md$/);
    assert.match(main?.getText() ?? '', /^waves:$/m);
    await vscode.commands.executeCommand('todo2Waves.writeSubagentsPlan');
    const file = join(folder, '.cursor', 'plans', 'parallel-execution-subagents.plan.md');
    assert.match(readFileSync(file, 'utf8'), /^## Wave 0 \(parallel\)$/m);
  });

  it('shows the details of a task as a read-only markdown document', async () => {
    const uri = documentUri('task', backlog.root, 'T-6');
    const document = await vscode.workspace.openTextDocument(uri);
    assert.equal(document.languageId, 'markdown');
    assert.match(document.getText(), /^# Held elsewhere$/m);
    assert.match(document.getText(), /held by claude-elsewhere-1/);
  });

  it('keeps every id out of paths and commands, however it is spelled', async () => {
    const id = '../../x; touch owned $(touch owned) `touch owned` ${command:workbench.action.quit}';
    await writer.run(
      "INSERT INTO tasks (id, content, long_description, status, priority, created, project_id) VALUES (?, ?, 'simulate: seconds=0', 'Todo', 'low', '2026-01-05T09:00:00Z', (SELECT project_id FROM tasks WHERE id = 'T-1'))",
      id,
      `Hostile ${id}`,
    );
    await until('it is shown', () => backlog.task(taskId(id)) !== undefined);
    assert.ok((await backlog.runs.start({ kind: 'task', id: taskId(id) })).ok);
    await until('it is in review', async () => (await stored(id))['status'] === 'Review');
    assert.ok(!existsSync(join(folder, 'owned')));
    const uri = documentUri('task', backlog.root, id);
    assert.match((await vscode.workspace.openTextDocument(uri)).getText(), /Hostile/);
  });

  it('claims the next ready task, and a wave as a whole or not at all', async () => {
    await vscode.commands.executeCommand('todo2Waves.refresh');
    const next = await backlog.claims.claimNext();
    assert.ok(next.ok);
    assert.match(String((await stored(next.value.id))['assignee']), new RegExp(`-${process.pid}$`));
    assert.ok((await backlog.claims.release(next.value.id)).ok);
    const refused = await backlog.claims.claimAll([taskId('T-5'), taskId('T-6')]);
    assert.equal(!refused.ok && refused.failure.kind, 'held');
    assert.equal((await stored('T-5'))['assignee'], null);
  });

  it('claims again what another program puts back to Todo while we hold it', async () => {
    assert.ok((await backlog.claims.claim(taskId('T-5'))).ok);
    await writer.run("UPDATE tasks SET status = 'Todo', version = version + 1 WHERE id = 'T-5'");
    await until(
      'T-5 is In Progress again',
      async () => (await stored('T-5'))['status'] === 'In Progress',
    );
    assert.ok((await backlog.claims.release(taskId('T-5'))).ok);
  });

  it('stops the agent at once when somebody else takes its task', async () => {
    assert.ok((await backlog.runs.start({ kind: 'task', id: taskId('T-4') })).ok);
    await until(
      'T-4 runs',
      () => backlog.runs.of(taskId('T-4'))?.tasks.get(taskId('T-4'))?.phase === 'running',
    );
    await writer.run(
      "UPDATE tasks SET assignee = 'claude-elsewhere-1', version = version + 1 WHERE id = 'T-4'",
    );
    await until('the run has ended', () => !backlog.runs.isRunning);
    const outcome = backlog.runs.all.at(-1)?.tasks.get(taskId('T-4'))?.outcome;
    assert.deepEqual(outcome, { kind: 'lockLost', holder: 'claude-elsewhere-1', usage: undefined });
    assert.equal((await stored('T-4'))['assignee'], 'claude-elsewhere-1', 'the new owner keeps it');
    await writer.run(
      "UPDATE tasks SET assignee = NULL, lock_until = NULL, status = 'Todo' WHERE id = 'T-4'",
    );
    await until('T-4 is free', () => backlog.task(taskId('T-4'))?.lock === undefined);
  });

  it('leaves what a person holds and an agent at work to the next window, which leaves no lock, process or terminal', async function () {
    this.timeout(90_000);
    assert.ok((await backlog.claims.claim(taskId('T-5'))).ok);
    assert.ok((await backlog.runs.start({ kind: 'task', id: taskId('T-4') })).ok);
    const isAtWork = (by: Backlog): boolean =>
      by.runs.of(taskId('T-4'))?.tasks.get(taskId('T-4'))?.phase === 'running';
    await until('T-4 runs', () => isAtWork(backlog));
    assert.ok(childProcesses().length >= 2, 'a writer and a supervisor are at work');
    const agents = agentsIn(folder);
    assert.equal(agents.length, 1);
    const lockOf = async (id: string): Promise<readonly unknown[]> => [
      (await stored(id))['status'],
      (await stored(id))['assignee'],
    ];
    const before_ = await lockOf('T-4');
    await api.backlogs.close();
    assert.deepEqual(
      [agentsIn(folder), await lockOf('T-4')],
      [agents, before_],
      'what an agent holds',
    );
    assert.equal((await stored('T-5'))['status'], 'In Progress', 'what a person holds');
    await until('its terminals are closed', () => vscode.window.terminals.length === 0);

    const bugs: unknown[] = [];
    const log = vscode.window.createOutputChannel('The next window', { log: true });
    const { extensionPath } =
      vscode.extensions.getExtension('todo2waves.todo2-waves') ?? assert.fail();
    const extension = contextOf(extensionPath, join(folder, '..', 'next-storage'));
    const next = wireBacklog(await locateStore(folder), {
      extension,
      log,
      reportBug: (error) => void bugs.push(error),
      agents: { followsSubagents: () => false, serve: () => ({ dispose: () => undefined }) },
    });
    await until('the run goes on there', () => isAtWork(next.backlog));
    assert.deepEqual(
      [agentsIn(folder), await lockOf('T-4')],
      [agents, before_],
      'nothing of it began anew',
    );
    assert.equal(vscode.window.terminals.length, 1);
    await next.backlog.runs.steerTask(taskId('T-4'), 'stopTask');
    assert.deepEqual(await lockOf('T-4'), ['Todo', null]);
    assert.deepEqual(agentsIn(folder), []);
    await next.close('window');
    log.dispose();
    await until('its terminals are closed', () => vscode.window.terminals.length === 0);
    await until('its processes have ended', () => childProcesses().length === 0, 40_000);
    assert.deepEqual(await lockOf('T-5'), ['Todo', null], 'nobody came back for it');
    assert.deepEqual(bugs, []);
  });
});

/** Processes of ours that this extension host has started, as the system lists them. */
function childProcesses(): string[] {
  const all = execFileSync('ps', ['-eo', 'ppid=,args='], { encoding: 'utf8' }).split('\n');
  return all.filter(
    (line) => line.trim().startsWith(`${process.pid} `) && /(writer|supervisor)\.cjs/.test(line),
  );
}
