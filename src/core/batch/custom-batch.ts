import { isMap, isScalar, isSeq, LineCounter, type Node } from 'yaml';
import { between, INVALID } from '../shape.ts';
import { cut, oneLine } from '../text.ts';
import { BATCH_YAML, readYaml } from '../yaml.ts';
import { type Batch, BATCHES, TOOLS } from './batch.ts';
import { EXARP, exarpTool, IS_EXARP_NAME } from './exarp-tool.ts';
import type { BatchTool } from './tool.ts';

/** The text of a custom batch and where it is from. */
export interface BatchSource {
  /** A file relative to the root, or the name of a setting. */
  readonly place: string;
  /** YAML; for a setting its JSON, which is YAML too. */
  readonly text: string;
  /** Its name where the text has none. */
  readonly name: string;
  /** False where line numbers mean nothing to the user. */
  readonly hasLines: boolean;
}

/** Why a batch cannot be run. `line` counts from 1. */
export interface BatchProblem {
  readonly place: string;
  readonly line: number | undefined;
  readonly text: string;
}

export interface CustomBatch extends Batch {
  readonly place: string;
}

const MOST_STEPS = 100;
const MOST_DEPTH = 10;
const MOST_PARAMS = 8_000;
const MOST_PROBLEMS = 20;
const MOST_AT_A_TIME = 64;

/**
 * Reads custom batches: `name`, `max_parallel_tasks` and `steps`, each step a `tool` with `params`,
 * or a list of steps that run in parallel under `parallel`; `then` holds the steps after it. A
 * batch with any problem is left out, and every problem names its place.
 */
export function readBatches(sources: readonly BatchSource[]): {
  readonly batches: readonly CustomBatch[];
  readonly problems: readonly BatchProblem[];
} {
  const taken = new Set(BATCHES.map(({ action }) => action));
  const batches: CustomBatch[] = [];
  const problems: BatchProblem[] = [];
  for (const source of sources) {
    const reading = new Reading(source);
    const batch = reading.read();
    const key = batch?.action.toLowerCase() ?? '';
    if (batch !== undefined && taken.has(key)) {
      reading.complain(undefined, 'name', `another batch is called “${batch.action}” already`);
    }
    problems.push(...reading.problems.slice(0, MOST_PROBLEMS));
    if (batch === undefined || reading.problems.length > 0) continue;
    taken.add(key);
    batches.push(batch);
  }
  return { batches, problems };
}

const BATCH_FIELDS = ['name', 'description', 'max_parallel_tasks', 'steps'];

type Stages = readonly (readonly BatchTool[])[];

class Reading {
  readonly problems: BatchProblem[] = [];
  readonly #source: BatchSource;
  readonly #lines = new LineCounter();
  #steps = 0;

  constructor(source: BatchSource) {
    this.#source = source;
  }

