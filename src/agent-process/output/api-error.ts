import { hasSentence } from './provider-sentences.ts';

const MAX_API_ERROR = 2000;
/** Some agents add an advice of their own. */
const MAX_LINES = 5;

/** What an agent or a terminal puts before an error; a mark of Markdown begins an answer. */
const MARKS = /^[^\p{L}\p{N}*#`"'>✅✓✔-]{0,4}/u;

/**
 * What only a machine writes: nobody who tells of their work begins like this, or ends it so.
 */
const MACHINE: readonly RegExp[] = [
  /^\[API error\b[^\n]*\]\s*(?:\n|$)/i,
  /^[^\n{]{0,120}\b(?:\d{3}|Error|Exception)\b[^\n{]{0,40}\{\s*"(?:error|type|message|code)"\s*:/,
  /^\[?\{\s*"error"\s*:(?!\s*(?:null|false|0|""|"none"|"no"|\[\]))/i,
  /^\{\s*"type"\s*:\s*"error"/,
  /^\{\s*"(?:code|status|status_?code)"\s*:\s*"?[45]\d\d\b/i,
  /^ran into this error:/i,
  /^(?:error: )?(?:unexpected status \d{3}|exceeded retry limit, last status|stream disconnected before completion|stream error: )/i,
  /\|\d{10}$/,
];

/** The words of somebody who tells of their work, of which such an error may be the subject. */
const REPORT: readonly RegExp[] = [
  /\b(?:I|I've|I'm|we)\b(?!\/O)/,
  /\b(?:is|are|was|were|been|gets?|get) (?:now|fixed|handled|retried|added|shown|logged|reported(?! as leaked)|returned|raised|thrown|translated|redirected|mapped|caught|covered|tested|documented|queued)\b/i,
  /\bnow (?:[a-z]+(?:s|ed)|show|handle|retry|lead|give|return|wait|fail|get|map|redirect|have)\b/i,
  /\b(?:tests?|specs?) (?:pass|passes|passed|cover|covers|are|is|were)\b/i,
  /\b(?:no longer|is what|came from)\b|→|=>/i,
  /^[^:\n]{0,60}(?<!error): (?:the|an?|it|that|this|client|users?) [a-z]/,
];

/** After the words of an error it ends, or tells more; an answer goes on with its sentence. */
const END = '\\s*(?:$|[.,:;·∙•|({\\]!—–]|- )';

/** The errors themselves, as a line of their own begins. */
const ERRORS: readonly RegExp[] = [
  // An API that answered with a status.
  '(?:LLM |model )?API (?:call )?error\\b\\s?(?::|·|-|\\d{3}\\b(?! [a-z])|\\([^)\\n]{1,80}\\)END)',
  '(?:HTTP |status(?: code)?:? |error:? (?:code:? )?)?[45]\\d\\d\\b[\\s:-]{0,3}(?:\\{|(?:bad request|unauthori[sz]ed|payment required|forbidden|too many requests|internal server error|bad gateway|service unavailable|gateway timeout|overloaded|resource_exhausted|unauthenticated|permission_denied|unavailable|status code(?: \\(no body\\))?)END)',
  '(?:HTTP |status(?: code)?:? |error:? (?:code:? )?)(?:401|402|403|429|5\\d\\d)END',
  '\\[?(?:401|402|403|429|529)\\b[^\\n\\w]{0,3}(?:you|your|access denied|incorrect|invalid|no|missing|insufficient|permission|quota|forbidden\\]|too many requests\\]) ',
  '(?:unauthori[sz]ed|forbidden|service unavailable)\\W*$',
  // Who may not come in.
  'failed to authenticateEND',
  '(?:invalid|incorrect|missing|expired) (?:(?:x-)?API[ _-]?key|(?:bearer|access|oauth|auth) token|authentication)(?: provided)?END',
  'no (?:API key|auth(?:entication)? (?:information|credentials)) (?:was )?(?:found|provided|set)(?: for |END)',
  '(?:the |your )?API key (?:you provided )?(?:is |was |has )?(?:not (?:valid|set|found)|invalid|expired|missing|required)END',
  '(?:your |the )?(?:[a-z]+ ){0,2}token (?:included in the request )?(?:is |has |has been |was )?(?:expired|revoked|invalid|invalidated|not found)(?: or (?:expired|revoked|invalid))?END',
  '(?:your )?(?:login|session) (?:has )?expiredEND',
  'could not parse your authentication token\\b',
  'please (?:log|sign) ?in (?:again|first|to continue)END',
  "(?:you're |you are )?not (?:logged|signed) inEND",
  '[A-Z_]{2,40}_(?:API_KEY|TOKEN) (?:is )?(?:not set|missing)END',
  'missing environment variable:? \\W{0,2}[A-Z_]{2,40}_(?:API_KEY|TOKEN)\\b',
  'your (?:[a-z]+ ){0,2}token could not be refreshed\\b',
  '(?:request had )?invalid authentication(?: credentials)?END',
  'authentication (?:required|failed|fails|error)END',
  'could not (?:load|find|resolve) (?:the )?(?:default )?(?:credentials|authentication)\\b',
  'your default credentials were not found\\b',
  'your (?:account|organization) does not have access to\\b',
  'please run [`"\']?/login\\b',
  // Who has nothing left to pay with.
  '(?:your )?credit balance is too low\\b',
  "(?:(?:402:? )?insufficient (?:credits?|balance|funds|quota)|(?:your \\w+ is |you are |you're )?(?:you have run )?out of (?:credits|extra usage))END",
  'insufficient_quota\\b',
  // Who has to wait.
  "you(?:'ve| have)? (?:hit|reached|exceeded|used up|exhausted) (?:your|a|the)\\b.{0,60}\\b(?:limit|quota|usage|allowance|capacity)\\b",
  "you(?:'ve| have) used (?:up |all |100% )of your\\b.{0,60}\\b(?:limit|quota|usage|allowance)\\b",
  "(?:you(?:'ve| have) been |you are being |your request was |request )?(?:rate[ -]?limited|throttled)(?: by |END)",
  '(?:the )?(?:[\\w.-]+ ){0,4}(?:limit|cap|quota|usage) (?:has been )?(?:reached|exceeded|exhausted|hit)(?: (?:for|resets?|on) |END)',
  '(?:the |that |this |our |selected )?(?:models?|engine|servers?|service|provider)(?: provider)?(?: is| are)?(?: currently| temporarily)? (?:overloaded|at (?:full )?capacity|busy)\\b',
  "we(?:'re| are) (?:currently )?experiencing (?:high|heavy|unusual|increased)\\b",
  'no capacity available\\b',
  'resource has been exhausted\\b',
  '\\[?(?:resource_exhausted|unauthenticated)\\b',
  'too many (?:concurrent )?(?:requests|tokens)(?: per \\w+)?END',
  '(?:[a-z]+ ){0,3}capacity exceededEND|(?:[a-z]+ ){0,3}capacity exceeded for\\b',
].map((words) => new RegExp(`^(?:${words.replaceAll('END', END)})`, 'iu'));

/** `ThrottlingException: `, `[GoogleGenerativeAI Error]: `, `Error: `, `Sorry, `. */
const NAME =
  /^(?:\[?[\w .]{0,40}(?:Error|Exception|\.\w{1,40})\]?:(?=\s*(?:[A-Z\d[{'"]|\w+\.))|[Ee]rror:|ERROR:|[Ss]orry,|got status:)\s*/;

/** True for an answer that is nothing but the error of an API, with any flags. */
export function isApiError(text: string): boolean {
  const trimmed = text.trim();
  if (trimmed.length > MAX_API_ERROR) return false;
  const lines = trimmed.split('\n').filter((line) => line.trim() !== '');
  if (lines.length > MAX_LINES) return false;
  if (MACHINE.some((form) => form.test(trimmed))) return true;
  const message = messageIn(trimmed);
  if (message !== undefined && isApiError(message)) return true;
  const said = trimmed.replace(MARKS, '');
  if (MACHINE.some((form) => form.test(said))) return true;
  if (REPORT.some((words) => words.test(said))) return false;
  if (ERRORS.some((beginning) => beginning.test(said))) return true;
  // After its name, any sentence of a provider is one of the error.
  const name = NAME.exec(said)?.[0];
  if (name === undefined) return false;
  const rest = said.slice(name.length);
  return (
    ERRORS.some((beginning) => beginning.test(rest)) ||
    (!/^error:/i.test(name) && (hasSentence('rateLimit', rest) || hasSentence('login', rest)))
  );
}

/** The message of an error that is JSON; undefined where there is none. */
export function messageIn(text: string): string | undefined {
  if (!text.startsWith('{') && !text.startsWith('[{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    const value = fieldsOf(Array.isArray(parsed) ? parsed[0] : parsed);
    const { error, message, detail } = value;
    return [error, fieldsOf(error)['message'], message, detail].find(
      (one) => typeof one === 'string' && one.trim() !== '',
    ) as string | undefined;
  } catch {
    // Its words are what they look like.
    return undefined;
  }
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

/** Whether a text tells of work, so that errors in it are what the work is about. */
export function isReport(text: string): boolean {
  return REPORT.some((words) => words.test(text));
}

/** The status that the error of an API names: `API Error: 401 …`, `"status_code":429`. */
export function statusIn(text: string): number | undefined {
  const looked = text.slice(0, MAX_API_ERROR);
  const found =
    /"?\b(?:status[_ ]?code|statusCode|http_status|status|code)\\?"?\s*[:=]\s*\\?"?([45]\d\d)\b/i.exec(
      looked,
    ) ??
    /\b(?:API error|\w{0,40}error|status|HTTP(?:\/\d(?:\.\d)?)?|rejected|code)\W{0,4}(?:code )?\W?([45]\d\d)\b/i.exec(
      looked,
    ) ??
    /^\W{0,3}([45]\d\d)\b/.exec(looked);
  return found === null ? undefined : Number(found[1]);
}
