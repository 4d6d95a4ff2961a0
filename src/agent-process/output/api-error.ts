import { END, hasSentence, isRefusal } from './provider-sentences.ts';

const MAX_API_ERROR = 2000;
/** Some agents add an advice of their own. */
const MAX_LINES = 5;

/** What an agent or a terminal puts before an error; a mark of Markdown begins an answer. */
const MARKS = /^[^\p{L}\p{N}*#`"'>✅✓✔-]{0,4}/u;

/** What only a machine writes: nobody who tells of their work begins or ends like this. */
const MACHINE: readonly RegExp[] = [
  /^\[API error\b[^\n]*\]\s*(?:\n|$)/i,
  /^[^\n{]{0,120}\b(?:\d{3}|Error|Exception)\b[^\n{]{0,40}\{\s*"(?:error|type|message|code)"\s*:/,
  /^\[?\{\s*"error"\s*:(?!\s*(?:null|false|0|""|"none"|"no"|\[\]))/i,
  /^\{\s*"type"\s*:\s*"error"/,
  /^\{\s*"(?:code|status|status_?code)"\s*:\s*"?[45]\d\d\b/i,
  /^ran into this error:/i,
  /^(?:error: )?(?:unexpected status \d{3}|exceeded retry limit, last status)/i,
  /^(?:error: )?(?:stream disconnected before completion|stream error: )/i,
  /\|\d{10}$/,
];

/** What a program does with an error, and what was done with one in a program. */
const DONE = [
  'added|caught|covered|documented|fixed|handled|logged|mapped|now|queued|raised|redirected',
  'reported(?! as leaked)|retried|returned|shown|tested|thrown|translated',
].join('|');
const DOES = 'fail|get|give|handle|have|lead|map|redirect|retry|return|show|wait|[a-z]+(?:s|ed)';

/** The words of somebody who tells of their work, of which such an error may be the subject. */
const REPORT: readonly RegExp[] = [
  /\b(?:I|I've|I'm|we)\b(?!\/O)/,
  new RegExp(`\\b(?:is|are|was|were|been|gets?) (?:${DONE})\\b|\\bnow (?:${DOES})\\b`, 'i'),
  /\b(?:tests?|specs?) (?:pass|passes|passed|cover|covers|are|is|were)\b/i,
  /\b(?:no longer (?!supported)|is what|came from)\b|→|[-=]>/i,
  /^[^:\n]{0,60}(?<!error): (?:the|an?|it|that|this|client|users?) [a-z]/,
];

/** The words of statuses. */
const PHRASES = [
  'bad gateway|bad request|forbidden|gateway timeout|internal server error|overloaded',
  'payment required|permission_denied|resource_exhausted|service unavailable',
  'status code(?: \\(no body\\))?|too many requests|unauthenticated|unauthori[sz]ed|unavailable',
].join('|');
/** What a provider says after a status alone. */
const BEGINNINGS = [
  'access denied|forbidden\\]|incorrect|insufficient|invalid|missing|no|permission|quota',
  'too many requests\\]|your?',
].join('|');
const LABEL = '(?:HTTP|status(?: code)?:?|error:?(?: code:?)?) ';

/** What an API answered that named its status, as a line of its own begins. */
const ANSWERED = [
  `(?:LLM |model )?API (?:call )?error(?: occurred)?\\b\\s?` +
    `(?::|·|-|\\d{3}\\b(?! [a-z])|\\([^)\\n]{1,80}\\)${END})`,
  `(?:${LABEL})?[45]\\d\\d\\b[\\s:-]{0,3}(?:\\{|(?:${PHRASES})${END})`,
  `${LABEL}(?:401|402|403|429|5\\d\\d)${END}`,
  `\\[?(?:401|402|403|429|529)\\b[^\\n\\w]{0,3}(?:${BEGINNINGS}) `,
].map((words) => new RegExp(`^(?:${words})`, 'i'));

/** `ThrottlingException: `, `[GoogleGenerativeAI Error]: `, `Error: `, `Sorry, `. */
const NAME = new RegExp(
  '^(?:\\[?[\\w .]{0,40}(?:Error|Exception|Exhausted|\\.\\w{1,40})\\]?:' +
    '|(?:[Nn]etwork |[Uu]pstream )?[Ee]rror:|ERROR:|[Ss]orry,|got status:)\\s*',
);

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
  if (isError(said)) return true;
  // After its name, any sentence of a provider is one of the error.
  const name = NAME.exec(said)?.[0];
  if (name === undefined) return false;
  const rest = said.slice(name.length);
  if (isError(rest)) return true;
  const isNamed = !/^error:/i.test(name) && SENTENCE.test(rest);
  return isNamed && (hasSentence('rateLimit', rest) || hasSentence('login', rest));
}

/** As what an error says begins, and not what somebody says of errors of this name. */
const SENTENCE = /^(?:[A-Z\d[{'"]|\w+\.)/;

function isError(said: string): boolean {
  return ANSWERED.some((beginning) => beginning.test(said)) || isRefusal(said);
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

const FIELDS = 'status[_ ]?code|http_status|status|code';
const STATUS = [
  new RegExp(`\\b(?:${FIELDS})\\\\?"?\\s*[:=]\\s*\\\\?"?([45]\\d\\d)\\b`, 'i'),
  new RegExp(
    '\\b(?:\\w{0,40}error|status|HTTP(?:/\\d(?:\\.\\d)?)?|rejected|code)' +
      '\\W{0,4}(?:code )?\\W?([45]\\d\\d)\\b',
    'i',
  ),
  /^\W{0,3}([45]\d\d)\b/,
];

/** The status that the error of an API names: `API Error: 401 …`, `"status_code":429`. */
export function statusIn(text: string): number | undefined {
  const looked = text.slice(0, MAX_API_ERROR);
  const found = STATUS.map((form) => form.exec(looked)).find((one) => one !== null);
  return found && Number(found[1]);
}
