import { oneOf, type Random } from '../../support/random.ts';
import { mutateBytes } from './mutate-bytes.ts';

/** Text that is hard on whoever takes text for granted. */
const ODD_TEXT = [
  ...[
    '\u0000',
    '\ufeff',
    '\u2028',
    '\u202e',
    '\u200d',
    'e\u0301\u0301',
    '\ud83d\ude00',
    '\\ud800',
    '\\udc00\\ud800',
  ],
  ...[
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    '',
    ' ',
    '\t',
    '\r\n',
    '"',
    "'",
    '`',
    '$(x)',
    '../../x',
  ],
  'A'.repeat(70_000),
];
const ODD_NUMBERS = [
  '1e999',
  '-0',
  '9'.repeat(400),
  '0.1e-400',
  '1e21',
  '9007199254740993',
  '-1e308',
  'NaN',
  'Infinity',
];
const ODD_VALUES: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e300,
  '',
  'x',
  [],
  {},
  [[]],
  { id: {} },
  [null, 1, 'a'],
  ...ODD_TEXT,
];

const BOTH: readonly ((text: string, random: Random) => string)[] = [
  (text, random) => mutateBytes(Buffer.from(text), random).toString('latin1'),
  (text, random) => insert(text, random, oneOf(random, ODD_TEXT)),
  (text, random) =>
    insert(
      text,
      random,
      oneOf(random, ['[', '{"a":', '[[', '- ', '{'] as const).repeat(1 + random(20_000)),
    ),
  (text, random) =>
    text.replace(/-?\d+/g, (number) => (random(8) === 0 ? oneOf(random, ODD_NUMBERS) : number)),
  (text, random) => swapLines(text, random),
];

/** A JSON text that is broken somewhere, or whole with values of other kinds in places. */
export function mutateJson(text: string, random: Random): Buffer {
  if (random(2) === 0) return encode(oneOf(random, BOTH)(text, random), random);
  const document: unknown = JSON.parse(text);
  for (let times = 1 + random(4); times > 0; times--) changeSomewhere(document, random);
  return encode(JSON.stringify(document, null, random(3)), random);
}

const IN_YAML = [
  ...[
    '&a [*a]',
    '*nothing',
    '!!binary "x"',
    '!!js/function "x"',
    '<<: *x',
    '? [a]: b',
    '--- \n',
    '...\n',
    '%YAML 9.9\n',
  ],
  ...[
    '|\n  x',
    '>-\n y',
    '# x\n',
    '\t',
    ': ',
    '- - - - ',
    "'",
    '"\\x"',
    '!!set {a}',
    '!<tag:x> y',
    '0o17',
    '1_000',
    '12:30:45',
  ],
];

/** A YAML text with what YAML alone has, or broken anyhow. */
export function mutateYaml(text: string, random: Random): Buffer {
  let result = text;
  for (let times = 1 + random(4); times > 0; times--) {
    const next = random(8);
    if (next === 0) result = bomb(2 + random(9), 2 + random(9)) + result;
    else if (next === 7) result = manyKeys(random(random(10) === 0 ? 20_000 : 200)) + result;
    else if (next < 4) result = insert(result, random, oneOf(random, IN_YAML));
    else result = oneOf(random, BOTH)(result, random);
  }
  return encode(result, random);
}

/** Aliases of aliases, so that a short text stands for a very long one. */
function bomb(depth: number, width: number): string {
  const levels = Array.from({ length: depth }, (_, n) => {
    const items = n === 0 ? 'x' : `*a${n - 1}`;
    return `a${n}: &a${n} [${Array.from({ length: width }, () => items).join(', ')}]\n`;
  });
  return levels.join('');
}

function manyKeys(count: number): string {
  return Array.from({ length: count }, (_, n) => `k${n}: ${n}\n`).join('');
}

/** Replaces, adds or removes one value in a tree of values. */
function changeSomewhere(value: unknown, random: Random): void {
  if (typeof value !== 'object' || value === null) return;
  const keys = Object.keys(value);
  const key = keys.length === 0 ? 'x' : oneOf(random, keys);
  const container = value as Record<string, unknown>;
  const inner = container[key];
  if (typeof inner === 'object' && inner !== null && random(5) > 0) changeSomewhere(inner, random);
  else if (random(6) === 0) Reflect.deleteProperty(container, key);
  else if (random(6) === 0) container[oneOf(random, ODD_TEXT)] = inner;
  // A copy, as the next change may be inside of it.
  else container[key] = structuredClone(oneOf(random, ODD_VALUES));
}

function insert(text: string, random: Random, piece: string): string {
  const at = random(text.length + 1);
  return text.slice(0, at) + piece + text.slice(at);
}

function swapLines(text: string, random: Random): string {
  const lines = text.split('\n');
  const [a, b] = [random(lines.length), random(lines.length)];
  [lines[a], lines[b]] = [lines[b] ?? '', lines[a] ?? ''];
  return lines.join('\n');
}

/** Mostly as it should be; else in the encoding of another system. */
function encode(text: string, random: Random): Buffer {
  return Buffer.from(
    text,
    random(20) === 0 ? oneOf(random, ['utf16le', 'latin1'] as const) : 'utf8',
  );
}
