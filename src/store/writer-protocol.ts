import type { Failure } from '../core/failure.ts';
import type { Claim, Renewal } from '../core/ports.ts';
import type { Status, TaskId } from '../core/task.ts';

/** The first message from the client: whose locks, in which database. */
export interface Start {
  readonly kind: 'start';
  readonly file: string;
  readonly holder: string;
  /** How long, in ms, after the client is gone its locks are let go. */
  readonly graceMs: number;
}

/** The first message from the process, sent as soon as it runs. */
export type Hello =
  | { readonly kind: 'hello'; readonly node: string }
  | { readonly kind: 'noSqlite'; readonly node: string; readonly detail: string };

/** What one request asks for. `again` marks a repetition of one whose outcome is not known. */
export type Ask =
  | { readonly op: 'probe' }
  | { readonly op: 'claim'; readonly id: TaskId; readonly leaseMs: number; readonly takeUnleased: boolean }
  | { readonly op: 'renew'; readonly ids: readonly TaskId[]; readonly leaseMs: number }
  | { readonly op: 'finish'; readonly id: TaskId; readonly to: FinalStatus; readonly again: boolean }
  | {
      readonly op: 'setStatus';
      readonly id: TaskId;
      readonly from: string;
      readonly to: FinalStatus;
      readonly again: boolean;
    }
  /** Lets go of everything the holder has. */
  | { readonly op: 'releaseAll' }
  /** Ends the process; locks stay as they are. */
  | { readonly op: 'exit' };

export type FinalStatus = 'Todo' | 'Review' | 'Done';

/** What a successful request answers, by its `op`. `changed` says that the status was written. */
export interface Values {
  readonly probe: { readonly node: string };
  readonly claim: { readonly claim: Claim; readonly changed: boolean };
  readonly renew: Renewal;
  readonly finish: { readonly status: Status; readonly changed: boolean };
  readonly setStatus: { readonly status: Status; readonly changed: boolean };
  /** The tasks that went back to Todo. */
  readonly releaseAll: { readonly moved: readonly TaskId[] };
  readonly exit: null;
}

export interface Request {
  readonly kind: 'request';
  readonly seq: number;
  readonly ask: Ask;
}

/** Each request gets exactly one; `seq` is undefined where a message had none that could be read. */
export type Answer =
  | { readonly kind: 'done'; readonly seq: number; readonly value: Values[keyof Values] }
  | { readonly kind: 'failed'; readonly seq: number; readonly failure: Failure }
  /** Another process has the database locked; nothing was written. */
  | { readonly kind: 'busy'; readonly seq: number }
  | { readonly kind: 'malformed'; readonly seq: number | undefined; readonly detail: string };

/** Reads a message from the client. A message that is none answers what to say to it. */
export function parseMessage(message: unknown): Start | Request | Extract<Answer, { kind: 'malformed' }> {
  if (!isRecord(message)) return malformed(undefined, 'not an object');
  if (message['kind'] === 'start') {
    const { file, holder, graceMs } = message;
    if (!isText(file) || !isText(holder) || !isDuration(graceMs)) return malformed(undefined, 'bad start');
    return { kind: 'start', file, holder, graceMs };
  }
  const { seq, ask } = message;
  if (message['kind'] !== 'request' || !Number.isSafeInteger(seq)) return malformed(undefined, 'not a request');
  if (!isRecord(ask) || !isAsk(ask)) return malformed(seq as number, 'bad request');
  return { kind: 'request', seq: seq as number, ask };
}

function isAsk(ask: Record<string, unknown>): ask is Record<string, unknown> & Ask {
  switch (ask['op']) {
    case 'probe':
    case 'releaseAll':
    case 'exit':
      return true;
    case 'claim':
      return isText(ask['id']) && isDuration(ask['leaseMs']) && typeof ask['takeUnleased'] === 'boolean';
    case 'renew':
      return Array.isArray(ask['ids']) && ask['ids'].every(isText) && isDuration(ask['leaseMs']);
    case 'finish':
      return isText(ask['id']) && isFinalStatus(ask['to']) && typeof ask['again'] === 'boolean';
    case 'setStatus':
      return (
        isText(ask['id']) &&
        typeof ask['from'] === 'string' &&
        isFinalStatus(ask['to']) &&
        typeof ask['again'] === 'boolean'
      );
    default:
      return false;
  }
}

function malformed(seq: number | undefined, detail: string): Extract<Answer, { kind: 'malformed' }> {
  return { kind: 'malformed', seq, detail };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isFinalStatus(value: unknown): value is FinalStatus {
  return value === 'Todo' || value === 'Review' || value === 'Done';
}
