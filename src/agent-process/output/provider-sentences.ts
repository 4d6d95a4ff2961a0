import { cut, oneLine } from '../../core/text.ts';

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
  /** As a field of an event says; in its words the time may stand all the same. */
  readonly retryAfterMs: number | undefined;
  /** Its own words, one plain line. */
  readonly detail: string;
  /** Lines among which it may say how long, the most telling first; see `waitIn`. */
  readonly words: string;
}

const MAX_DETAIL = 200;
const MAX_LOOKED_AT = 20_000;
const MAX_LINE = 2000;

/** As a pattern, what follows the words of a refusal: an end, or more of what is wrong. */
export const END =
  '(?=\\s*(?:$|[.:;·∙•|({\\]!—–]|- |, (?:add|check|limit|maybe|or|please|retry|try|you)))';
/** Where a word of ours follows a colon, somebody tells what they made of the refusal. */
const TOLD = /^:\s*(?!(?:invalid|no|not|please|too|you|your)\b)[a-z]\w*(?:\(\))?\s/;

/** The words before the subject, which tell no more. */
const SOME = '(?:\\S{1,40} ){0,4}';
const NAME = '\\S{1,60}';
const MODEL = `${NAME}/${NAME}`;
/** A choice of words, as a pattern. */
const any = (...words: readonly string[]): string => `(?:${words.join('|')})`;

