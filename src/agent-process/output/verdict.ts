import { cut, oneLine } from '../../core/text.ts';
import { isApiError, messageIn, statusIn } from './api-error.ts';
import { meaningOf, type ExitMeaning } from './exit-meanings.ts';
import {
  adviceFor,
  hasSentence,
  kindOfStatus,
  lineWith,
  rateLimitIn,
  type RateLimit,
  type SentenceKind,
} from './provider-sentences.ts';

/** An error in the words of an agent; `status` is that of an answer over HTTP, where it says so. */
export interface ToldError {
  readonly text: string;
  readonly status: number | undefined;
}

/** What an agent's output says of its work and its end. */
export interface OutputFacts {
  /**
   * Its last word of its own work; `error` is what is wrong by it. Undefined where there was none.
   */
  readonly result: { readonly error: ToldError | undefined } | undefined;
  /** Whether a good end always has such a word: then an end without one is none. */
  readonly endsWithResult: boolean;
  /** Its last message, plain text. */
  readonly lastSaid: string | undefined;
  /** The error that it reported since its last message or tool call. */
  readonly error: ToldError | undefined;
  /** That its provider refused work, as an event of its own says. */
  readonly refused: RateLimit | undefined;
  /** The last lines that are no events, most often of its stderr. */
  readonly stray: readonly string[];
  /** True where it did something or said something that is more than an error. */
  readonly hasWorked: boolean;
}

/** Everything that a verdict is made of. */
export interface VerdictFacts extends OutputFacts {
  /** The kind of agent, for what its exit codes mean. */
  readonly agent: string;
  /**
   * `ended`: by itself or from outside. `lingered`: it stayed after its last word and was ended for
   * that, so that its exit says nothing. `tooLong`: it was ended at its time limit.
   */
  readonly phase: 'ended' | 'lingered' | 'tooLong';
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  /** It was started to resume a session. */
  readonly resumes: boolean;
  /** Files that changed while it worked. */
  readonly files: readonly string[];
}

/** How the work of an agent ended. */
export type Verdict =
  | { readonly kind: 'succeeded' }
  /** `reason` is undefined where an exit code or a signal is all that is known. */
  | { readonly kind: 'failed'; readonly reason: string | undefined }
  | { readonly kind: 'tooLong' }
  | ({ readonly kind: 'rateLimited' } & RateLimit)
  /** The session could not be resumed: nothing was done, and a new one may begin. */
  | { readonly kind: 'noSession'; readonly reason: string };

const MAX_REASON = 2000;
/** A longer message, or one of several lines, is an answer that speaks of limits. */
const REFUSAL = /^.{1,200}$/;
/** Of lines beside the events, the last ones tell of the end. */
const TELLING_LINES = 12;

/**
 * Judges the work of an agent by all that is known of it.
 *
 * It has succeeded where nothing says that it failed, and where something says that it worked: a
 * last message that is more than the error of an API, or a changed file.
 */
export function judge(facts: VerdictFacts): Verdict {
  const trouble = troubleOf(facts);
  if (facts.phase === 'tooLong') {
    // It waited by itself for its provider, which it was told to come back to later.
    const { error, hasWorked } = facts;
    if (error !== undefined && kindOf(error) === 'rateLimit')
      return { kind: 'rateLimited', ...rateLimitIn(error.text) };
    const beside = hasWorked ? undefined : explainBeside(facts);
    return beside?.kind === 'rateLimit'
      ? { kind: 'rateLimited', ...rateLimitIn(beside.raw) }
      : { kind: 'tooLong' };
  }
  if (trouble.isBad) return judgeBad(facts, trouble);
  if ((facts.lastSaid ?? '').trim() !== '' || facts.files.length > 0) return { kind: 'succeeded' };
  const explained = explainBeside(facts);
  if (explained !== undefined) return judgeBad(facts, trouble);
  return badEnd(
    facts,
    withLastLine('It ended without an answer and without a changed file', lastLine(facts)),
  );
}

