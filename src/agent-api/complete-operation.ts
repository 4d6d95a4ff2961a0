import { fail } from '../core/result.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import { ENDED, ended } from './claim-operations.ts';
import { findTask, ID } from './find-task.ts';
import { type AgentFailure, operation, type Outcome, WRITES } from './operation.ts';
import { list, object, type ValueOf } from './schema.ts';
import { fenced, code } from '../core/markdown.ts';

const CHECK = object(
  {
    command: {
      type: 'string',
      minLength: 1,
      maxLength: 1000,
      description: 'What was run, such as npm test',
    },
    passed: { type: 'boolean' },
    detail: { type: 'string', maxLength: 4000, description: 'The telling lines of its output' },
  },
  ['command', 'passed'],
);

const INPUT = object(
  {
    id: ID,
    summary: {
      type: 'string',
      minLength: 1,
      maxLength: 8000,
      description:
        'What you did and decided, for a reviewer and for the agents of the tasks that come next',
    },
    files: list(
      { type: 'string', minLength: 1, maxLength: 1000 },
      { maxItems: 500, description: 'Files that you changed, relative to the root' },
    ),
    checks: list(CHECK, {
      maxItems: 50,
      description: 'How you checked it, also what did not pass',
    }),
    status: {
      type: 'string',
      enum: ['Review', 'Done'],
      description:
        'Review if absent. Done only where the server was started with --allow-done, with checks that passed',
    },
  },
  ['id', 'summary'],
);

export const completeTask = operation({
  name: 'waves_complete',
  title: 'Report a task as done',
  description:
    'Ends your work on a task that this connection holds, in one transaction: writes your report as its result, sets it to Review and releases the lock. Report honestly: checks that did not pass belong into the report too. A status that was set in the meantime stays. Refused for a task that this connection does not hold.',
  input: INPUT,
  output: ENDED,
  effect: WRITES,
  needs: 'known',
  run: async (served, input): Promise<Outcome<typeof ENDED>> => {
    const found = findTask(served, input.id);
    if (!found.ok) return found;
    const refusal = input.status === 'Done' ? mayBeDone(served, input) : undefined;
    if (refusal !== undefined)
      return fail({ kind: 'doneNotAllowed', id: found.value.id, why: refusal });
    const text = resultText(input, served.label);
    const outcome = await served.end(found.value.id, input.status ?? 'Review', {
      type: 'result',
      text,
    });
    return ended(served, found.value, outcome);
  },
});

type Refusal = Extract<AgentFailure, { kind: 'doneNotAllowed' }>['why'];

function mayBeDone(
  served: AgentBacklog,
  { checks = [] }: ValueOf<typeof INPUT>,
): Refusal | undefined {
  if (!served.allowDone) return 'notStartedSo';
  if (checks.length === 0) return 'noChecks';
  return checks.every(({ passed }) => passed) ? undefined : 'failedChecks';
}

/** The `result` comment in Markdown: our facts first, then the agent's words between fences. */
export function resultText(
  { summary, files = [], checks = [] }: Pick<ValueOf<typeof INPUT>, 'summary' | 'files' | 'checks'>,
  label: string,
): string {
  const parts = [
    `**Reported as done** · ${label}`,
    checks.length === 0
      ? '- Checked by nothing, as the agent reports'
      : [
          '- Checked, as the agent reports:',
          ...checks.map((check) => `  - ${verdictOf(check)}`),
        ].join('\n'),
    ...(files.length === 0
      ? []
      : [
          [`- Files changed (${files.length}):`, ...files.map((file) => `  - ${code(file)}`)].join(
            '\n',
          ),
        ]),
    `What the agent said:\n\n${fenced(summary.trim())}`,
    ...checks.flatMap(({ command, detail = '' }) =>
      detail.trim() === '' ? [] : [`Of ${code(command)}:\n\n${fenced(detail.trim())}`],
    ),
  ];
  return `${parts.join('\n\n')}\n`;
}

function verdictOf({ command, passed }: ValueOf<typeof CHECK>): string {
  return `${code(command)}: ${passed ? 'passed' : 'did not pass'}`;
}
