import type { Failure } from '../../core/failure.ts';
import type { Change } from '../../core/edit/change.ts';
import type { Claim, ReadyRules, Renewal } from '../../core/ports.ts';
import type { Status, Task, TaskId } from '../../core/task.ts';
import { isChange, isImportable } from './change-message.ts';
import type { CommentType } from './comments.ts';
import type { WrittenStatus } from './edit-statements.ts';

/** The first message from the client: whose locks, in which database. */
export interface Start {
  readonly kind: 'start';
  readonly file: string;
  /** The JSON file that is kept in step; it need not exist. */
  readonly json: string;
  /** The project that new tasks belong to. */
  readonly project: string;
  readonly holder: string;
  /** How long, in ms, after the client is gone its locks are let go. */
  readonly graceMs: number;
  /** The same for those that linger; no shorter. */
  readonly lingerMs: number;
  /** The tasks whose locks linger; `linger` replaces them. */
  readonly lingering: readonly TaskId[];
}

/** The first message from the process, sent as soon as it runs. */
export type Hello =
  | { readonly kind: 'hello'; readonly node: string }
  | { readonly kind: 'noSqlite'; readonly node: string; readonly detail: string };

/** What one request asks for. `again` marks a repetition of one whose outcome is not known. */
export type WriterRequest =
  | { readonly op: 'probe' }
  | { readonly op: 'claim'; readonly id: TaskId; readonly leaseMs: number; readonly takeUnleased: boolean }
  | { readonly op: 'claimAll'; readonly ids: readonly TaskId[]; readonly leaseMs: number }
  | {
      readonly op: 'claimNext';
      readonly candidates: readonly TaskId[];
      readonly rules: ReadyRules;
      readonly leaseMs: number;
      readonly again: boolean;
    }
  | {
      readonly op: 'adopt';
      readonly ids: readonly TaskId[];
      readonly from: string;
      readonly leaseMs: number;
      readonly again: boolean;
    }
  | {
      readonly op: 'forceRelease';
      readonly id: TaskId;
      readonly holder: string;
      /** Epoch ms; null where the lock has no end. */
      readonly until: number | null;
      readonly reason: string;
      readonly again: boolean;
    }
  /** Lets go of what `from`, whose process is gone, holds of a task: In Progress goes back to Todo. */
  | { readonly op: 'releaseFor'; readonly id: TaskId; readonly from: string; readonly again: boolean }
  | { readonly op: 'renew'; readonly ids: readonly TaskId[]; readonly leaseMs: number }
  | { readonly op: 'release'; readonly id: TaskId; readonly to: FinalStatus; readonly again: boolean }
  /** As `finish`, with a comment in the same transaction. */
  | {
      readonly op: 'releaseWithResult';
      readonly id: TaskId;
      readonly to: FinalStatus;
      readonly comment: WrittenComment | null;
      readonly again: boolean;
    }
  /** Adds a comment of type `note`, whoever holds the task. */
  | { readonly op: 'note'; readonly id: TaskId; readonly text: string; readonly again: boolean }
  | {
      readonly op: 'setStatus';
      readonly id: TaskId;
      readonly from: string;
      readonly to: FinalStatus;
      readonly again: boolean;
    }
  | { readonly op: 'apply'; readonly changes: readonly Change[]; readonly again: boolean }
  /** Makes the tables of a store that has none, with these tasks in them. */
  | { readonly op: 'initialise'; readonly tasks: readonly Task[]; readonly again: boolean }
  /** Reads what was noted as the latest result of each of these tasks. */
  | { readonly op: 'results'; readonly ids: readonly TaskId[] }
  /** Lets go of everything the holder has, but for these tasks. */
  | { readonly op: 'releaseAll'; readonly except: readonly TaskId[] }
  /** Says which tasks' locks outlive the client for a while, in place of those that were said before. */
  | { readonly op: 'linger'; readonly ids: readonly TaskId[] }
  /** Ends the process; locks stay as they are. */
  | { readonly op: 'exit' };

/** A comment as its writer words it. */
export interface WrittenComment {
  readonly type: CommentType;
  readonly text: string;
}

export type FinalStatus = 'Todo' | 'Review' | 'Done';

/** What a successful request answers, by its `op`. `changed` says that the status was written. */
export interface Values {
  readonly probe: { readonly node: string };
  readonly claim: { readonly claim: Claim; readonly changed: boolean };
  readonly claimAll: { readonly claims: readonly Claim[]; readonly changed: readonly TaskId[] };
  readonly claimNext: Values['claim'];
  /** `moved` went back to Todo, as their locks had ended. */
  readonly adopt: { readonly claims: readonly Claim[]; readonly moved: readonly TaskId[] };
  readonly forceRelease: { readonly status: Status; readonly changed: boolean };
  readonly releaseFor: Values['release'];
  readonly renew: Renewal;
  readonly release: { readonly status: Status; readonly changed: boolean };
  /** `commented` is false where no comment was asked for, or the store has no table that takes it. */
  readonly releaseWithResult: { readonly status: Status; readonly changed: boolean; readonly commented: boolean };
  readonly note: null;
  readonly setStatus: { readonly status: Status; readonly changed: boolean };
  readonly apply: { readonly statuses: readonly WrittenStatus[] };
  /** `made` is false where there was a table of tasks, and nothing was done. */
  readonly initialise: { readonly made: boolean };
  readonly results: readonly (readonly [TaskId, string])[];
  /** The tasks that went back to Todo. */
  readonly releaseAll: { readonly moved: readonly TaskId[] };
  readonly linger: null;
  readonly exit: null;
}