/** Judges an agent whose output was not read, since it had a terminal with the user before it. */
export function judgeUnseen({
  agent,
  exitCode,
  signal,
}: Pick<VerdictFacts, 'agent' | 'exitCode' | 'signal'>): Verdict {
  if (exitCode === 0 && signal === undefined) return { kind: 'succeeded' };
  const meaning = exitCode === undefined ? undefined : meaningOf(agent, exitCode);
  return meaning?.kind === 'rateLimit'
    ? { kind: 'rateLimited', retryAfterMs: undefined, detail: meaning.text, words: '' }
    : { kind: 'failed', reason: meaning?.text };
}

/** What speaks against the work of an agent. */
interface Trouble {
  readonly isBad: boolean;
  /** In the words of the agent, the most telling first. */
  readonly told: readonly ToldError[];
  readonly meaning: ExitMeaning | undefined;
}

function troubleOf(facts: VerdictFacts): Trouble {
  const { result, lastSaid = '', error, exitCode, signal, phase, agent } = facts;
  const endedBadly = phase === 'ended' && (exitCode !== 0 || signal !== undefined);
  const isError = isApiError(lastSaid);
  // An error that its good result passes over is none.
  const endedWell = result !== undefined && result.error === undefined;
  const pending = endedWell ? undefined : error;
  const isBad =
    endedBadly ||
    isError ||
    result?.error !== undefined ||
    pending !== undefined ||
    (facts.endsWithResult && result === undefined);
  // An agent whose last message is the refusal itself may end with an error of few words.
  const isRefusal =
    isBad && !endedWell && REFUSAL.test(lastSaid.trim()) && hasSentence('rateLimit', lastSaid);
  const told = [
    result?.error,
    pending,
    isError || isRefusal ? { text: lastSaid.trim(), status: undefined } : undefined,
  ].filter((one) => one !== undefined);
  return {
    isBad,
    told: told.filter(({ text, status }) => text.trim() !== '' || status !== undefined),
    meaning: endedBadly && exitCode !== undefined ? meaningOf(agent, exitCode) : undefined,
  };
}

/** A sentence that tells what is wrong, and of which kind that is. */
interface Explained {
  readonly kind: SentenceKind;
  /** For people. */
  readonly text: string;
  /** As it was told: in fields of it a time may stand. */
  readonly raw: string;
}

/**
 * The first of these that explains the end: the agent's words, its exit code, what stands beside.
 */
function explain(facts: VerdictFacts, { told, meaning }: Trouble): Explained | undefined {
  for (const error of told) {
    const kind = kindOf(error);
    if (kind !== undefined) return { kind, text: wordsOf(error) ?? '', raw: error.text };
  }
  const beside = explainBeside(facts);
  if (meaning?.kind !== undefined)
    return beside?.kind === meaning.kind ? beside : { ...meaning, kind: meaning.kind, raw: '' };
  // Where the agent itself gives a reason, what it printed on its way there is none.
  return told.length === 0 || !facts.hasWorked ? beside : undefined;
}

function explainBeside(facts: VerdictFacts): Explained | undefined {
  const { stray, hasWorked, result, error, exitCode } = facts;
  const wide = stray.slice(-TELLING_LINES).join('\n');
  const line = lineWith('rateLimit', wide);
  if (line !== undefined) return { kind: 'rateLimit', text: line, raw: wide };
  // Further up, it may have been a step that was mended.
  const lines = stray.slice(hasWorked ? -3 : -TELLING_LINES).join('\n');
  const found = kindIn(lines);
  if (found !== undefined) return { kind: found, text: lineWith(found, lines) ?? '', raw: lines };
  // Once it works, it has understood its arguments, and others may not.
  const mayBeUsage = result === undefined && error === undefined && exitCode !== 0;
  const usage = mayBeUsage && (!hasWorked || exitCode === 2) ? lineWith('usage', lines) : undefined;
  return usage === undefined ? undefined : { kind: 'usage', text: usage, raw: lines };
}

