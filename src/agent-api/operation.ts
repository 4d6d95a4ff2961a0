import type { Failure } from '../core/failure.ts';
import type { NotReady } from '../core/waves/readiness.ts';
import { fail, type Result } from '../core/result.ts';
import type { Lock, TaskId } from '../core/task.ts';
import type { AgentBacklog } from './agent-backlog.ts';
import { type ObjectSchema, problemsWith, type ValueOf } from './schema.ts';

/** What an operation can fail with, beside what the backlog itself fails with. */
export type AgentFailure =
  | Failure
  | { readonly kind: 'wrongInput'; readonly problems: readonly string[] }
  | { readonly kind: 'noBacklog'; readonly root: string }
  | { readonly kind: 'unknownTask'; readonly id: string }
  | { readonly kind: 'unknownWave'; readonly number: number; readonly known: readonly number[] }
  | { readonly kind: 'notReady'; readonly id: TaskId; readonly reasons: readonly NotReady[] }
  /** This very holder has it, so the caller may be a second agent at the same task. */
  | { readonly kind: 'alreadyOurs'; readonly id: TaskId; readonly lock: Lock }
  | {
      readonly kind: 'doneNotAllowed';
      readonly id: TaskId;
      readonly why: 'notStartedSo' | 'noChecks' | 'failedChecks';
    };

/** What came of an operation: for a reader, and the same as data. */
export interface Answer<T = unknown> {
  readonly text: string;
  readonly structured: T;
  /**
   * Undoes what was done, for when the client does not read the answer any more; absent where
   * nothing has to be undone. Never rejects for what the world can cause.
   */
  readonly undo?: () => Promise<void>;
}

/** What an operation does to the world, in the words of MCP. */
export interface Effect {
  readonly readOnly: boolean;
  /** Takes something away that was there; false for what only adds. */
  readonly destructive: boolean;
  /** Asked a second time with the same words, it changes nothing more. */
  readonly idempotent: boolean;
}

export interface Operation {
  readonly name: string;
  readonly title: string;
  /** For a model: what it does, when to use it, what it answers. */
  readonly description: string;
  readonly input: ObjectSchema;
  readonly output: ObjectSchema;
  readonly effect: Effect;
  /** Takes any value; fails with `wrongInput` by the schema. Rejects only for a bug. */
  run(served: AgentBacklog, input: unknown): Promise<Result<Answer, AgentFailure>>;
}

/**
 * What an operation has to know of the tasks. `fresh`: all of them as they are now. `known`: as
 * they were read at last will do, since the store itself says whether work on a task can end.
 * `nothing`: it works beside a database that cannot be read.
 */
type Needs = 'fresh' | 'known' | 'nothing';

/** What an operation with this schema of its output comes to. */
export type Outcome<O> = Result<Answer<NoInfer<ValueOf<O>>>, AgentFailure>;

/**
 * An operation whose input and output the compiler checks against its schemas. That they are
 * schemas `object` has checked; to say so again here would have the compiler follow what a schema
 * may contain without end.
 */
export function operation<
  const I extends { readonly type: 'object' },
  const O extends { readonly type: 'object' },
>(
  definition: Omit<Operation, 'run' | 'input' | 'output'> & {
    readonly input: I;
    readonly output: O;
    /** `fresh` if absent. */
    readonly needs?: Needs;
    readonly run: (
      served: AgentBacklog,
      input: NoInfer<ValueOf<I>>,
    ) => Promise<Outcome<O>> | Outcome<O>;
  },
): Operation {
  const { needs = 'fresh', ...rest } = definition;
  const [input, output] = [schemaIn(definition.input), schemaIn(definition.output)];
  return {
    ...rest,
    input,
    output,
    run: async (served, given) => {
      const problems = problemsWith(input, given ?? {});
      if (problems.length > 0) return fail({ kind: 'wrongInput', problems });
      // Read anew, so that an agent sees what it and others have just written.
      await served.backlog.refresh();
      const { snapshot, store, root } = served.backlog;
      if (store.kind === 'unreadable') {
        const isEnough = needs === 'nothing' || (needs === 'known' && snapshot !== undefined);
        if (!isEnough) return fail(store.failure);
      } else if (snapshot === undefined) return fail({ kind: 'noBacklog', root });
      return definition.run(served, (given ?? {}) as ValueOf<I>);
    },
  };
}

function schemaIn(described: object): ObjectSchema {
  return described as ObjectSchema;
}

export const READS: Effect = { readOnly: true, destructive: false, idempotent: true };

/** Changes the backlog, and each time anew. */
export const WRITES: Effect = { readOnly: false, destructive: false, idempotent: false };
