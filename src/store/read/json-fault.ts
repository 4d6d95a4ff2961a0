const PLAIN = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;
const ESCAPE = /["\\/bfnrt]|u[\da-fA-F]{4}/y;

/**
 * The index where a text stops being JSON; its length where it is truncated; undefined where it is
 * valid. For messages: V8 often reports no position.
 */
export function findJsonFault(text: string): number | undefined {
  const closers: string[] = [];
  let expected: 'value' | 'key' | 'colon' | 'after' = 'value';
  let mayClose = false; // directly after an opening bracket
  for (let at = skipSpace(text, 0); ; at = skipSpace(text, at)) {
    const char = text[at];
    const closer = closers.at(-1);
    if (char === undefined)
      return expected === 'after' && closer === undefined ? undefined : text.length;
    if (char === closer && (expected === 'after' || mayClose)) {
      closers.pop();
      [expected, mayClose] = ['after', false];
      at++;
    } else if (expected === 'after') {
      if (char !== ',' || closer === undefined) return at;
      expected = closer === '}' ? 'key' : 'value';
      at++;
    } else if (expected === 'colon') {
      if (char !== ':') return at;
      expected = 'value';
      at++;
    } else if (expected === 'value' && (char === '{' || char === '[')) {
      closers.push(char === '{' ? '}' : ']');
      [expected, mayClose] = [char === '{' ? 'key' : 'value', true];
      at++;
    } else {
      const end =
        char === '"'
          ? endOfString(text, at)
          : expected === 'key'
            ? undefined
            : endOfPlain(text, at);
      if (typeof end !== 'number') return end?.fault ?? at;
      expected = expected === 'key' ? 'colon' : 'after';
      mayClose = false;
      at = end;
    }
  }
}

function endOfString(text: string, start: number): number | { readonly fault: number } {
  for (let at = start + 1; at < text.length; at++) {
    const char = text[at] ?? '';
    if (char === '"') return at + 1;
    if (char < ' ') return { fault: at };
    if (char !== '\\') continue;
    ESCAPE.lastIndex = at + 1;
    if (!ESCAPE.test(text)) return { fault: isCutOff(text, at) ? text.length : at };
    at = ESCAPE.lastIndex - 1;
  }
  return { fault: text.length };
}

function endOfPlain(text: string, start: number): number | { readonly fault: number } {
  PLAIN.lastIndex = start;
  if (PLAIN.test(text)) return PLAIN.lastIndex;
  const rest = text.slice(start, start + 6);
  const begun = ['true', 'false', 'null'].some((word) => word.startsWith(rest)) || rest === '-';
  return { fault: begun ? text.length : start };
}

/** True where the text ends within an escape. */
function isCutOff(text: string, at: number): boolean {
  return text.length - at < 6 && /^\\(u[\da-fA-F]{0,3})?$/.test(text.slice(at));
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\r' || text[at] === '\t') at++;
  return at;
}
