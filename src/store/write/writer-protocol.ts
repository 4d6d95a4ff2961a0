import type { Failure } from '../../core/failure.ts';
import type { Claim, Renewal } from '../../core/ports.ts';
import * as plain from '../../core/shape.ts';
import { INVALID, isRecord, type FieldsOf, type Shape } from '../../core/shape.ts';
import { taskIdShape as id } from '../../core/task-id-shape.ts';
import type { Status, TaskId } from '../../core/task.ts';
import type { StoredNote } from './read-results.ts';
import { change, importable, textByStatus } from './task-shapes.ts';

const { duration, finite, flag, listOf, objectOf, oneOf, maybe, orNull, someText, text, unionOf } =
  plain;

export type FinalStatus = 'Todo' | 'Review' | 'Done';

/** A status that was written, to be passed on to mirrors. */
export interface WrittenStatus {
  readonly id: TaskId;
  readonly status: Status;
}

const START = {
  kind: oneOf('start'),
  file: someText,
  /** The JSON file that mirrors statuses; it need not exist. */
  json: someText,
  /** The folder that links to these may not lead out of. */
  root: maybe(someText),
  /** The project of new tasks. */
  project: someText,
  holder: someText,
  /** How long after the end of the client its locks are released, in ms. */
  graceMs: duration,
  /** The same for lingering locks; no shorter. */
  lingerMs: duration,
  /** The tasks whose locks linger; `linger` replaces them. */
  lingering: listOf(id),
};
const start: Shape<Start> = objectOf<Start>(START);

/** The first message from the client. */
export type Start = FieldsOf<typeof START>;

/** The first message from the process, sent on start. */
export type Hello =
  | { readonly kind: 'hello'; readonly node: string }
  | { readonly kind: 'noSqlite'; readonly node: string; readonly detail: string };

const ids = listOf(id);
const leaseMs = duration;
const to: Shape<FinalStatus> = oneOf('Todo', 'Review', 'Done');
/** Marks a repeated request whose outcome is unknown. */
const again = flag;

/** The requests to the writer, by kind. */
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
  /** Releases the lock of `from`, whose process is gone; In Progress goes back to Todo. */
  releaseFor: { id, from: someText, again },
  renew: { ids, leaseMs },
  /** `onlyMoved`: not where the status is ours, as one that a rewrite had undone. */
  release: { id, to, again, onlyMoved: flag },
  /** `comments` has the comment for each possible status; null for no comment. */
  releaseWithResult: {
    id,
    to,
    overrules: flag,
    acceptsMoved: flag,
    comments: orNull(textByStatus),
    commentType: oneOf('result', 'note'),
    again,
  },
  /** Adds a comment of type `note`, even to a task that another process holds. */
  note: { id, text: someText, again },
  setStatus: { id, from: text, to, again },
  apply: { changes: listOf(change), again },
  /** Creates the tables of a store that has none, with these tasks. */
  initialise: { tasks: listOf(importable), again },
  /** Reads the latest result of each of these tasks. */
  results: { ids },
  /** Reads the notes of a task. */
  notes: { id },
  /** Releases all locks of the holder, except those on these tasks. */
  releaseAll: { except: ids },
  /** Replaces the list of tasks whose locks outlive the client for a while. */
  linger: { ids },
  /** Ends the process; locks stay as they are. */
  exit: {},
};

type Requests = typeof REQUESTS;

export type WriterRequest = {
  [K in keyof Requests]: { readonly kind: K } & FieldsOf<Requests[K]>;
}[keyof Requests];

/** The fields of a request of this kind. */
export type RequestOf<Kind extends keyof Requests> = FieldsOf<Requests[Kind]>;

const request = unionOf<WriterRequest>(REQUESTS);

/** The result of a successful request, by kind. `changed` tells that the status was written. */
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
  readonly releaseWithResult: Values['release'] & {
    readonly comment: 'written' | 'none' | 'noTable';
  };
  readonly note: null;
  readonly setStatus: Values['release'];
  readonly apply: { readonly statuses: readonly WrittenStatus[] };
  /** `made` is false where a table of tasks existed, and nothing was done. */
  readonly initialise: { readonly made: boolean };
  readonly results: readonly (readonly [TaskId, string])[];
  readonly notes: readonly StoredNote[];
  /** The tasks that went back to Todo. */
  readonly releaseAll: { readonly moved: readonly TaskId[] };
  readonly linger: null;
  /** `stays`: the process goes on for a while, and watches what it has written. */
  readonly exit: { readonly stays: boolean };
}

export interface WriterMessage {
  readonly kind: 'request';
  readonly seq: number;
  readonly request: WriterRequest;
}

/** Exactly one per request; `seq` is undefined where a message had no valid one. */
export type WriterResponse =
  | { readonly kind: 'done'; readonly seq: number; readonly value: Values[keyof Values] }
  | { readonly kind: 'failed'; readonly seq: number; readonly failure: Failure }
  /** Another process has the database locked; nothing was written. */
  | { readonly kind: 'busy'; readonly seq: number }
  | { readonly kind: 'malformed'; readonly seq: number | undefined; readonly detail: string };

/** What the process says unasked: a line for the log, or a status that it has written again. */
export type WriterNotice =
  | { readonly kind: 'log'; readonly line: string }
  | { readonly kind: 'again'; readonly id: TaskId; readonly status: Status };

/** Parses a message from the client; for an invalid one, returns the response. */
export function parseMessage(
  message: unknown,
): Start | WriterMessage | Extract<WriterResponse, { kind: 'malformed' }> {
  if (!isRecord(message)) return malformed(undefined, 'not an object');
  if (message['kind'] === 'start') {
    const read = start(message, 0);
    return read === INVALID ? malformed(undefined, 'bad start') : read;
  }
  const { seq } = message;
  if (message['kind'] !== 'request' || !Number.isSafeInteger(seq))
    return malformed(undefined, 'not a request');
  const read = request(message['request'], 0);
  if (read === INVALID) return malformed(seq as number, 'bad request');
  return { kind: 'request', seq: seq as number, request: read };
}

function malformed(
  seq: number | undefined,
  detail: string,
): Extract<WriterResponse, { kind: 'malformed' }> {
  return { kind: 'malformed', seq, detail };
}
