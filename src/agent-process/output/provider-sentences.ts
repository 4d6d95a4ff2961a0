import { cut, oneLine } from '../../core/text.ts';
import { findWait } from './wait-time.ts';

/** What a provider, or an agent for it, means by a sentence. */
export type SentenceKind =
  /** It refuses work for now. */
  | 'rateLimit'
  /** It does not let the user in. */
  | 'login'
  /** The agent does not trust the folder. */
  | 'trust'
  /** The agent works in repositories alone. */
  | 'repository'
  /** The agent does not understand its arguments. */
  | 'usage';

/** A refusal of further work for now. */
export interface RateLimit {
  /** Undefined where it does not say how long. */
  readonly retryAfterMs: number | undefined;
  /** Its own words, one plain line. */
  readonly detail: string;
}

const MAX_DETAIL = 200;
const MAX_LOOKED_AT = 20_000;
const MAX_LINE = 2000;

/**
 * The sentences by which providers and agents say what is wrong, each kind in the order in which it
 * is looked for. They are looked for in what an agent says of its own bad end: a good answer may
 * well speak of rate limits.
 */
const SENTENCES: Readonly<Record<SentenceKind, readonly RegExp[]>> = {
  rateLimit: [
    /\brate[ _-]?limit/i,
    /\btoo many (?:concurrent )?requests\b/i,
    /\btoo many tokens(?:,? please wait| per (?:minute|hour|day))\b/i,
    /\b(?:http|status|code|\w{0,40}error|rejected)\b[^\n]{0,20}\b(?:429|529)\b/i,
    /\bAPI error \([^)\n]{0,80}\):? (?:429|529)\b/i,
    /^\W{0,3}(?:429|529)\b/m,
    /\b(?:usage|session|weekly|daily|monthly|hourly|request|token|message|key|spend|spending|5-hour)[ _](?:limit|cap)[ _](?:has been |was )?(?:reached|exceeded|exhausted|hit)\b/i,
    /^\W{0,6}limit (?:reached|exceeded)\b/im,
    /\b(?:hit|reached|exceeded|used up) (?:your|the|its) (?!maximum|context|output|turn)(?:[\w.-]+ ){0,3}(?:[\w.]+-){0,3}limits?\b(?! of turns)/i,
    /\bout of (?:extra )?(?:usage|credits for now)\b/i,
    /\bquota\b[^\n]{0,40}\b(?:exceeded|exhausted|reached|used up|ran out)\b/i,
    /\b(?:exceeded|exhausted|reached|used up|out of|insufficient)\b[^\n]{0,40}[ _]?quota\b/i,
    /\bexceeds? [^\n]{0,30}\bquota\b/i,
    /\b(?:no (?:remaining )?quota|insufficient_quota)\b/i,
    /\bused (?:up |all |100% )of your\b[^\n]{0,40}\b(?:limit|quota|usage|allowance)\b/i,
    /\b(?:exceeded|exhausted|used up) (?:your|the|its) [^\n]{0,30}\b(?:usage|allowance)\b/i,
    /\bfree (?:usage exceeded|tier\b[^\n]{0,30}\bexhausted)\b/i,
    /\bresource[_ ](?:has been )?exhausted\b/i,
    /\boverloaded(?:_error)?\b/i,
    /\b(?:at (?:full )?capacity|no capacity available|capacity exceeded|servers? (?:is|are) (?:currently |temporarily )?busy)\b/i,
    /\b(?:high|heavy|unusual|increased) (?:demand|load|traffic|concurrency)\b/i,
    /\b(?:max(?:imum)? (?:\w+ )?concurrency|request rate increased too quickly)\b/i,
    /\b(?:being )?throttl(?:ed|ing)\b/i,
  ],
  trust: [/\bWorkspace Trust Required\b/i],
  repository: [/\bnot inside a trusted directory\b/i],
  login: [
    /^\W{0,6}(?:error:?\s*)?(?:you are |you're )?not (?:logged|signed) in\b\W*(?:$|please\b|run\b|use\b|(?:log|sign) in\b|[·•|])/im,
    /\b(?:please set an auth method|no auth type is selected|authentication(?:[ _]?(?:required|failed|fails|error))|invalid authentication|failed to authenticate|unauthenticated|please (?:run|use) [`'"/\w -]{0,30}\blog ?in\b|no authentication information|could not resolve authentication)/i,
    /\b(?:invalid|incorrect|missing|expired|wrong|bad|no) (?:(?:x-)?api[ _-]?key|(?:auth\w* |access |oauth |bearer )?(?:token|credentials))\b/i,
    /\bapi[ _-]?key(?::? [*\w-]{1,40}| you provided)? (?:is |was |has )?(?:not (?:set|valid|found)|missing|invalid|expired|required|reported as leaked)\b/i,
    /\btoken (?:included in the request )?(?:has |is )?(?:been )?(?:expired|revoked|invalid|invalidated)\b/i,
    /\bplease (?:(?:log ?in|sign in|try signing in|log out and sign in) again|(?:log|sign) ?in (?:first|to continue))\b/i,
    /\bmissing environment variable:? \W{0,2}[A-Z_]{2,40}_(?:API_KEY|TOKEN)\b/i,
    /\b(?:could not load|unable to locate|cannot find|could not find) (?:the )?(?:default )?credentials\b/i,
    /\bcredentials were not found\b/i,
    /\b(?:UnrecognizedClient|ExpiredToken|AccessDenied)Exception\b/,
    /\bpermission(?:_denied| '[^'\n]{1,100}' denied on resource)\b/i,
    /\b(?:account|organization) does not have access to\b/i,
    /^\W{0,6}(?:error:?\s*)?(?:unauthori[sz]ed|forbidden)\W*$/im,
    /\b(?:http|status|code|\w{0,40}error)\b[^\n]{0,20}\b(?:401|403)\b/i,
    /^\W{0,3}(?:401|403)\b/m,
    /\b(?:CURSOR|ANTHROPIC|OPENAI|GEMINI|GOOGLE|AMP|DASHSCOPE)_API_KEY\b[^\n]{0,40}\b(?:not set|missing|invalid|required|specify)/i,
  ],
  usage: [
    /\b(?:unknown|unexpected|unrecognized|unsupported) (?:\w+ )?(?:argument|option|flag|subcommand)s?\b/i,
    /\binvalid (?:option|flag|subcommand)s?\b/i,
    /\bthe argument '[^'\n]*' cannot be used with\b/i,
    /\boption '[^'\n]*' (?:cannot be used|requires|is invalid)/i,
    /\brequired arguments? (?:was|were) not provided\b/i,
    /\bflag provided but not defined\b/i,
    /\bno such option\b/i,
  ],
};

/** What the user can do where that is the same whichever agent it is. */
const ADVICE: Partial<Record<SentenceKind, string>> = {
  trust:
    'The agent does not trust this folder: open it once with the agent in a terminal and trust it there',
  repository:
    'Codex works in git repositories: make this folder one, or use a custom agent with --skip-git-repo-check',
  login:
    'The agent could not authenticate: log in with it once in a terminal, or set its API key where the editor finds it',
  usage: 'This version of the agent does not take the arguments that it is started with',
};

/** The status of an answer over HTTP, as far as it tells more than that there was an error. */
export function kindOfStatus(status: number | undefined): SentenceKind | undefined {
  if (status === 401 || status === 403) return 'login';
  return status === 429 || status === 529 ? 'rateLimit' : undefined;
}

/** Whether a text has a sentence of this kind. */
export function hasSentence(kind: SentenceKind, text: string): boolean {
  return lineWith(kind, text) !== undefined;
}

/** The last line that has a sentence of this kind. */
export function lineWith(kind: SentenceKind, text: string): string | undefined {
  return linesOf(text).findLast((line) => SENTENCES[kind].some((words) => words.test(line)));
}

/** What the user can do about a trouble of this kind, with the agent's own words. */
export function adviceFor(kind: SentenceKind, words: string): string {
  const advice = ADVICE[kind];
  const own = cut(oneLine(words.slice(0, MAX_LOOKED_AT)), MAX_DETAIL);
  return advice === undefined ? own : own === '' ? advice : `${advice} (${own})`;
}

/**
 * The words in which a provider refuses work for now, and for how long, counted from `now` (epoch
 * ms). Undefined where a text has none.
 */
export function findRateLimit(text: string, now: number): RateLimit | undefined {
  const line = lineWith('rateLimit', text);
  return line === undefined ? undefined : rateLimitOf(text, line, now);
}

/** A refusal in these words, which are known to be one; see `findRateLimit`. */
export function rateLimitIn(text: string, now: number): RateLimit {
  return findRateLimit(text, now) ?? rateLimitOf(text, linesOf(text).at(-1) ?? '', now);
}

function rateLimitOf(text: string, line: string, now: number): RateLimit {
  const lines = linesOf(text);
  const at = lines.lastIndexOf(line);
  // The delay is often on the next or the previous line.
  const near = [line, ...lines.slice(Math.max(0, at - 2), at + 4)];
  const wait = near.map((one) => findWait(one, now)).find((ms) => ms !== undefined);
  return { retryAfterMs: wait, detail: cut(oneLine(line), MAX_DETAIL) };
}

function linesOf(text: string): readonly string[] {
  return text
    .slice(-MAX_LOOKED_AT)
    .split('\n')
    .map((line) => line.slice(0, MAX_LINE));
}
