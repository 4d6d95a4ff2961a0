import type { Failure } from '../../core/failure.ts';
import type { Claim, Renewal } from '../../core/ports.ts';
import * as plain from '../../core/shape.ts';
import { INVALID, isRecord, type FieldsOf, type Shape } from '../../core/shape.ts';
import { taskIdShape as id } from '../../core/task-id-shape.ts';
import type { Status, TaskId } from '../../core/task.ts';
import { change, importable, textByStatus } from './task-shapes.ts';

const { duration, finite, flag, listOf, objectOf, oneOf, orNull, someText, text, unionOf } = plain;

export type FinalStatus = 'Todo' | 'Review' | 'Done';

/** A status that was written, to be told to what else keeps it. */
export interface WrittenStatus {
  readonly id: TaskId;
  readonly status: Status;
}

const START = {
  kind: oneOf('start'),
  file: someText,
  /** The JSON file that is kept in step; it need not exist. */
  json: someText,
  /** The project that new tasks belong to. */
  project: someText,
  holder: someText,
  /** How long, in ms, after the client is gone its locks are released. */
  graceMs: duration,
  /** The same for those that linger; no shorter. */
  lingerMs: duration,
  /** The tasks whose locks linger; `linger` replaces them. */
  lingering: listOf(id),
};
const start: Shape<Start> = objectOf<Start>(START);

/** The first message from the client: whose locks, in which database. */
export type Start = FieldsOf<typeof START>;

/** The first message from the process, sent as soon as it runs. */
export type Hello =
  | { readonly kind: 'hello'; readonly node: string }
  | { readonly kind: 'noSqlite'; readonly node: string; readonly detail: string };

const ids = listOf(id);
const leaseMs = duration;
const to: Shape<FinalStatus> = oneOf('Todo', 'Review', 'Done');
/** Marks a repetition of a request whose outcome is not known. */
const again = flag;

/** What can be asked of the writer, by kind. */
const REQUESTS = {
  probe: {},
  claim: { id, leaseMs, takeUnleased: flag },
  claimAll: { ids, leaseMs },
  claimNext: {
    candidates: ids,
    rules: objectOf({ missing: oneOf('satisfied', 'blocked'), reviewOpensGate: flag }),
    leaseMs,
    again,
  },
  adopt: { ids, from: someText, leaseMs, again },
  /** `until` in epoch ms; null where the lock has no end. */
  forceRelease: { id, holder: someText, until: orNull(finite), reason: text, again },
  /** Releases what `from`, whose process is gone, holds of a task: In Progress goes back to Todo. */
  releaseFor: { id, from: someText, again },
  renew: { ids, leaseMs },
  release: { id, to, again },
  /** `comments` has the text of the comment for each status that the task may have then; null for no comment. */
  releaseWithResult: {
    id,
    to,
    overrules: flag,
    acceptsMoved: flag,
    comments: orNull(textByStatus),
    commentType: oneOf('result', 'note'),
    again,
  },
  /** Adds a comment of type `note`, also to a task that another process holds. */
  note: { id, text: someText, again },
  setStatus: { id, from: text, to, again },
  apply: { changes: listOf(change), again },
  /** Makes the tables of a store that has none, with these tasks in them. */
  initialise: { tasks: listOf(importable), again },
  /** Reads the latest result of each of these tasks. */
  results: { ids },
  /** Releases everything that the holder has, but for these tasks. */
  releaseAll: { except: ids },
  /** Says which tasks' locks outlive the client for a while, in place of those that were said before. */
  linger: { ids },
  /** Ends the process; locks stay as they are. */
  exit: {},
};

type Requests = typeof REQUESTS;

export type WriterRequest = { [K in keyof Requests]: { readonly kind: K } & FieldsOf<Requests[K]> }[keyof Requests];

/** What a request of this kind says. */
export type RequestOf<Kind extends keyof Requests> = FieldsOf<Requests[Kind]>;

const request = unionOf<WriterRequest>(REQUESTS);

/** What a successful request answers, by its kind. `changed` says that the status was written. */
export interface Values {
  readonly probe: { readonly node: string };
  readonly claim: { readonly claim: Claim; readonly changed: boolean };
  readonly claimAll: { readonly claims: readonly Claim[]; readonly changed: readonly TaskId[] };
  readonly claimNext: Values['claim'];
  /** `moved` went back to Todo, as their locks had ended. */
  readonly adopt: { readonly claims: readonly Claim[]; readonly moved: readonly TaskId[] };
  readonly forceRelease: Values['release'];
  readonly releaseFor: Values['release'];
  readonly renew: Renewal;
  readonly release: { readonly status: Status; readonly changed: boolean };
  /** `comment` is `noTable` where the store has no table that takes it. */
  readonly releaseWithResult: Values['release'] & { readonly comment: 'written' | 'none' | 'noTable' };
  readonly note: null;
  readonly setStatus: Values['release'];
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
  readonly request: WriterRequest;
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
    const read = start(message, 0);
    return read === INVALID ? malformed(undefined, 'bad start') : read;
  }
  const { seq } = message;
  if (message['kind'] !== 'request' || !Number.isSafeInteger(seq)) return malformed(undefined, 'not a request');
  const read = request(message['request'], 0);
  if (read === INVALID) return malformed(seq as number, 'bad request');
  return { kind: 'request', seq: seq as number, request: read };
}

function malformed(seq: number | undefined, detail: string): Extract<WriterResponse, { kind: 'malformed' }> {
  return { kind: 'malformed', seq, detail };
}
