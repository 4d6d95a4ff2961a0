import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import type { Failure } from '../core/failure.ts';
import { mainPlanFile } from '../core/plan/slug.ts';
import type { Job, WorkPreview } from '../core/ports.ts';
import { ok, type Result } from '../core/result.ts';
import { type VerifyCommand, type VerifyRule, verifyOf } from '../core/run/agent-rules.ts';
import { writeFollowUpText } from '../core/run/attempt/follow-up-text.ts';
import { writePromptText } from '../core/run/attempt/prompt-text.ts';
import { type AgentAssignment, isWindowWork } from '../core/run/run-options.ts';
import { filesOf } from '../core/named-files.ts';
import type { TaskId } from '../core/task.ts';
import {
  type AgentCommand,
  buildCommand,
  type CommandRequest,
} from '../agent-process/agent-command.ts';
import { type Agent, findProgram } from '../agent-process/agents.ts';
import { findGit } from '../agent-process/git.ts';
import { readPromptTemplate } from '../agent-process/prompt-template.ts';
import { writePromptFile } from '../agent-process/prompt.ts';
import type {
  CommandSpec,
  ResolveOrder,
  WorkFiles,
  WorkOrder,
} from '../agent-process/work-order.ts';
import type { StorePaths } from '../store/files/locate.ts';

/** What the order for one attempt is made of. */
export interface PrepareParts {
  readonly paths: Pick<StorePaths, 'database' | 'json'>;
  readonly findAgent: (assignment: AgentAssignment) => Promise<Result<Agent, Failure>>;
  readonly filesOf: (
    runId: string,
    attemptNo: number,
  ) => WorkFiles & Readonly<Record<'followUp' | 'resolve' | 'resolveAnew', string>>;
  /** The latest `result` comment of each of these tasks. */
  readonly results: (
    ids: readonly TaskId[],
  ) => Promise<Result<ReadonlyMap<TaskId, string>, Failure>>;
  /** How earlier attempts of this run at the task ended, in words. */
  readonly earlier: (job: Job) => readonly string[];
  readonly verifyRules: () => readonly VerifyRule[];
  readonly worktreeSetup: () => readonly VerifyCommand[];
  readonly log: (line: string) => void;
}

/** How long a stopped agent, or a command that verifies, has to end by itself. */
export const GRACE_MS = 5000;
/** How long an agent may stay after its last word, to send off what it still has to. */
const LINGER_MS = 10_000;

/**
 * Writes the prompt of an attempt and says what is to be done. Fails with what cannot be found,
 * read or written.
 */
export async function prepareWork(
  job: Job,
  parts: PrepareParts,
): Promise<Result<WorkOrder, Failure>> {
  const { runId, attemptNo, task, root, options } = job;
  const files = parts.filesOf(runId, attemptNo);
  const made = await makeAttempt(job, files, parts);
  if (!made.ok) return made;
  const { agent, command, anew, agentMode, prompt, followUp } = made.value;
  const verify = await verifySpecOf(job, parts);
  if (!verify.ok) return verify;
  const setup = await setupOf(job, parts);
  if (!setup.ok) return setup;
  const written = await writePromptFile(files.prompt, prompt);
  if (!written.ok) return written;
  if (followUp !== undefined) {
    const also = await writePromptFile(files.followUp, followUp);
    if (!also.ok) return also;
  }
  const stdinFile = command.stdin === 'prompt' ? files.prompt : undefined;
  const isMerged = job.folder !== undefined;
  return ok({
    runId,
    attemptNo,
    taskId: task.id,
    root,
    folder: job.folder?.path ?? root,
    setup: setup.value,
    git: await findGit(),
    files,
    options,
    database: parts.paths.database,
    json: parts.paths.json,
    graceMs: GRACE_MS,
    lingerMs: LINGER_MS,
    agentType: agent.kind,
    label: agent.label,
    output: agent.output,
    agentMode,
    agent: { command: command.command, args: command.args, env: environmentOf(job, command) },
    sessionId: command.sessionId,
    ...(anew && { sessionUsage: job.sessionUsage }),
    anew: anew && { args: anew.args, sessionId: anew.sessionId, stdinFile },
    tell: command.tell,
    stdinFile: stdinFile && (followUp === undefined ? stdinFile : files.followUp),
    verify: verify.value,
    answer: isMerged ? files.answer : undefined,
    resolve:
      isMerged && options.resolveConflicts === true
        ? resolveOrder(job, made.value, files)
        : undefined,
  });
}

/** How the agent is asked to resolve a conflict, once more with the line that it was started with. */
function resolveOrder(
  job: Job,
  { agent, agentMode, request }: Made,
  files: ReturnType<PrepareParts['filesOf']>,
): ResolveOrder | undefined {
  if (agentMode !== 'unattended') return undefined;
  const mark = randomUUID();
  const build = (promptFile: string, resumes: string | undefined): Result<AgentCommand, Failure> =>
    buildCommand(agent, { ...request, sessionId: randomUUID(), promptFile, resumes });
  const lineOf = (command: AgentCommand, file: string) => ({
    ...{ sessionId: command.sessionId, setup: [] },
    agent: { command: command.command, args: command.args, env: environmentOf(job, command) },
    stdinFile: command.stdin === 'prompt' ? file : undefined,
  });
  const anew = build(files.resolveAnew, undefined);
  const resumed = build(files.resolve, mark);
  if (!anew.ok || !resumed.ok) return undefined;
  const begins = lineOf(anew.value, files.resolveAnew);
  const { args } = anew.value;
  return {
    mark,
    anew: begins,
    resumed: JSON.stringify(resumed.value).includes(mark)
      ? { ...lineOf(resumed.value, files.resolve), anew: { ...begins, args } }
      : undefined,
  };
}

