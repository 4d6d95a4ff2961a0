/** Longer parameters are no colour. */
const MAX_CSI = 64;
/** A string that is not ended by then will not be, so that no output is lost for good. */
const MAX_STRING = 4096;

type State = 'text' | 'escape' | 'intermediate' | 'csi' | 'string' | 'stringEscape';

/**
 * Lets through text, colours (SGR), line ends, tabs and backspaces, and nothing else that a
 * terminal would obey: no titles, links, clipboards, cursor moves or questions, in seven or eight
 * bits, however they are cut into pieces. Follows the state machine of ECMA-48 as terminals have
 * it.
 */
export class TerminalFilter {
  #state: State = 'text';
  /** What came since the sequence began, without its introducer. */
  #sequence = '';
  #length = 0;

  filter(text: string): string {
    let kept = '';
    for (const character of text) kept += this.#take(character);
    return kept;
  }

  #take(character: string): string {
    const code = character.codePointAt(0) ?? 0;
    switch (this.#state) {
      case 'text':
        return this.#takeText(character, code);
      case 'escape':
        return this.#takeEscape(character, code);
      case 'intermediate':
        // `ESC ( B` and the like: any number of these, then one more.
        if (code >= 0x20 && code <= 0x2f) return '';
        return this.#leave(character, code, code >= 0x30 && code <= 0x7e);
      case 'csi':
        return this.#takeCsi(character, code);
      case 'string':
        return this.#takeString(character, code);
      case 'stringEscape':
        this.#state = 'text';
        return character === '\\' ? '' : this.#takeEscape(character, code);
    }
  }

  #takeText(character: string, code: number): string {
    if (code === 0x1b) this.#state = 'escape';
    else if (code === 0x9b) this.#enterCsi();
    else if (isStringIntroducer(code)) this.#enterString();
    return isKept(code) ? character : '';
  }

  #takeEscape(character: string, code: number): string {
    if (code === 0x1b) {
      this.#state = 'escape';
      return '';
    }
    if (character === '[') this.#enterCsi();
    else if ('PX]^_'.includes(character)) this.#enterString();
    else if (code >= 0x20 && code <= 0x2f) this.#state = 'intermediate';
    else return this.#leave(character, code, code >= 0x30 && code <= 0x7e);
    return '';
  }

  #takeCsi(character: string, code: number): string {
    if (code >= 0x20 && code <= 0x3f) {
      if (this.#sequence.length <= MAX_CSI) this.#sequence += character;
      return '';
    }
    const isColour =
      character === 'm' && this.#sequence.length <= MAX_CSI && /^[\d;:]*$/.test(this.#sequence);
    if (isColour) {
      this.#state = 'text';
      return `\x1b[${this.#sequence}m`;
    }
    return this.#leave(character, code, code >= 0x40 && code <= 0x7e);
  }

  #takeString(character: string, code: number): string {
    this.#length += 1;
    if (code === 0x1b) this.#state = 'stringEscape';
    else if (code === 0x07 || code === 0x9c) this.#state = 'text';
    // A valid string does not contain a line break; the following bytes are text again.
    else if (code === 0x0a || code === 0x18 || code === 0x1a)
      return this.#leave(character, code, false);
    else if (this.#length > MAX_STRING) this.#state = 'text';
    return '';
  }

  #enterCsi(): void {
    this.#state = 'csi';
    this.#sequence = '';
  }

  #enterString(): void {
    this.#state = 'string';
    this.#length = 0;
  }

  /** A sequence ends: with this character as its last, or before one that does not belong to it. */
  #leave(character: string, code: number, belongs: boolean): string {
    this.#state = 'text';
    return belongs ? '' : this.#takeText(character, code);
  }
}

/** DCS, SOS, OSC, PM and APC in eight bits. */
function isStringIntroducer(code: number): boolean {
  return code === 0x90 || code === 0x98 || code === 0x9d || code === 0x9e || code === 0x9f;
}

function isKept(code: number): boolean {
  if (code === 0x08 || code === 0x09 || code === 0x0a || code === 0x0d) return true;
  return code >= 0x20 && code !== 0x7f && !(code >= 0x80 && code <= 0x9f);
}