  read(): CustomBatch | undefined {
    const { place, text, name: otherwise } = this.#source;
    const contents = this.#parse(text);
    if (contents === undefined) return undefined;
    const fields = this.#fields(contents, '', BATCH_FIELDS);
    if (fields === undefined) return undefined;
    const name = fields.get('name');
    const action = cut(
      oneLine(name === undefined ? otherwise : (this.#word(name, 'name') ?? '')),
      64,
    );
    const most = fields.get('max_parallel_tasks');
    const maxParallel =
      most === undefined ? undefined : this.#whole(most, 'max_parallel_tasks', 1, MOST_AT_A_TIME);
    const steps = fields.get('steps');
    if (steps === undefined) this.complain(contents, '', 'it has no “steps”');
    else if (!isSeq(steps)) this.complain(steps, 'steps', 'this is no list');
    const stages = isSeq(steps) ? this.#list(steps, 'steps', 0) : [];
    return {
      action,
      title: action,
      stages,
      place,
      ...(maxParallel === undefined ? {} : { maxParallel }),
    };
  }

  complain(node: unknown, path: string, text: string): void {
    const { place, hasLines } = this.#source;
    const [offset] = (node as Node | undefined)?.range ?? [];
    const line = offset === undefined ? 1 : this.#lines.linePos(offset).line;
    this.problems.push({
      place,
      line: hasLines ? line : undefined,
      text: path === '' ? text : `${path}: ${text}`,
    });
  }

  #parse(source: string): Node | undefined {
    const { document, problems } = readYaml(source, BATCH_YAML, { lineCounter: this.#lines });
    for (const { offset, text, isSyntax } of problems) {
      if (document === undefined) this.complain(undefined, '', text);
      else this.#complainAt(offset, isSyntax ? `this is no YAML: ${text}` : text);
    }
    if (document === undefined || problems.length > 0) return undefined;
    if (document.contents === null) this.complain(undefined, '', 'it is empty');
    return document.contents ?? undefined;
  }

  #complainAt(offset: number, text: string): void {
    this.complain({ range: [offset, offset, offset] }, '', text);
  }

  /** Each step after the one before it. */
  #list({ items }: { readonly items: readonly unknown[] }, path: string, depth: number): Stages {
    if (items.length === 0) this.complain(undefined, path, 'there is no step in it');
    return items.flatMap((item, index) => this.#step(item, `${path}[${index}]`, depth));
  }

  #step(node: unknown, path: string, depth: number): Stages {
    if (++this.#steps > MOST_STEPS || depth > MOST_DEPTH) {
      // Reported once: every further step exceeds the limit too.
      if (this.#steps === MOST_STEPS + 1)
        this.complain(node, path, `there are more than ${MOST_STEPS} steps`);
      else if (depth > MOST_DEPTH)
        this.complain(node, path, `steps are more than ${MOST_DEPTH} levels deep`);
      return [];
    }
    const fields = this.#fields(node, path, ['tool', 'params', 'parallel', 'then']);
    if (fields === undefined) return [];
    const [tool, parallel, then] = [fields.get('tool'), fields.get('parallel'), fields.get('then')];
    if ((tool === undefined) === (parallel === undefined)) {
      this.complain(node, path, 'a step has either a “tool” or steps that run in “parallel”');
      return [];
    }
    if (parallel !== undefined && fields.has('params')) {
      this.complain(fields.get('params'), `${path}.params`, 'they belong to a tool');
    }
    const own =
      tool === undefined
        ? this.#beside(parallel, `${path}.parallel`, depth)
        : this.#tool(tool, fields, path);
    if (then === undefined) return own;
    const after = isSeq(then) ? this.#list(then, `${path}.then`, depth + 1) : this.#step(then, `${path}.then`, depth + 1); // prettier-ignore
    return [...own, ...after];
  }

  /** Merges the first stages of all branches, then the second ones, and so on. */
  #beside(node: unknown, path: string, depth: number): Stages {
    if (!isSeq(node) || node.items.length === 0) {
      this.complain(node, path, 'this is no list of steps');
      return [];
    }
    const branches = node.items.map((item, index) =>
      this.#step(item, `${path}[${index}]`, depth + 1),
    );
    const length = Math.max(...branches.map((stages) => stages.length));
    return Array.from({ length }, (_, stage) => branches.flatMap((stages) => stages[stage] ?? []));
  }

  #tool(node: unknown, fields: ReadonlyMap<string, unknown>, path: string): Stages {
    const name = this.#word(node, `${path}.tool`);
    if (name === undefined) return [];
    const params = this.#params(fields.get('params'), `${path}.params`);
    if (params === undefined) return [];
    if (name.startsWith(EXARP)) {
      const { allow = false, ...args } = params;
      const tool = name.slice(EXARP.length);
      if (!IS_EXARP_NAME.test(tool))
        this.complain(node, `${path}.tool`, 'exarp-go has no tool of such a name');
      else if (typeof allow !== 'boolean')
        this.complain(fields.get('params'), `${path}.params`, '“allow” is true or false'); // prettier-ignore
      else return [[exarpTool({ tool, args, allowed: allow })]];
      return [];
    }
    const known = TOOLS.find(({ id }) => id === name);
    if (known === undefined) {
      const names = TOOLS.map(({ id }) => id).sort().join(', '); // prettier-ignore
      this.complain(node, `${path}.tool`, `no tool is called “${cut(oneLine(name), 60)}”. There are ${names}, and those of exarp-go as ${EXARP}NAME`); // prettier-ignore
      return [];
    }
    const rules = known.params ?? {};
    const numbers: Record<string, number> = {};
    for (const [key, value] of Object.entries(params)) {
      const rule = Object.hasOwn(rules, key) ? rules[key] : undefined;
      if (rule === undefined) {
        const takes = Object.keys(rules).join(', ') || 'nothing';
        this.complain(fields.get('params'), `${path}.params`, `${known.id} knows no “${cut(oneLine(key), 60)}”; it takes ${takes}`); // prettier-ignore
        continue;
      }
      const number = between(rule.least, rule.most)(value, 0);
      if (number === INVALID)
        this.complain(fields.get('params'), `${path}.params`, `“${key}” is a whole number from ${rule.least} to ${rule.most}`); // prettier-ignore
      else numbers[key] = number;
    }
    return [[{ ...known, run: (world, signal) => known.run(world, signal, numbers) }]];
  }

  #params(node: unknown, path: string): Record<string, unknown> | undefined {
    if (node === undefined) return {};
    if (!isMap(node)) {
      this.complain(node, path, 'this is no map of names and values');
      return undefined;
    }
    const value = JSON.parse(JSON.stringify(node)) as Record<string, unknown>;
    if (JSON.stringify(value).length <= MOST_PARAMS) return value;
    this.complain(node, path, `they are longer than ${MOST_PARAMS} characters`);
    return undefined;
  }

  /** The values of a map by their names, each of them a known one. */
  #fields(
    node: unknown,
    path: string,
    known: readonly string[],
  ): ReadonlyMap<string, unknown> | undefined {
    if (!isMap(node)) {
      this.complain(node, path, `this has none of the fields ${known.join(', ')}`);
      return undefined;
    }
    const fields = new Map<string, unknown>();
    for (const { key, value } of node.items) {
      const name = isScalar(key) ? key.value : undefined;
      if (typeof name === 'string' && known.includes(name)) fields.set(name, value);
      else this.complain(key, path, `“${cut(oneLine(typeof name === 'string' ? name : '…'), 60)}” is not known here; known are ${known.join(', ')}`); // prettier-ignore
    }
    return fields;
  }

  #word(node: unknown, path: string): string | undefined {
    if (isScalar(node) && typeof node.value === 'string' && node.value.trim() !== '')
      return node.value.trim();
    this.complain(node, path, 'this is no text');
    return undefined;
  }

  #whole(node: unknown, path: string, least: number, most: number): number | undefined {
    const value = between(least, most)(isScalar(node) ? node.value : undefined, 0);
    if (value !== INVALID) return value;
    this.complain(node, path, `this is no whole number from ${least} to ${most}`);
    return undefined;
  }
}
