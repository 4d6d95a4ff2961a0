import type { Failure } from '../core/failure.ts';
import { fail, ok, type Result } from '../core/result.ts';
import { isModelName } from '../core/run/journal/model-name.ts';
import { isSessionId } from '../core/run/journal/session-id.ts';
import { FIRST_MESSAGE } from './agent-presets.ts';
import type { Agent } from './agents.ts';
import {
  fillArgs,
  hasPlaceholder,
  missingPlaceholders,
  type Placeholders,
} from './args-template.ts';

/** What is to be known of one attempt to start an agent. */
export interface CommandRequest {
  readonly agentMode: 'unattended' | 'interactive';
  readonly model: string | undefined;
  /** A new UUID, for agents that let us choose the id of their session. */
  readonly sessionId: string;
  /** The session of an earlier attempt by the same agent, to resume. */
  readonly resumes: string | undefined;
  /** Absolute. */
  readonly promptFile: string;
  readonly cwd: string;
  readonly taskId: string;
  readonly runId: string;
}

/** A program to start without a shell. */
export interface AgentCommand {
  readonly command: string;
  readonly args: readonly string[];
  /** On top of the editor's environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: 'prompt' | 'none';
  /** The agent's session, where it is known in advance. */
  readonly sessionId: string | undefined;
  /**
   * The message that the user has to type in the terminal, since the agent takes no first message.
   */
  readonly tell: string | undefined;
}

/**
 * The command line of one attempt. Nothing of a task is in it but, as a safe word, its id where a
 * custom agent asks for it. An agent that cannot resume a session begins anew.
 *
 * Fails with `agentNotStarted`: for a model or a session that is no such word, for an agent that
 * takes no model or lacks what it needs, and for an interactive command that the editor would not
 * pass on as it is.
 */
export function buildCommand(agent: Agent, request: CommandRequest): Result<AgentCommand, Failure> {
  const { agentMode, model, sessionId, resumes, promptFile, cwd, taskId, runId } = request;
  const no = (detail: string): Result<never, Failure> =>
    fail({ kind: 'agentNotStarted', command: agent.command, detail });
  if (agentMode === 'unattended' && agent.lacks !== undefined) return no(agent.lacks);
  if (model !== undefined && !isModelName(model))
    return no(`${JSON.stringify(model)} is no name of a model.`);
  if (!isSessionId(resumes ?? sessionId))
    return no('Its session has an id that no agent would give one.');

  const template = agentMode === 'unattended' ? agent.unattended.args : agent.interactive;
  const isPreset = agent.kind !== 'custom' && agent.kind !== 'simulated';
  if (model !== undefined && agent.kind !== 'simulated' && !hasPlaceholder(template, 'model')) {
    return no(
      isPreset
        ? `${agent.label} takes no model on its command line; set it in its own settings.`
        : 'Its arguments have no place for {model}.',
    );
  }
  const resumed =
    hasPlaceholder(template, 'resumes') || hasPlaceholder(template, 'sessionId')
      ? resumes
      : undefined;
  const values: Placeholders = {
    promptFile,
    cwd,
    taskId,
    runId,
    model,
    sessionId: resumed ?? sessionId,
    newSession: resumed === undefined ? sessionId : undefined,
    resumes: resumed,
  };
  const [missing] = missingPlaceholders(template, values);
  if (missing !== undefined) {
    return no(
      `Its arguments need {${missing}}, which there is not; write [..., "{${missing}}"] to leave it out then.`,
    );
  }
  const args = [...agent.first, ...fillArgs(template, values)];
  if (
    agentMode === 'interactive' &&
    [agent.command, ...args, ...Object.values(agent.env)].some(isSubstituted)
  ) {
    return no('The editor would replace a part of its command that looks like a variable: ${…}.');
  }
  const isOurs = hasPlaceholder(template, 'newSession') || hasPlaceholder(template, 'sessionId');
  return ok({
    command: agent.command,
    args,
    env: agent.env,
    stdin: agentMode === 'unattended' ? agent.unattended.stdin : 'none',
    sessionId: resumed ?? (isOurs ? sessionId : undefined),
    tell: agentMode === 'interactive' ? whatToTell(template, values) : undefined,
  });
}

/** Editors replace `${env:X}` and the like in the command line of a terminal. */
function isSubstituted(text: string): boolean {
  return text.includes('${');
}

function whatToTell(template: Agent['interactive'], values: Placeholders): string | undefined {
  // Aider reads the file, but waits for a message that tells it to follow it.
  const isTold = hasPlaceholder(template, 'promptFile') && !template.includes('--read');
  return isTold ? undefined : fillArgs([FIRST_MESSAGE], values)[0];
}
