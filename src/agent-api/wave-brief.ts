import type { Task } from '../core/task.ts';
import { count } from '../core/text.ts';
import { DATA_NOTICE } from './data-notice.ts';
import { fenced } from '../core/markdown.ts';

// Prompts name files and ids and nothing else of the backlog: they go through commands and links of
// other programs. What a task says stands in its brief, between fences.

/** What a subagent is given for one task; `about` is the task as text, and may say anything. */
export function taskBrief(about: string): string {
  return `# One task for a wave-task-runner

Work on the task below, and on nothing else.

1. Call the tool \`waves_claim\` with its id. Begin only when it is granted; otherwise report who has it, and end.
2. Do what the task asks. Change only what it needs: others may be at work on other tasks in the same folder. Leave
   \`.todo2/todo2.db\` and \`.todo2/waves\` alone.
3. Check your work as this project does: its tests, its linter.
4. Done: call \`waves_complete\` with a summary, the files that you changed and the checks that you ran.
   Not done: call \`waves_release\` and say why. Never report what you did not do.

If those tools are not there, do not begin: report that the MCP server of Todo2 Waves is missing.

## The task

${DATA_NOTICE}

${fenced(about)}
`;
}

/** The brief of a verifier; `reports` is untrusted text on each task of the wave. */
export function verifierBrief(reports: string): string {
  return `# What a wave-verifier is to check

These tasks were worked on by subagents. Check each against what is really there, run the checks of the project once for
all of them, and change nothing. What you find out about a task you may add to it with \`waves_note\`.

## The tasks and what was reported

${DATA_NOTICE}

${fenced(reports)}
`;
}

/** One task of a prompt, and the file of its brief relative to the root. */
export interface BriefedTask {
  readonly id: Task['id'];
  readonly file: string;
}

/** The prompt that has the editor's agent launch one subagent per task, all of them at once. */
export function launchPrompt(tasks: readonly BriefedTask[]): string {
  const lines = tasks.map(
    ({ id, file }) => `- /wave-task-runner do what ${file} says${idSuffix(id)}`,
  );
  const how =
    tasks.length === 1
      ? 'Launch one subagent for it'
      : 'Launch one subagent per task, all of them in one message';
  return `Have ${count(tasks.length, 'task')} of the backlog worked on. ${how}, each with its brief:

${lines.join('\n')}

Work on none of them yourself, and claim nothing yourself. When all have reported, say in one line per task how it ended.`;
}

/** The prompt that has the editor's agent check what came of them. */
export function verifyPrompt(file: string): string {
  return `/wave-verifier check what ${file} tells of, and report what is verified, what is incomplete, and what else has to be seen to.`;
}

/**
 * An id that is plain says something to a reader; any other one is left out, as the brief has it.
 */
function idSuffix(id: string): string {
  return /^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(id) ? ` (${id})` : '';
}
