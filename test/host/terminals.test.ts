import assert from 'node:assert/strict';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import * as vscode from 'vscode';
import { taskId } from '../../src/core/task.ts';
import {
  findAgain,
  openInteractive,
  type TerminalClose,
} from '../../src/agent-process/terminals/interactive-terminal.ts';
import { TaskTerminals } from '../../src/agent-process/terminals/task-terminals.ts';
import { systemClock } from '../../src/store/files/system-clock.ts';
import { until } from '../support/until.ts';

describe('terminals', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(join(tmpdir(), 'todo2-terminals-'))));
  after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));

  it('hand a program exactly the paths that we give, and tell its process and its exit code', async () => {
    const odd = join(folder, `a $(touch x) 'b' "c"; & %PATH% \`d\` ~`);
    mkdirSync(odd);
    const [script, order, said, go] = ['script.js', 'order.json', 'said.json', 'go'].map((name) =>
      join(odd, name),
    ) as [...[string, string, string, string]];
    writeFileSync(
      script,
      `const fs = require('fs');
       const told = { args: process.argv.slice(2), cwd: process.cwd(), env: process.env.TODO2_WAVES_TRIED, tty: process.stdin.isTTY };
       fs.writeFileSync(${JSON.stringify(said)}, JSON.stringify(told));
       setInterval(() => fs.existsSync(${JSON.stringify(go)}) && process.exit(3), 20);`,
    );
    const opened = openInteractive(vscode.window, {
      name: 'Interactive',
      node: { command: process.execPath, args: [] },
      script,
      orderFile: order,
      cwd: odd,
      env: { ELECTRON_RUN_AS_NODE: '1', TODO2_WAVES_TRIED: '$(touch y) %PATH%' },
    });
    assert.ok(opened.ok);
    const closes: TerminalClose[] = [];
    opened.value.onDidClose((how) => void closes.push(how));
    await until(
      'the program has spoken',
      () => existsSync(said) && readFileSync(said, 'utf8') !== '',
    );
    const expected = { args: [order], cwd: odd, env: '$(touch y) %PATH%', tty: true };
    assert.deepEqual(JSON.parse(readFileSync(said, 'utf8')), expected);
    const pid = await opened.value.processId;
    assert.ok(pid !== undefined);
    const found = await findAgain(vscode.window, pid, systemClock);
    assert.equal(found?.terminal, opened.value.terminal);
    found.dispose();
    writeFileSync(go, '');
    await until('the terminal is gone', () => closes.length > 0);
    assert.deepEqual(closes, [{ code: 3, reason: 'process' }]);
  });

  it('of agents come, go and come back without touching the agent, and stay with their end', async () => {
    const stops: string[] = [];
    const bugs: unknown[] = [];
    const asked: string[] = [];
    const { createTerminal, onDidCloseTerminal } = vscode.window;
    const showInformationMessage = (message: string): Promise<undefined> => {
      asked.push(message);
      return Promise.resolve(undefined);
    };
    const terminals = new TaskTerminals({
      window: { createTerminal, onDidCloseTerminal, showInformationMessage },
      clock: systemClock,
      onStopRequested: (id) => void stops.push(id),
      log: (line) => void bugs.push(line),
      reportBug: (error) => void bugs.push(error),
    });
    const id = taskId('T-1');
    const logFile = join(folder, '1.log');
    writeFileSync(logFile, 'at work\n');
    const attempt = {
      key: 'r1/1',
      runId: 'r1',
      attemptNo: 1,
      id,
      title: 'Bake a cake',
      label: 'Test',
      tryNo: 1,
      logFile,
    };
    const named = (name: string) =>
      vscode.window.terminals.filter((terminal) => terminal.name === name);
    const name = 'Bake a cake · T-1';

    terminals.open({ ...attempt, output: 'text', isAttached: false });
    await until('it is there', () => named(name).length === 1);
    // At once, when the editor has not opened it yet, and when it has.
    for (const [times, waitMs] of [0, 2000].entries()) {
      await pause(waitMs);
      named(name)[0]?.dispose();
      await until(
        'it is gone, and that was told',
        () => named(name).length === 0 && asked.length === times + 1,
      );
      assert.equal(asked[times], 'Still at work: Bake a cake');
      assert.ok(terminals.show(id));
      await until('it is back', () => named(name).length === 1);
    }
    await terminals.ended('r1/1', { mark: '✓', words: 'Ended well after 1 s' });
    await until('its name tells the end', () => named(`✓ ${name}`).length === 1);
    assert.ok(terminals.has(id));
    terminals.dispose();
    await until('it is gone for good', () => named(`✓ ${name}`).length === 0);
    assert.deepEqual([stops, bugs], [[], []]);
  });
});
