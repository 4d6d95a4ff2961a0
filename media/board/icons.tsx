import outlines from '@vscode/codicons/outlines';
import type { Sign } from './signs.ts';

/** A sign that is only seen: what it means is said in words beside it or in a label. */
export function Icon({ sign, kind }: { readonly sign: Sign; readonly kind?: string | undefined }) {
  const outline = outlines[sign];
  if (outline === undefined) throw new Error(`Internal error: no outline of ${sign}`);
  const { box, paths } = outline;
  return (
    <svg class={kind === undefined ? 'icon' : `icon ${kind}`} viewBox={box} aria-hidden="true">
      {paths.map(({ d, rule }) => (
        <path key={d} d={d} fill-rule={rule} />
      ))}
    </svg>
  );
}
