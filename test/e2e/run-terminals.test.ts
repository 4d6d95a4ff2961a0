import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { agentsIn } from '../support/folder-work.ts';
import { Windows } from '../support/windows.ts';

let windows: Windows;
// As users have it; other tests would only find each other's shells again.
before(
  async () =>
    (windows = await Windows.start({
      settings: { 'terminal.integrated.enablePersistentSessions': true },
    })),
);
after(() => windows.stop());

test('an agent that a person talks to has a terminal of its own, which survives a reload; without it nobody knows the end', async (t) => {
  const window = await windows.open(t, {
    tasks: [
      { id: 'T-1', content: 'Chart the shoals', description: 'simulate: seconds=0 until=go-1' },
      { id: 'T-2', content: 'Light the beacon', description: 'simulate: hang' },
    ],
    settings: {
      'todo2Waves.agentMode': 'interactive',
    },
  });
  const { workbench } = window;
  const tree = await window.tree();
  await workbench.inline(workbench.row(tree, 'Chart the shoals').first(), 'Run Task');
  await window.until('the agent speaks', async () =>
    (await workbench.terminalText()).includes('Chart the shoals'),
  );
  const atWork = async () => ({
    agents: agentsIn(window.folder),
    holder: (await window.tasks())['T-1']?.assignee,
  });
  const before_ = await atWork();
  assert.equal(before_.agents.length, 1);
  assert.match(before_.holder ?? '', /^simulated-.+-\d+$/);
  await workbench.screenshot('interactive-dark');

  await window.reload();
  await workbench.row(window.runs, 'Running: Chart the shoals').waitFor();
  // A browser may forget that the panel was open; the terminal is there in any case.
  await workbench.inline(workbench.row(tree, 'Chart the shoals').first(), 'Show Terminal');
  await window.until('it is shown again', async () =>
    (await workbench.terminalText()).includes('Chart the shoals'),
  );
  assert.deepEqual(await atWork(), before_);
  await workbench.screenshot('interactive-reloaded-dark');
  writeFileSync(join(window.folder, 'go-1'), '');
  await window.until(
    'it is in review',
    async () => (await window.tasks())['T-1']?.status === 'Review',
  );
  await workbench.row(window.runs, 'Ended: Chart the shoals').getByText('1/1 succeeded').waitFor();
  await workbench.page.locator('.terminal-wrapper').waitFor({ state: 'detached' });

  await workbench.run('Todo2 Waves: Run Task…');
  await workbench.pick('Light the beacon');
  await window.until('the other speaks', async () =>
    (await workbench.terminalText()).includes('Light the beacon'),
  );
  await workbench.run('Terminal: Kill the Active Terminal Instance');
  await tree
    .getByText(/its end is unknown/)
    .first()
    .waitFor();
  await window.until('its agent is gone', () =>
    Promise.resolve(agentsIn(window.folder).length === 0),
  );
  const { status, assignee } = (await window.tasks())['T-2'] ?? assert.fail();
  assert.deepEqual([status, assignee], ['Todo', null]);
  await workbench.screenshot('interactive-killed-dark');
});
