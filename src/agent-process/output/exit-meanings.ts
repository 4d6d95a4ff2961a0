import { adviceFor, kindOfStatus, type SentenceKind } from './provider-sentences.ts';

/** What an exit code says beside that something went wrong. */
export interface ExitMeaning {
  readonly text: string;
  readonly kind?: SentenceKind;
}

const LOGIN: ExitMeaning = { text: adviceFor('login', ''), kind: 'login' };
const RATE_LIMIT: ExitMeaning = { text: 'its provider refuses work for now', kind: 'rateLimit' };
/** sysexits.h has it for "try again later"; exarp-go's agents end with it at a rate limit. */
const TRY_LATER = 75;

const common = (agent: string): Readonly<Record<number, ExitMeaning>> => ({
  41: LOGIN,
  42: { text: `${agent} did not accept its prompt or its arguments` },
  44: { text: `${agent} could not start the sandbox that its settings ask for` },
  52: { text: `${agent} found a mistake in its own settings` },
  53: { text: `${agent} reached its limit of turns` },
  130: { text: `${agent} was cancelled` },
});

/** The meanings that the makers of agents document, by the kind of the agent. */
const EXIT_CODES: Readonly<Record<string, Readonly<Record<number, ExitMeaning>>>> = {
  gemini: { ...common('Gemini'), 54: { text: 'Gemini was ended by a tool' } },
  qwen: {
    ...common('Qwen Code'),
    55: { text: 'Qwen Code reached a limit of its own settings' },
  },
};

/** These end with the status of their last answer over HTTP, of which a system keeps a byte. */
const END_WITH_STATUS: ReadonlySet<string> = new Set(['gemini', 'qwen']);
const STATUSES = [400, 401, 403, 404, 408, 409, 413, 422, 429, 500, 502, 503, 504, 529];

const SIGNALS: Readonly<Record<number, string>> = {
  1: 'SIGHUP',
  2: 'SIGINT',
  6: 'SIGABRT',
  9: 'SIGKILL',
  11: 'SIGSEGV',
  13: 'SIGPIPE',
  15: 'SIGTERM',
};

/** The meaning of an exit code of this kind of agent; undefined for a general failure. */
export function meaningOf(agent: string, exitCode: number): ExitMeaning | undefined {
  const own = EXIT_CODES[agent]?.[exitCode];
  if (own !== undefined) return own;
  if (exitCode === TRY_LATER) return RATE_LIMIT;
  const signal = SIGNALS[exitCode - 128];
  if (signal !== undefined) return { text: `ended by ${signal} (exit code ${exitCode})` };
  if (!END_WITH_STATUS.has(agent)) return undefined;
  const status = STATUSES.find((one) => one % 256 === exitCode);
  if (status === undefined) return undefined;
  const kind = kindOfStatus(status);
  if (kind === 'login') return LOGIN;
  if (kind === 'rateLimit') return RATE_LIMIT;
  return { text: `its provider answered with the status ${status}` };
}
