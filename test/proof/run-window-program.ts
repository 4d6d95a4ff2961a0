// A window that runs waves when it is told to, until it is told to close, or killed. It tells
// everything that its runs tell.
import { openRunWindow, type RunWindowSpec } from '../support/run-window.ts';
import { taskId } from '../../src/core/task.ts';
import type { RunEvent } from '../../src/core/run/run-events.ts';

export type WindowOrder =
  | {
      readonly do: 'run';
      readonly waves: readonly (readonly string[])[];
      /** Each task in a worktree of its own. */
      readonly isIsolated?: boolean;
    }
  | { readonly do: 'close' };

/** What such a window says, in the order in which it comes about. */
export type WindowSaid =
  | { readonly kind: 'ready' }
  | { readonly kind: 'event'; readonly event: RunEvent }
  /** The runs that it leads and that have not ended. */
  | { readonly kind: 'leads'; readonly runIds: readonly string[] }
  /** Why a run could not be started, or what nobody should ever hear of. */
  | { readonly kind: 'trouble'; readonly text: string };

const window = openRunWindow(JSON.parse(process.argv[2] ?? '') as RunWindowSpec);
const say = (said: WindowSaid): void => void process.send?.(said);

function tellTrouble(): void {
  for (const bug of window.bugs.splice(0))
    say({ kind: 'trouble', text: bug instanceof Error ? (bug.stack ?? bug.message) : String(bug) });
  for (const failure of window.failures.splice(0))
    say({ kind: 'trouble', text: JSON.stringify(failure) });
}

window.runs.runner.onEvent((event) => say({ kind: 'event', event }));
window.runs.runner.onDidChange(() => {
  tellTrouble();
  const going = window.runs.runner.runs.filter(({ phase }) => phase !== 'ended');
  say({ kind: 'leads', runIds: going.map(({ runId }) => runId) });
});

async function run(
  waves: readonly (readonly string[])[],
  choice: 'worktree' | 'shared',
): Promise<void> {
  const refusal = await window.runs.history.prepare();
  const agent = { agent: 'custom', model: undefined, agentMode: 'unattended' } as const;
  await window.source.refresh();
  const request = window.request(
    waves.map((ids) => ids.map(taskId)),
    agent,
  );
  const decided = await window.runs.isolation.decide({
    ...{ choice, start: 'commit', parallel: 2, resumes: undefined, isDry: false },
  });
  if (!decided.ok) {
    say({ kind: 'trouble', text: JSON.stringify(decided) });
    return;
  }
  const { isolation } = decided.value;
  const started = window.runs.runner.start({
    ...request,
    options: { ...request.options, isolation },
  });
  if (refusal !== undefined || !started.ok)
    say({ kind: 'trouble', text: JSON.stringify(refusal ?? started) });
}

async function close(): Promise<void> {
  await window.close('keep');
  tellTrouble();
  process.disconnect();
}

process.on(
  'message',
  (order: WindowOrder) =>
    void (order.do === 'run'
      ? run(order.waves, order.isIsolated === true ? 'worktree' : 'shared')
      : close()),
);
// Whoever proves something with it is gone.
process.on('disconnect', () => process.exit());
void window.ready.then(() => say({ kind: 'ready' }));
