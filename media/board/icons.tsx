import { SIGNS, type Sign } from './signs.ts';

/** A sign that is only seen: what it means is said in words beside it or in a label. */
export function Icon({ sign, kind }: { readonly sign: Sign; readonly kind?: string | undefined }) {
  return (
    <span class={kind === undefined ? 'icon' : `icon ${kind}`} aria-hidden="true">
      {String.fromCodePoint(SIGNS[sign])}
    </span>
  );
}