const TWO = '(?:\\w{1,30} ){0,2}?';
const TOKEN = `${any('auth\\w*', 'access', 'oauth', 'bearer', 'api')} token`;
const KEY = any(`${TWO}(?:x-)?api[ _-]?key`, TWO + TOKEN, '[A-Z_]{2,40}_(?:API_KEY|TOKEN)');
const CREDENTIALS = '(?:\\w{1,30} )?auth\\w*(?: credentials| information| header)?';
const BAD = any('bad', 'expired', 'incorrect', 'invalid', 'missing', 'no', 'wrong');
const NOT_TAKEN = any(
  ...['disabled', 'expired', 'invalid(?:ated)?', 'missing', 'not (?:found|set|valid)'],
  ...['reported as leaked', 'required', 'revoked'],
);
const BEING = '(?: appears to be| are| been| being| has| have| is| was)*';
const GONE = any(
  ...['exceed(?:ed|s)?', 'exhausted', 'hit', 'insufficient', 'out of', 'ran out', 'reached'],
  'used(?: up| all| 100%)?',
);
const NO_REPLY = any(
  ...['EAI_AGAIN', 'ECONN\\w+', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOTFOUND', 'EPIPE', 'ETIMEDOUT'],
);
const ARGUMENT = '(?:\\w+ )?(?:argument|option|flag|subcommand)s?\\b';
/** The last words are limits of the work, not of the provider. */
const USED_UP =
  `${GONE}(?: of)? (?:your|an?|the|its|call) (?!maximum|context|output|turn)` +
  '(?:[^\\n]{0,60}[ -])?(?:limits?|quota|usage|allowance|capacity)\\b(?! of turns)';

interface Sentences {
  /** A refusal by themselves, where words of an agent begin with them. `END`: little follows. */
  readonly alone: readonly string[];
  /** The same, of so few words that they are a line of their own. */
  readonly line?: readonly string[];
  /** They tell the kind of what is known to be an error; a good answer may well have them. */
  readonly inError?: readonly string[];
}

/** `HTTP 429`, `status: 429`, `APIError (x): 429`. */
const status = (codes: string): string =>
  any('http', 'status', 'code', 'rejected', '\\w{0,40}error') +
  `\\b(?: \\([^)\\n]{0,80}\\))?[^\\n]{0,20}\\b(?:${codes})\\b`;

/**
 * The sentences by which providers and agents say what is wrong; `refused` are those of which no
 * more is known. Spelled without regard to case, with `'` for any apostrophe.
 */
const SENTENCES: Readonly<Record<SentenceKind | 'refused', Sentences>> = {
  rateLimit: {
    alone: [
      `you(?:'ve| have)? ${USED_UP}`,
      '(?:the api|your (?:account|team)|this request|number of request tokens)\\b' +
        `[^\\n]{0,140}\\b${USED_UP}`,
      `${SOME}(?<!hard |context )(?:limit|cap|quota|usage|rate|capacity|pending requests)` +
        '(?: has been| was)? (?:reached|exceeded|exhausted|hit)(?: (?:for|resets?|on) |END)',
      `(?:(?:you(?:'ve)?|(?:your )?request|${MODEL})${BEING}(?: temporarily)? )?` +
        '(?:rate[ -]?limited|throttled)(?: by | upstream|END)',
      `(?:(?:the|that|this|our|selected) )?(?:models?|engine|servers?|service|provider|${MODEL})` +
        `(?: provider)?${BEING}(?: currently| temporarily)? ` +
        '(?:overloaded|(?:at|over) (?:full )?capacity|busy)(?: right now| with |END)',
      "(?:we're|we are|this model is)(?: currently)? experiencing (?:high|heavy|unusual|increased)",
      'no capacity available',
      '\\[?resource[_ ]?(?:has been )?exhausted',
      'insufficient[_ ]quotaEND',
      'too many (?:concurrent )?(?:requests|tokens|connections)(?: per \\w+)?END',
      'request rate increased too quickly',
      'you are using a trial key, which is limited',
      'free credits temporarily have rate limits',
      'your (?:limit|quota) will reset',
    ],
    line: ['overloaded'],
    inError: [
      'rate[ _-]?limit',
      status('429|529'),
      USED_UP,
      `quota\\b[^\\n]{0,40}\\b${GONE}`,
      `${GONE}\\b[^\\n]{0,40}[ _]?quota`,
      'no (?:remaining )?quota',
      'out of (?:extra )?(?:usage|credits for now)',
      'free tier\\b[^\\n]{0,30}\\bexhausted',
      'overloaded',
      '(?:at|over) (?:full )?capacity',
      '(?:high|heavy|unusual|increased) (?:demand|load|traffic|concurrency)',
      'max(?:imum)? (?:\\w+ )?concurrency',
      'throttl(?:ed|ing)',
    ],
  },
  trust: { alone: [], inError: ['Workspace Trust Required'] },
  repository: { alone: [], inError: ['not inside a trusted directory'] },
  login: {
    alone: [
      'failed to authenticateEND',
      `${BAD} ${any(KEY, CREDENTIALS, 'credentials(?: in \\w+ header)?')}` +
        '(?: (?:was )?(?:found|provided|supplied|set))?(?: for |END)',
      `(?:(?:the|your) )?(?:${KEY}|${TWO}token)` +
        '(?:: [*\\w-]{1,40}| environment variable| you provided| included in the request)?' +
        `${BEING} ${NOT_TAKEN}(?: or (?:(?:may have|has) )?\\w+)?END`,
      'could not parse your authentication token',
      'please (?:log|sign) ?in (?:again|first|to continue)END',
      '(?:your )?(?:login|session) (?:has )?expiredEND',
      'you (?:must|need to) be (?:logged|signed) in',
      "you didn't provide an api key",
      'missing environment variable:? \\W{0,2}[A-Z_]{2,40}_(?:API_KEY|TOKEN)',
      'your (?:[a-z]+ ){0,2}token could not be refreshed',
      'request (?:had invalid|is missing required) authentication',
      'reauthentication is needed',
      '\\[?unauthenticated\\b',
      'authentication[ _]?(?:required|failed|fails|error)END',
      'login failEND',
      'no auth type is selected',
      'please set an auth method',
      '(?:could not|cannot|unable to) (?:find|load|locate|resolve) (?:the )?(?:default )?' +
        '(?:credentials|authentication)',
      'your default credentials were not found',
      'your (?:account|organization) does not have access to',
      'access denied due to invalid',
      `user: ${NAME} is not authorized to perform`,
      'please (?:run|use) [`\'"]?/login',
    ],
    line: [
      '(?:unauthori[sz]ed|forbidden)(?:: invalid \\w+)?',
      "(?:you're |you are )?not (?:logged|signed) in" +
        '(?:\\W{1,6}(?:please|run|use|(?:log|sign) in)\\b.{0,200})?',
    ],
    inError: [
      status('401|403'),
      `${BAD} (?:auth\\w* )?(?:token|credentials)`,
      'please (?:run|use) [`\'"/\\w -]{0,30}\\blog ?in\\b',
      'please (?:try signing in|log out and sign in) again',
      'login required',
      '(?:UnrecognizedClient|ExpiredToken|AccessDenied)Exception',
      "permission(?:_denied| '[^'\\n]{1,100}' denied on resource)",
      '[A-Z]{3,20}_API_KEY\\b[^\\n]{0,40}\\b(?:not set|missing|invalid|required|specify)',
    ],
  },
  usage: {
    alone: [],
    inError: [
      `(?:unknown|unexpected|unrecognized|unsupported) ${ARGUMENT}`,
      'invalid (?:option|flag|subcommand)s?\\b',
      "the argument '[^'\\n]*' cannot be used with",
      "option '[^'\\n]*' (?:cannot be used|requires|is invalid)",
      'required arguments? (?:was|were) not provided',
      'flag provided but not defined',
      'no such option',
    ],
  },
  refused: {
    alone: [
      // Who has nothing left to pay with.
      '(?:your )?credit balance is too low',
      'insufficient (?:account )?(?:credits?|balance|funds)END',
      "(?:your \\w+ is |you are |you're |you have run )?out of (?:credits|extra usage)END",
      'you have (?:no|exceeded your) (?:[a-z]+ ){0,3}credits',
      'payment requiredEND',
      'billing hard limit has been reached',
      'your account [^\\n]{0,60}\\b(?:not active|suspended)',
      'this organization has been disabled',
      // Who asks for a model that is not there.
      `the model ${NAME} (?:does not exist(?: or |END)|has been decommissioned)`,
      "there's an issue with the selected model",
      `models/${NAME} is not found for`,
      `model (?:${NAME} )?(?:is )?not (?:available|found|supported)(?:, try|END)`,
      `(?:(?:unknown|invalid) model|model not found): ${NAME}\\W*$`,
      'no endpoints found for',
      `${NAME} is not a valid model id`,
      `the (?:requested|${NAME}) model is not supported`,
      'the api deployment for this resource does not exist',
      // What cannot be reached, or has failed.
      'connection (?:error|refused|timed out)END',
      '(?:request timed out|fetch failed|socket hang up)END',
      `(?:connect|getaddrinfo|read|write) ${NO_REPLY}\\b`,
      '(?:could not|unable to) connect to (?:the )?(?:anthropic|api|ollama|server)\\b',
      'error sending request for url',
      '(?:self.signed certificate in|unable to verify the first) certificate',
      'the server had an error while processing',
      'an error occurred while processing your request',
      'provider returned error',
      'request failed with status code [45]',
      // What a provider does not want to read or write.
      'your request was rejected as',
      '(?:content|output|(?:this|your) (?:prompt|request)) (?:was )?(?:blocked|flagged) by ' +
        '(?:our )?(?:content|safety)',
      'invalid prompt: your prompt was flagged',
      'content exists risk',
      'input data may contain inappropriate content',
      'the response (?:matched public code|was filtered due to the prompt)',
      'claude code is unable to respond to this request',
      '(?:prompt is too long|context length exceeded)END',
      "this model's maximum context length is",
      `input length and ${NAME} exceed context limit`,
    ],
    line: ['bad gateway', 'gateway timeout', 'internal server error', 'service unavailable'],
  },
};

/** As words of an agent begin. */
const ALONE = Object.values(SENTENCES).flatMap(({ alone, line = [] }) => [
  ...alone.map((words) => new RegExp(`^(?:${words.replaceAll('END', END)})`, 'iu')),
  ...line.map((words) => new RegExp(`^${words}\\W*$`, 'iu')),
]);

/** Anywhere in a line of an error, by kind. */
const IN_ERROR = new Map<string, readonly RegExp[]>(
  Object.entries(SENTENCES).map(([kind, { alone, line = [], inError = [] }]) => {
    const parts = [...alone, ...inError].map((words) => words.replaceAll('END', ''));
    const patterns = [
      ...parts.map((words) => `\\b${words.replaceAll(SOME, '')}`),
      ...line.map((words) => `^\\W{0,6}(?:error:?\\s*)?${words}\\W*$`),
    ];
    return [kind, patterns.map((words) => new RegExp(words, 'i'))];
  }),
);

/** Whether words are a refusal of a provider and tell nothing else. */
export function isRefusal(words: string): boolean {
  const plain = words.replaceAll('’', "'");
  return ALONE.some((begin) => {
    const found = begin.exec(plain)?.[0];
    return found !== undefined && !TOLD.test(plain.slice(found.length));
  });
}

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
  return linesOf(text).findLast((line) => {
    const plain = line.replaceAll('’', "'");
    return IN_ERROR.get(kind)?.some((words) => words.test(plain));
  });
}

/** What the user can do about a trouble of this kind, with the agent's own words. */
export function adviceFor(kind: SentenceKind, words: string): string {
  const advice = ADVICE[kind];
  const own = cut(oneLine(words.slice(0, MAX_LOOKED_AT)), MAX_DETAIL);
  return advice === undefined ? own : own === '' ? advice : `${advice} (${own})`;
}

/** A refusal in these words, which are known to be one. */
export function rateLimitIn(text: string): RateLimit {
  const lines = linesOf(text);
  const line = lineWith('rateLimit', text) ?? lines.at(-1) ?? '';
  const at = lines.lastIndexOf(line);
  // The delay is often on the next or the previous line.
  const near = [line, ...lines.slice(Math.max(0, at - 2), at + 4)];
  return {
    retryAfterMs: undefined,
    detail: cut(oneLine(line), MAX_DETAIL),
    words: near.join('\n'),
  };
}

function linesOf(text: string): readonly string[] {
  return text
    .slice(-MAX_LOOKED_AT)
    .split('\n')
    .map((line) => line.slice(0, MAX_LINE));
}
