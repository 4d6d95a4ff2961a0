import { cut } from '../../src/core/text.ts';

const SVG = 'http://www.w3.org/2000/svg';

type Attributes = Readonly<Record<string, string | number>>;

/** An SVG document that stands alone: elements and text nodes, no style that a viewer would lack. */
export class Picture {
  readonly #root: SVGElement;

  constructor(width: number, height: number, background: string, font: string) {
    this.#root = element('svg', {
      viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
      width: Math.ceil(width),
      height: Math.ceil(height),
      'font-family': font,
      'font-size': 13,
    });
    this.add('rect', { width: Math.ceil(width), height: Math.ceil(height), fill: background });
  }

  add(name: string, attributes: Attributes): void {
    this.#root.append(element(name, attributes));
  }

  /** Text of one line, cut to about this width. */
  text(text: string, x: number, y: number, width: number, attributes: Attributes): void {
    const most = Math.max(1, Math.floor(width / 6.6));
    const node = element('text', { x, y, ...attributes });
    const shown = cut(text, most);
    node.textContent = shown;
    if (shown !== text) {
      const title = element('title', {});
      title.textContent = text;
      node.append(title);
    }
    this.#root.append(node);
  }

  toString(): string {
    return new XMLSerializer().serializeToString(this.#root);
  }
}

function element(name: string, attributes: Attributes): SVGElement {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}