function judgeBad(facts: VerdictFacts, trouble: Trouble): Verdict {
  const { refused, result, exitCode, signal, endsWithResult, hasWorked } = facts;
  const { told, meaning } = trouble;
  const explained = explain(facts, trouble);
  if (explained?.kind === 'rateLimit') {
    const { detail, words } = rateLimitIn(explained.text);
    const told = `${words}\n${rateLimitIn(explained.raw).words}`;
    return { kind: 'rateLimited', retryAfterMs: refused?.retryAfterMs, detail, words: told };
  }
  const isRefused = refused !== undefined && (result === undefined || result.error !== undefined);
  if (isRefused && explained === undefined) return { kind: 'rateLimited', ...refused };
  if (explained !== undefined) {
    const reason = adviceFor(explained.kind, explained.text);
    return explained.kind === 'usage' ? badEnd(facts, reason) : { kind: 'failed', reason };
  }
  const words = told.map(wordsOf).find((text) => text !== undefined);
  if (words !== undefined) return badEnd(facts, words);
  if (result?.error !== undefined) return badEnd(facts, 'no reason given');
  if (signal !== undefined) return badEnd(facts, undefined);
  if (meaning !== undefined) return badEnd(facts, meaning.text);
  if (!endsWithResult) {
    // Once it works, what stands beside is most often of its work.
    return badEnd(facts, hasWorked ? undefined : (errorLine(facts) ?? lastLine(facts)));
  }
  const isSilent = exitCode === 0 || facts.phase !== 'ended';
  const line = lastLine(facts);
  return badEnd(
    facts,
    isSilent || line === undefined
      ? withLastLine('It ended without saying how it went', line)
      : line,
  );
}

/** A bad end before any work: where a session was to be resumed, that is what failed. */
function badEnd({ resumes, hasWorked, files }: VerdictFacts, reason: string | undefined): Verdict {
  if (!resumes || hasWorked || files.length > 0) return { kind: 'failed', reason };
  return { kind: 'noSession', reason: reason ?? 'It ended before it did anything' };
}

/** The status decides before the words, which may repeat anything. */
function kindOf({ text, status }: ToldError): SentenceKind | undefined {
  const byStatus = kindOfStatus(status ?? statusIn(text));
  // Some providers refuse for now with the status of those who may never come in.
  if (byStatus === 'login' && status !== 401 && hasSentence('rateLimit', text)) return 'rateLimit';
  return byStatus ?? kindIn(text) ?? kindIn(messageIn(text.trim()) ?? '');
}

const KINDS: readonly SentenceKind[] = ['rateLimit', 'trust', 'repository', 'login'];

function kindIn(text: string): SentenceKind | undefined {
  return KINDS.find((kind) => hasSentence(kind, text));
}

/** In words for people: of an error that is JSON, its message. */
function wordsOf(told: ToldError | undefined): string | undefined {
  const text = told?.text.trim() ?? '';
  if (text === '') return told?.status === undefined ? undefined : `status ${told.status}`;
  return cut(messageIn(text) ?? text, MAX_REASON);
}

/** The last line that says by itself that it is an error: what comes after it are its details. */
function errorLine({ stray }: VerdictFacts): string | undefined {
  const line = stray.findLast((one) => /^\W{0,3}(?:error|fatal|panic|exception)\b/i.test(one));
  return line === undefined ? undefined : cut(oneLine(line), MAX_REASON);
}

function lastLine({ stray }: VerdictFacts): string | undefined {
  const line = stray.findLast((one) => /[\p{L}\p{N}]/u.test(one));
  return line === undefined ? undefined : cut(oneLine(line), MAX_REASON);
}

function withLastLine(words: string, line: string | undefined): string {
  return line === undefined ? `${words}.` : `${words} (its last line: ${line})`;
}
