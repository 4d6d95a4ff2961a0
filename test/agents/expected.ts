import { EDITED } from './cases.ts';

/** What is right at the end of a case. */
export interface Expected {
  readonly outcome: 'succeeded' | 'failed' | 'timeLimit' | 'rateLimited' | 'stopped';
  /** In the reason of a failure or a refusal, or in the last message of a success. */
  readonly says?: RegExp;
  /** How long a rate limit asks to wait, in seconds; undefined where it says nothing of that. */
  readonly waitS?: number;
  /** `resumed`: the one that was to be resumed. `new`: another one. */
  readonly session?: 'resumed' | 'new';
  readonly files?: readonly string[];
  /** In the remarks beside the result. */
  readonly remarks?: RegExp;
}

const LOGIN = /could not authenticate: log in/;
const HELLO = /^Hello\.$/;
const DENIED = /^could not run: npm run --silent verify; .* allows it$/;

/** What is right for every agent, by the name of the case. */
const ALL: Readonly<Record<string, Expected>> = {
  answer: { outcome: 'succeeded', says: HELLO, session: 'new' },
  resumed: { outcome: 'succeeded', says: HELLO, session: 'resumed' },
  empty: { outcome: 'failed', says: /without an answer|empty|no response/i },
  edit: { outcome: 'succeeded', says: HELLO, files: [EDITED] },
  'denied-tool': { outcome: 'succeeded', says: HELLO, remarks: DENIED },
  '400': { outcome: 'failed', says: /The prompt is not well-formed/ },
  '401': { outcome: 'failed', says: LOGIN },
  '403': { outcome: 'failed', says: LOGIN },
  '429': { outcome: 'rateLimited', says: /rate limit|429/i },
  '429-after': { outcome: 'rateLimited', says: /rate limit|429/i, waitS: 7200 },
  '529': { outcome: 'rateLimited', says: /overloaded|529/i },
  cut: { outcome: 'failed', says: /error|terminated|disconnected|closed|connection/i },
  silent: { outcome: 'timeLimit' },
  stop: { outcome: 'stopped' },
  sigterm: { outcome: 'failed', says: /SIGTERM/ },
  'resume-unknown': { outcome: 'succeeded', says: HELLO, session: 'new' },
  'resume-after-429': { outcome: 'succeeded', says: HELLO },
};

/** What is right for one kind of agent, with the reason in a comment. */
const OWN: Readonly<Record<string, Readonly<Record<string, Expected>>>> = {
  codex: {
    // Commands are what it edits with, and they run in its sandbox; npm finds no such script there.
    'denied-tool': { outcome: 'succeeded', says: HELLO },
    // It waits by itself for as long as the header says, until we end it; its words have no time.
    '429-after': { outcome: 'rateLimited', says: /429/ },
  },
  gemini: {
    // Its own child goes on until its request fails, and reports that.
    sigterm: { outcome: 'failed' },
  },
  opencode: {
    // A denied command ends its session.
    'denied-tool': { outcome: 'failed', says: /permission requested: bash/, remarks: DENIED },
    // It tries again without end and without a word, so that nothing but time passes.
    '429': { outcome: 'timeLimit' },
    '429-after': { outcome: 'timeLimit' },
    '529': { outcome: 'timeLimit' },
    cut: { outcome: 'timeLimit' },
  },
  qwen: {
    // It tries again without end and without a word, so that nothing but time passes.
    '429': { outcome: 'timeLimit' },
    '429-after': { outcome: 'timeLimit' },
    '529': { outcome: 'timeLimit' },
  },
};

/** Undefined where a case has no entry for this agent, which is a mistake of the table. */
export function expectedFor(preset: string, name: string): Expected | undefined {
  return OWN[preset]?.[name] ?? ALL[name];
}
