import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { openWorkspace } from '../../src/wire/batch-workspace.ts';
import { batchJson } from '../../src/core/batch/batch-json.ts';
import { locateStore } from '../../src/store/files/config.ts';
import { copyAnalysis } from '../../src/ui/analysis-report.ts';
import { chooseBatch, copyBatch } from '../../src/ui/batch-commands.ts';
import { wireBacklog } from '../../src/wire/backlog.ts';
import { createBacklog, type TaskSpec } from '../support/fixture.ts';
import { contextOf } from '../support/host-context.ts';
import { until } from '../support/until.ts';

const SIZE = 585;
const WORDS = [
  'parser',
  'bridge',
  'forecast',
  'table',
  'cache',
  'plugin',
  'theme',
  'release',
  'manual',
  'lock',
];

/**
 * As large as the largest backlog we know of, and as untidy: stale tags, missing dependencies, near
 * duplicates, files in common.
 */
function largeBacklog(): readonly TaskSpec[] {
  return Array.from({ length: SIZE }, (_, n): TaskSpec => {
    const [one, other] = [WORDS[n % 10] ?? '', WORDS[(n * 7 + 3) % 10] ?? ''];
    return {
      id: `T-${1_790_000_000_000 + n}`,
      content: `Write the ${one} of the ${other}, part ${Math.floor(n / 2)}`,
      description: `${'It is told here what has to be done. '.repeat(30)}\n- Update: src/${one}/${other}.ts`,
      status: n % 3 === 0 ? 'Done' : n % 50 === 1 ? 'In Progress' : 'Todo',
      deps:
        n > 10
          ? [`T-${1_790_000_000_000 + ((n * 31) % n)}`, ...(n % 60 === 0 ? ['T-404'] : [])]
          : [],
      tags: [one, ...(n % 40 === 2 ? ['stale'] : [])],
    };
  });
}

describe('a batch of tools in a real extension host', () => {
  let root: string;
  before(async () => {
    root = realpathSync(mkdtempSync(join(tmpdir(), 'todo2-batch-')));
    await createBacklog(root, { tasks: largeBacklog() });
    writeFileSync(
      join(root, 'README.md'),
      '# Large\n\n[gone](docs/gone.md) [there](docs/page-1.md)\n',
    );
    writeFileSync(
      join(root, 'GOALS.md'),
      '# Goals\n\n## Parser and bridge\n\n## Nothing of the kind\n',
    );
    mkdirSync(join(root, 'docs'));
    for (let n = 0; n < 200; n++)
      writeFileSync(join(root, 'docs', `page-${n}.md`), `# Page ${n}\n`.repeat(50));
  });
  after(() => rmSync(root, { recursive: true, force: true, maxRetries: 5 }));

  it(`does a day's look at ${SIZE} tasks, from the command, and says honestly what came of it`, async () => {
    const { extensionPath } =
      vscode.extensions.getExtension('todo2waves.todo2-waves') ?? assert.fail();
    const bugs: unknown[] = [];
    const log = vscode.window.createOutputChannel('Batch', { log: true });
    const wired = wireBacklog(await locateStore(root), {
      ...{ extension: contextOf(extensionPath, join(root, '..', `${root}-storage`)), log },
      reportBug: (error) => void bugs.push(error),
      agents: { followsSubagents: () => false, serve: () => ({ dispose: () => undefined }) },
    });
    const { backlog } = wired;
    try {
      await until('the backlog is read', () => backlog.snapshot !== undefined);
      assert.equal(backlog.snapshot?.tasks.length, SIZE);

      const chosen = chooseBatch(
        backlog,
        openWorkspace(root, { program: 'no-such-program-anywhere', version: '0' }),
      );
      await until('the batch has ended', async () => {
        await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
        return backlog.lastBatch !== undefined;
      });
      await chosen;
      const result = backlog.lastBatch ?? assert.fail('no result');
      assert.equal(result.action, 'daily');

      const json = batchJson(result);
      assert.equal(json.status, 'success');
      assert.equal(json.results.summary.succeeded, 10);
      assert.equal(json.results.tasks_run.length, 10);
      await copyBatch(backlog);
      assert.deepEqual(
        JSON.parse(await vscode.env.clipboard.readText()),
        JSON.parse(JSON.stringify(json)),
      );
      const summaries = Object.fromEntries(
        json.results.tasks_run.map((step) => [step.task_id, step.summary]),
      );
      assert.match(summaries['health_docs'] ?? '', /^202 documents, 1 broken link/);
      assert.match(summaries['dependency_health'] ?? '', /^\d+ dependency faults$/);
      assert.match(
        summaries['task_analysis_duplicates'] ?? '',
        /^\d+ groups? of open tasks that are alike$/,
      );
      assert.match(summaries['stale_task_cleanup'] ?? '', /tagged as stale, .*; none was deleted$/);
      assert.equal(backlog.snapshot.tasks.length, SIZE);

      await copyAnalysis(backlog);
      const analysis = JSON.parse(await vscode.env.clipboard.readText()) as Record<
        string,
        Record<string, unknown>
      >;
      assert.equal(analysis['dependencies']?.['total_tasks'], SIZE);
      assert.equal(analysis['what_if']?.['method'], 'simulated');
      assert.deepEqual(bugs, []);
    } finally {
      await wired.close('window');
      log.dispose();
      rmSync(`${root}-storage`, { recursive: true, force: true });
    }
  });
});