/** In a worktree, programs that look for the backlog have to look elsewhere. */
function environmentOf({ root, folder }: Job, { env }: AgentCommand): AgentCommand['env'] {
  return folder === undefined ? env : { ...env, PROJECT_ROOT: root, TODO2_WAVES_ROOT: root };
}

/** What an attempt would start; nothing is started or written for it. */
export async function previewWork(
  job: Job,
  parts: PrepareParts,
): Promise<Result<WorkPreview, Failure>> {
  const files = parts.filesOf(job.runId, job.attemptNo);
  const promptFile = below(job.root, files.prompt);
  if (isWindowWork(job.agent)) {
    const prompt = job.agent.agentMode === 'human' ? '' : await writePrompt(job, parts);
    return ok({ command: [], promptFile, prompt });
  }
  const made = await makeAttempt(job, files, parts);
  if (!made.ok) return made;
  const { command, prompt } = made.value;
  return ok({ command: [command.command, ...command.args], promptFile, prompt });
}

/** What verifies the work on a task, as it is started; undefined where nothing does. */
export async function verifySpecOf(
  { task }: Job,
  { verifyRules }: PrepareParts,
): Promise<Result<VerifySpec | undefined, Failure>> {
  const verify = verifyOf(task, verifyRules());
  return verify === undefined ? ok(undefined) : resolveVerify(verify);
}

/** What makes a new worktree ready. */
async function setupOf(
  { folder }: Job,
  { worktreeSetup }: PrepareParts,
): Promise<Result<readonly VerifySpec[], Failure>> {
  const specs: VerifySpec[] = [];
  for (const command of folder?.isNew === true ? worktreeSetup() : []) {
    const spec = await resolveVerify(command);
    if (!spec.ok) return spec;
    specs.push(spec.value);
  }
  return ok(specs);
}

type VerifySpec = CommandSpec & { readonly limitMs: number };

/**
 * A command that verifies work, as it is started. Fails as a program that cannot be found or
 * started.
 */
export async function resolveVerify(verify: VerifyCommand): Promise<Result<VerifySpec, Failure>> {
  const found = await findProgram(verify.command);
  if (!found.ok) return found;
  const { command, args, env } = found.value;
  return ok({ command, args: [...args, ...verify.args], env, limitMs: verify.limitMs });
}

interface Made {
  readonly agent: Agent;
  readonly request: Omit<CommandRequest, 'resumes'>;
  readonly command: AgentCommand;
  /** Set where `command` resumes a session: the one that begins a new one. */
  readonly anew: AgentCommand | undefined;
  readonly agentMode: WorkOrder['agentMode'];
  readonly prompt: string;
  /** Set where `command` goes on with a session that knows its task: what it is asked now. */
  readonly followUp: string | undefined;
}

async function makeAttempt(
  job: Job,
  files: ReturnType<PrepareParts['filesOf']>,
  parts: PrepareParts,
): Promise<Result<Made, Failure>> {
  const found = await parts.findAgent(job.agent);
  if (!found.ok) return found;
  const { agentMode } = job.agent;
  if (agentMode !== 'unattended' && agentMode !== 'interactive')
    throw new Error(`Internal error: a command line for ${agentMode}`);
  const request = {
    agentMode,
    model: job.agent.model,
    sessionId: randomUUID(),
    promptFile: files.prompt,
    cwd: job.folder?.path ?? job.root,
    taskId: job.task.id,
    runId: job.runId,
  };
  const begun = buildCommand(found.value, { ...request, resumes: undefined });
  const resumed =
    job.sessionId === undefined
      ? undefined
      : buildCommand(found.value, { ...request, resumes: job.sessionId });
  const command = resumed ?? begun;
  if (!command.ok) return command;
  if (!begun.ok) return begun;
  const resumes = resumed !== undefined && !isDeepStrictEqual(command.value, begun.value);
  const made = {
    agent: found.value,
    request,
    command: command.value,
    anew: resumes && agentMode === 'unattended' ? begun.value : undefined,
    agentMode,
    prompt: await writePrompt(job, parts),
    followUp: undefined,
  };
  if (made.anew === undefined || job.followUp === undefined) return ok(made);
  const onward = { ...request, promptFile: files.followUp, resumes: job.sessionId };
  const goesOn = buildCommand(found.value, onward);
  if (!goesOn.ok) return goesOn;
  return ok({
    ...made,
    command: goesOn.value,
    followUp: writeFollowUpText(job, job.followUp),
  });
}

/** A file relative to the root, with `/`. */
export function below(root: string, file: string): string {
  return relative(root, file).split(sep).join('/');
}

/** The prompt of an attempt, in any agent mode. */
export async function writePrompt(
  job: Job,
  { results, earlier, log }: PrepareParts,
): Promise<string> {
  const template = await readPromptTemplate(job.root);
  if (template.note !== undefined) log(template.note);
  const reported = await results(job.dependencies.map(({ id }) => id));
  // Results of dependencies are helpful, not required.
  if (!reported.ok)
    log(`The results of what a task depends on could not be read (${reported.failure.kind}).`);
  const prompt = writePromptText(job, {
    files: filesOf(job.task.description, { foldCase: false }),
    results: reported.ok ? reported.value : new Map(),
    planFile: planOf(job.root),
    earlier: earlier(job),
    template: template.text,
  });
  return job.followUp === undefined ? prompt : `${prompt}\n${writeFollowUpText(job, job.followUp)}`;
}

function planOf(root: string): string | undefined {
  const name = root.split(/[\\/]/).filter(Boolean).at(-1) ?? root;
  const file = `.cursor/plans/${mainPlanFile(name)}`;
  return existsSync(join(root, file)) ? file : undefined;
}
