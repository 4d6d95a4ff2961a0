/** What to start: no shell, constant arguments, the prompt as a file on stdin. Paths are absolute. */
export interface AgentSpec {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd: string;
  /** On top of the supervisor's environment, from which the editor's own variables are taken away. */
  readonly env: Readonly<Record<string, string>>;
  /** Undefined: an empty stdin. */
  readonly stdinFile: string | undefined;
  readonly logFile: string | undefined;
  /** How long after a request to end the agent is ended by force. */
  readonly graceMs: number;
}

/** What the window tells the supervisor. A closed channel means `stop`, with a short grace. */
export type ToSupervisor = { readonly kind: 'start'; readonly spec: AgentSpec } | { readonly kind: 'stop' };

/** What the supervisor tells the window; `ended` or `notStarted` is the last. */
export type FromSupervisor =
  | { readonly kind: 'started'; readonly pid: number }
  | { readonly kind: 'notStarted'; readonly detail: string }
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  | { readonly kind: 'logFailed'; readonly detail: string }
  | {
      readonly kind: 'ended';
      readonly exitCode: number | undefined;
      readonly signal: string | undefined;
      /** The agent ended after it was asked to, so its exit code says nothing about its work. */
      readonly stopped: boolean;
    };
