import { count, cut, oneLine } from '../core/text.ts';
import { fail, ok, type Result } from '../core/result.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import { DATA_NOTICE } from './data-notice.ts';
import { findTask } from './find-task.ts';
import type { AgentFailure } from './operation.ts';
import { rowLine, rowOf, taskOf, taskText } from './task-view.ts';
import { fenced } from '../core/markdown.ts';

/** A role that an agent can be given, and what it is told. */
export interface RolePrompt {
  readonly name: string;
  readonly title: string;
  readonly description: string;
  readonly argument: { readonly name: string; readonly description: string };
  /** The text of the first message; what is no such task or wave fails. */
  write(served: AgentBacklog, argument: string): Promise<Result<string, AgentFailure>>;
}

const taskRunner: RolePrompt = {
  name: 'task_runner',
  title: 'Work on one task',
  description:
    'The role of an agent that works on exactly one task: claim it, do it, check it, report.',
  argument: { name: 'task_id', description: 'The id of the task' },
  write: async (served, id) => {
    await served.backlog.refresh();
    const found = findTask(served, id);
    if (!found.ok) return found;
    const task = await taskOf(served, found.value);
    return ok(`You work on exactly one task of the backlog in ${oneLine(served.backlog.root)}, on your own.

${DATA_NOTICE}

${fenced(taskText(task))}

1. Claim it: waves_claim with its id. If that is refused, stop, and say who holds it or what it waits for; do not work on
   a task that you do not hold.
2. Do what it asks for, and only that. Other agents may be at work on other tasks in the same folder. Look at what its
   dependencies left behind before you build on it.
3. Check your work as this project does: its tests, its linter.
4. Report: waves_complete with a summary of what you did and decided, the files you changed, and each check with whether
   it passed. If you cannot do it, waves_release with the reason. Never report what you did not do.

Leave .todo2 alone: the tools change it for you. Then end; do not begin another task.
`);
  },
};

/** A wave may be wider than what one verifier can look at; the rest is in reach by tools. */
const MOST_TASKS = 60;
const MAX_REPORT = 2_000;

const waveVerifier: RolePrompt = {
  name: 'wave_verifier',
  title: 'Verify a wave',
  description:
    'The role of an agent that looks at the results of a wave after its tasks were worked on.',
  argument: { name: 'wave', description: 'The number of the wave, as waves_list has it now' },
  write: async (served, argument) => {
    const { backlog } = served;
    await backlog.refresh();
    const wave = /^\d{1,9}$/.test(argument.trim()) ? Number(argument) : undefined;
    if (wave === undefined)
      return fail({ kind: 'wrongInput', problems: ['"wave" must be a whole number.'] });
    const known = backlog.plan?.waves.map(({ number }) => number) ?? [];
    const tasks = backlog.plan?.waves.find(({ number }) => number === wave)?.tasks;
    if (tasks === undefined) return fail({ kind: 'unknownWave', number: wave, known });
    const shown = tasks.slice(0, MOST_TASKS);
    const results = await served.results(shown.map(({ id }) => id));
    const reports = shown.flatMap(({ id }) => {
      const result = results.get(id);
      return result === undefined
        ? []
        : [`Reported of ${oneLine(id)}:\n${cut(result, MAX_REPORT)}`];
    });
    const rest =
      tasks.length === shown.length
        ? []
        : [`and ${count(tasks.length - shown.length, 'more task')}: see waves_list`];
    const data = [
      [...shown.map((task) => rowLine(rowOf(backlog, task))), ...rest].join('\n'),
      ...reports,
    ].join('\n\n');
    return ok(`You verify wave ${wave} (${count(tasks.length, 'task')}) of the backlog in ${oneLine(backlog.root)}. You change no code.

${DATA_NOTICE}

${fenced(data)}

1. For each task look at it with waves_show, and at what it was to bring about in the working copy.
2. Check the reports: do the files they name show the change, and do the project's tests and linter pass?
3. Where something is wrong, say so at the task with waves_note, in words that the agent that fixes it can act on.
4. Answer for the wave, in 400 words at most: Verified, Incomplete (which tasks, what is missing) or Issues (which tasks,
   what is wrong).

Set no task to Done: that is for a person to do, on the strength of your answer.
`);
  },
};

export const ROLE_PROMPTS: readonly RolePrompt[] = [taskRunner, waveVerifier];
