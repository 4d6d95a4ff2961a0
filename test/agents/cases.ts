import type { ModelStep } from './model/script.ts';

/** One attempt of a case at its task. */
export interface CaseAttempt {
  readonly script: readonly ModelStep[];
  /** The session of the attempt before, or one that was never there. */
  readonly resumes?: 'last' | 'unknown';
  /** What happens once the model was asked: the user stops it, or the system ends the agent. */
  readonly during?: 'stop' | 'sigterm';
  readonly limitMs?: number;
}

/** What a model and the world do; the end of the last attempt is judged. */
export interface AgentCase {
  readonly name: string;
  readonly attempts: readonly CaseAttempt[];
}

/** Time for all the retries of the agents that give up in the end. */
export const LIMIT_MS = 90_000;
/** For the model that never answers: every agent has asked it by then. */
export const SHORT_LIMIT_MS = 25_000;
/** More than any agent waits for by itself. */
const RETRY_AFTER_S = 7200;

export const HELLO: ModelStep = { kind: 'text', text: 'Hello.' };
/** The session that was never there. */
export const UNKNOWN_SESSION = '0b1c2d3e-0000-4000-8000-00000000ffff';
export const EDITED = 'answer.txt';

const refuse = (status: number, message: string, retryAfterS?: number): ModelStep => ({
  kind: 'refuse',
  status,
  message,
  ...(retryAfterS === undefined ? {} : { retryAfterS }),
});
const RATE_LIMIT = refuse(429, 'Rate limit reached for this model.');

export const CASES: readonly AgentCase[] = [
  { name: 'answer', attempts: [{ script: [HELLO] }] },
  { name: 'resumed', attempts: [{ script: [HELLO] }, { script: [HELLO], resumes: 'last' }] },
  { name: 'empty', attempts: [{ script: [{ kind: 'empty' }] }] },
  {
    name: 'edit',
    attempts: [{ script: [{ kind: 'edit', file: EDITED, content: 'Forty-two.\n' }, HELLO] }],
  },
  {
    name: 'denied-tool',
    attempts: [{ script: [{ kind: 'shell', command: 'npm run --silent verify' }, HELLO] }],
  },
  { name: '400', attempts: [{ script: [refuse(400, 'The prompt is not well-formed.')] }] },
  { name: '401', attempts: [{ script: [refuse(401, 'Incorrect API key provided.')] }] },
  { name: '403', attempts: [{ script: [refuse(403, 'Your account may not use this model.')] }] },
  { name: '429', attempts: [{ script: [RATE_LIMIT] }] },
  {
    name: '429-after',
    attempts: [
      {
        script: [refuse(429, 'Rate limit reached. Please try again in 2h0m0s.', RETRY_AFTER_S)],
      },
    ],
  },
  { name: '529', attempts: [{ script: [refuse(529, 'Overloaded')] }] },
  { name: 'cut', attempts: [{ script: [{ kind: 'cut', text: 'Half of an answer.' }] }] },
  { name: 'silent', attempts: [{ script: [{ kind: 'silent' }], limitMs: SHORT_LIMIT_MS }] },
  { name: 'stop', attempts: [{ script: [{ kind: 'silent' }], during: 'stop' }] },
  { name: 'sigterm', attempts: [{ script: [{ kind: 'silent' }], during: 'sigterm' }] },
  { name: 'resume-unknown', attempts: [{ script: [HELLO], resumes: 'unknown' }] },
  {
    name: 'resume-after-429',
    attempts: [
      { script: [RATE_LIMIT], limitMs: SHORT_LIMIT_MS },
      { script: [HELLO], resumes: 'last' },
    ],
  },
];
