import assert from 'node:assert/strict';
import {
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { BacklogSource } from '../../../src/core/ports.ts';
import type { StoreState } from '../../../src/core/snapshot.ts';
import { openBacklog } from '../../../src/store/read/backlog-source.ts';
import { readHandoffs } from '../../../src/store/json/handoff-reader.ts';
import { readMetadataBlob } from '../../../src/store/read/metadata.ts';
import { oneOf, type Random } from '../../support/random.ts';
import { WASM_FILE } from '../../support/stores.ts';
import { sealWal } from '../../support/wal-builder.ts';
import { checkConfig, checkHandoffs, checkState } from './check-state.ts';
import {
  CONFIG_PB,
  CONFIG_YAML,
  HANDOFFS_JSON,
  METADATA_BLOB,
  STATE_JSON,
  type Store,
} from './corpus.ts';
import { TEXT_KINDS, tryText } from './fuzzed-texts.ts';
import { mutateBytes, mutateDatabase, mutateLog, randomBytes } from './mutate-bytes.ts';
import { mutateJson, mutateYaml } from './mutate-text.ts';

const DATABASE = '.todo2/todo2.db';
const LOG = '.todo2/todo2.db-wal';
const JSON_FILE = '.todo2/state.todo2.json';
const PB = '.exarp/config.pb';
const YAML = '.exarp/config.yaml';

/** Files old enough that nobody waits for them to become older. */
const LONG_AGO = 1_700_000_000;

/**
 * The files of one store, exchanged again and again for such as no program writes, and read as the
 * extension reads them.
 */
export class FuzzedStore {
  readonly #stores: readonly Store[];
  readonly #root: string;
  /** Opened once and followed, as a window does for days. */
  readonly #source: BacklogSource;
  readonly #files = new Map<string, Buffer>();
  readonly #beside: readonly string[];
  #good = '';

  private constructor(stores: readonly Store[], root: string) {
    this.#stores = stores;
    this.#root = root;
    for (const folder of ['.todo2', '.exarp']) mkdirSync(join(root, folder), { recursive: true });
    this.#beside = readdirSync(dirname(root)).sort();
    this.#source = openBacklog(root, { wasmFile: WASM_FILE, watch: false });
  }

  static async open(stores: readonly Store[], root: string): Promise<FuzzedStore> {
    const store = new FuzzedStore(stores, root);
    store.#good = await store.#readGood();
    return store;
  }

  close(): void {
    this.#source.dispose();
  }

  /** What the last case had in its files. */
  files(): ReadonlyMap<string, Buffer> {
    return this.#files;
  }

  /**
   * Tries one case; answers what it was and what came of it. Throws where that is none of what may
   * come of it.
   */
  async try(random: Random): Promise<string> {
    const kind = oneOf(random, [
      'database',
      'database',
      'log',
      'log',
      'log',
      'json',
      'json',
      'yaml',
      'protobuf',
      'handoffs',
      ...TEXT_KINDS,
    ] as const);
    if (isTextKind(kind)) {
      const ended = await tryText(kind, this.#root, random);
      this.#checkOutside();
      return `${kind} ${ended}`;
    }
    switch (kind) {
      case 'database':
      case 'log':
        return `${kind} ${await this.#tryDatabase(kind, random)}`;
      case 'handoffs': {
        const read = readHandoffs(mutateJson(HANDOFFS_JSON, random));
        checkHandoffs(read);
        return `handoffs ${read.ok ? 'read' : 'unreadable'}`;
      }
      case 'json':
        this.#put(random, new Map([[JSON_FILE, mutateJson(STATE_JSON, random)]]));
        break;
      case 'yaml':
        this.#put(
          random,
          new Map([
            [YAML, mutateYaml(CONFIG_YAML, random)],
            [JSON_FILE, Buffer.from(STATE_JSON)],
          ]),
        );
        break;
      case 'protobuf': {
        const bytes =
          random(4) === 0
            ? randomBytes(random(200), random)
            : mutateBytes(Buffer.from(CONFIG_PB), random);
        this.#put(
          random,
          new Map([
            [PB, bytes],
            [JSON_FILE, Buffer.from(STATE_JSON)],
          ]),
        );
        const blob = readMetadataBlob(mutateBytes(Buffer.from(METADATA_BLOB), random));
        assert.ok(blob === undefined || typeof blob.value === 'object');
      }
    }
    return `${kind} ${(await this.#read()).kind}`;
  }

  /**
   * That nothing of what was read before has spoilt anything: a good store shows what it showed at
   * first.
   */
  async checkGood(): Promise<void> {
    assert.equal(
      await this.#readGood(),
      this.#good,
      'a good store is read as another one than before',
    );
  }

  async #tryDatabase(kind: 'database' | 'log', random: Random): Promise<string> {
    const store = oneOf(random, this.#stores);
    const database = Buffer.from(store.database);
    if (kind === 'database') {
      const log = random(2) === 0 ? undefined : Buffer.from(store.log);
      this.#put(random, storeFiles(mutateDatabase(database, random), log));
      return (await this.#read()).kind;
    }
    // First as it was some commits ago, so that the rest comes as something new to one who has
    // followed it.
    const frame = 24 + store.log.readUInt32BE(8);
    const kept = 32 + frame * random(Math.floor((store.log.length - 32) / frame));
    if (random(2) === 0) {
      this.#put(random, storeFiles(database, Buffer.from(store.log.subarray(0, kept))));
      await this.#read();
    }
    const log = mutateLog(Buffer.from(store.log), random);
    // With sums that are right again: only then does what is in the pages reach anybody.
    if (random(3) > 0) sealWal(log, random(4) === 0 ? 0 : kept);
    this.#put(
      random,
      storeFiles(random(4) === 0 ? mutateDatabase(database, random) : database, log),
    );
    const state = await this.#read();
    if (random(4) === 0) await this.#compareWithFresh(state);
    return state.kind;
  }

  /** What was followed is what somebody finds who opens the store now. */
  async #compareWithFresh(state: StoreState): Promise<void> {
    const fresh = openBacklog(this.#root, { wasmFile: WASM_FILE, watch: false });
    try {
      await fresh.refresh();
      assert.deepEqual(
        essenceOf(state),
        essenceOf(fresh.state),
        'what was followed and what was read anew differ',
      );
    } finally {
      fresh.dispose();
    }
  }

  async #readGood(): Promise<string> {
    const store = this.#stores[0] ?? assert.fail('there is no good store');
    this.#put(() => 0, storeFiles(store.database, store.log));
    const state = await this.#read();
    assert.equal(state.kind, 'ready');
    return JSON.stringify(essenceOf(state));
  }

  /**
   * Puts these files in the place of those that are there: some into the same file, as one who
   * writes, some as a new one.
   */
  #put(random: Random, files: ReadonlyMap<string, Buffer>): void {
    for (const name of this.#files.keys())
      if (!files.has(name)) rmSync(join(this.#root, name), { force: true });
    for (const [name, bytes] of files) {
      const path = join(this.#root, name);
      if (random(2) === 0) rmSync(path, { force: true });
      writeFileSync(path, bytes);
      utimesSync(path, LONG_AGO, LONG_AGO);
    }
    this.#files.clear();
    for (const [name, bytes] of files) this.#files.set(name, bytes);
  }

  async #read(): Promise<StoreState> {
    await this.#source.refresh();
    const { state, config } = this.#source;
    checkState(state);
    checkConfig(config, this.#root);
    this.#checkUntouched();
    this.#checkOutside();
    return state;
  }

  /** Nothing is written beside the folder. */
  #checkOutside(): void {
    assert.deepEqual(readdirSync(dirname(this.#root)).sort(), this.#beside);
  }

  /** Nobody who reads has written: the same files with the same bytes, and none besides. */
  #checkUntouched(): void {
    const found = ['.todo2', '.exarp'].flatMap((folder) => {
      return readdirSync(join(this.#root, folder)).map((name) => `${folder}/${name}`);
    });
    assert.deepEqual(found.sort(), [...this.#files.keys()].sort());
    for (const [name, bytes] of this.#files) {
      const path = join(this.#root, name);
      assert.ok(readFileSync(path).equals(bytes), `${name} was changed`);
      assert.equal(
        Math.round(statSync(path).mtimeMs / 1000),
        LONG_AGO,
        `${dirname(name)} was touched`,
      );
    }
  }
}

function isTextKind(kind: string): kind is (typeof TEXT_KINDS)[number] {
  return TEXT_KINDS.some((each) => each === kind);
}

function storeFiles(database: Buffer, log: Buffer | undefined): Map<string, Buffer> {
  return new Map([[DATABASE, database], ...(log === undefined ? [] : [[LOG, log] as const])]);
}

/**
 * What of a state does not depend on when it was found. Nor does it have an order: where rows are
 * in the wrong pages, one who follows has them by their numbers, and one who begins as they come.
 */
function essenceOf(state: StoreState): unknown {
  if (state.kind === 'unreadable') return { failure: state.failure };
  if (state.kind !== 'ready') return state;
  const { tasks, notices } = state.snapshot;
  const order = (a: string, b: string): number => (a < b ? -1 : 1);
  return {
    tasks: tasks.toSorted((a, b) => order(a.id, b.id)),
    notices: notices.map((notice) => JSON.stringify(notice)).sort(order),
  };
}