export interface WriterMessage {
  readonly kind: 'request';
  readonly seq: number;
  readonly ask: WriterRequest;
}

/** Each request gets exactly one; `seq` is undefined where a message had none that could be read. */
export type WriterResponse =
  | { readonly kind: 'done'; readonly seq: number; readonly value: Values[keyof Values] }
  | { readonly kind: 'failed'; readonly seq: number; readonly failure: Failure }
  /** Another process has the database locked; nothing was written. */
  | { readonly kind: 'busy'; readonly seq: number }
  | { readonly kind: 'malformed'; readonly seq: number | undefined; readonly detail: string };

/** Reads a message from the client. A message that is none answers what to say to it. */
export function parseMessage(message: unknown): Start | WriterMessage | Extract<WriterResponse, { kind: 'malformed' }> {
  if (!isRecord(message)) return malformed(undefined, 'not an object');
  if (message['kind'] === 'start') {
    const { file, json, project, holder, graceMs, lingerMs = graceMs, lingering = [] } = message;
    if (!isText(file) || !isText(json) || !isText(project) || !isText(holder)) return malformed(undefined, 'bad start');
    if (!isDuration(graceMs)) return malformed(undefined, 'bad start');
    if (!isDuration(lingerMs) || !isIds(lingering)) return malformed(undefined, 'bad start');
    return { kind: 'start', file, json, project, holder, graceMs, lingerMs, lingering };
  }
  const { seq, ask } = message;
  if (message['kind'] !== 'request' || !Number.isSafeInteger(seq)) return malformed(undefined, 'not a request');
  if (!isRecord(ask) || !isWriterRequest(ask)) return malformed(seq as number, 'bad request');
  return { kind: 'request', seq: seq as number, ask };
}

function isWriterRequest(ask: Record<string, unknown>): ask is Record<string, unknown> & WriterRequest {
  switch (ask['op']) {
    case 'probe':
    case 'exit':
      return true;
    case 'releaseAll':
      return isIds(ask['except']);
    case 'linger':
    case 'results':
      return isIds(ask['ids']);
    case 'claimAll':
      return isIds(ask['ids']) && isDuration(ask['leaseMs']);
    case 'claimNext':
      return isIds(ask['candidates']) && isRules(ask['rules']) && isDuration(ask['leaseMs']) && isBoolean(ask['again']);
    case 'adopt':
      return isIds(ask['ids']) && isText(ask['from']) && isDuration(ask['leaseMs']) && isBoolean(ask['again']);
    case 'forceRelease':
      return (
        isText(ask['id']) &&
        isText(ask['holder']) &&
        (ask['until'] === null || typeof ask['until'] === 'number') &&
        typeof ask['reason'] === 'string' &&
        isBoolean(ask['again'])
      );
    case 'releaseFor':
      return isText(ask['id']) && isText(ask['from']) && isBoolean(ask['again']);
    case 'claim':
      return isText(ask['id']) && isDuration(ask['leaseMs']) && isBoolean(ask['takeUnleased']);
    case 'renew':
      return isIds(ask['ids']) && isDuration(ask['leaseMs']);
    case 'apply':
      return Array.isArray(ask['changes']) && ask['changes'].every(isChange) && isBoolean(ask['again']);
    case 'initialise':
      return Array.isArray(ask['tasks']) && ask['tasks'].every(isImportable) && isBoolean(ask['again']);
    case 'release':
      return isText(ask['id']) && isFinalStatus(ask['to']) && isBoolean(ask['again']);
    case 'releaseWithResult':
      return (
        isText(ask['id']) && isFinalStatus(ask['to']) && isCommentOrNull(ask['comment']) && isBoolean(ask['again'])
      );
    case 'note':
      return isText(ask['id']) && isText(ask['text']) && isBoolean(ask['again']);
    case 'setStatus':
      return (
        isText(ask['id']) && typeof ask['from'] === 'string' && isFinalStatus(ask['to']) && isBoolean(ask['again'])
      );
    default:
      return false;
  }
}

function malformed(seq: number | undefined, detail: string): Extract<WriterResponse, { kind: 'malformed' }> {
  return { kind: 'malformed', seq, detail };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isIds(value: unknown): value is readonly TaskId[] {
  return Array.isArray(value) && value.every(isText);
}

function isBoolean(value: unknown): value is boolean {
  return typeof value === 'boolean';
}

function isRules(value: unknown): value is ReadyRules {
  return (
    isRecord(value) &&
    (value['missing'] === 'satisfied' || value['missing'] === 'blocked') &&
    isBoolean(value['reviewOpensGate'])
  );
}

function isCommentOrNull(value: unknown): boolean {
  if (value === null) return true;
  return isRecord(value) && (value['type'] === 'result' || value['type'] === 'note') && isText(value['text']);
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isFinalStatus(value: unknown): value is FinalStatus {
  return value === 'Todo' || value === 'Review' || value === 'Done';
}
