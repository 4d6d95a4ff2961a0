import { useLayoutEffect, useRef } from 'preact/hooks';
import { dependentsOf } from './dependents.ts';
import type { Model } from './model.ts';

const SVG = 'http://www.w3.org/2000/svg';
interface EdgesProps {
  readonly model: Model;
  readonly id: string;
  readonly left: number;
}

/** Lines from a card to those in sight that it waits for, and that wait for it. */
export function Edges({ model, id }: EdgesProps) {
  const ref = useRef<SVGSVGElement>(null);
  const draw = () => {
    const svg = ref.current;
    const page = svg?.parentElement;
    if (!svg || !page) return;
    const box = page.getBoundingClientRect();
    const find = (of: string) => {
      const element = page.querySelector<HTMLElement>(`[data-id="${CSS.escape(of)}"]`);
      const list = element?.closest('.list');
      if (!element || !list) return undefined;
      const [rect, frame] = [element.getBoundingClientRect(), list.getBoundingClientRect()];
      const y = rect.top + rect.height / 2;
      if (y < frame.top || y > frame.bottom) return undefined;
      return { left: rect.left - box.left, right: rect.right - box.left, y: y - box.top };
    };
    const card = model.cards.get(id);
    const own = find(id);
    const paths: SVGPathElement[] = [];
    const join = (from: typeof own, to: typeof own, critical: boolean) => {
      if (!from || !to) return;
      const path = document.createElementNS(SVG, 'path');
      const bend = Math.max(24, Math.abs(to.left - from.right) / 2);
      path.setAttribute(
        'd',
        `M${from.right} ${from.y}C${from.right + bend} ${from.y} ${to.left - bend} ${to.y} ${to.left} ${to.y}`,
      );
      path.setAttribute('class', critical ? 'edge critical' : 'edge');
      paths.push(path);
    };
    if (card && own) {
      for (const other of card.after)
        join(find(other), own, card.isCritical && model.cards.get(other)?.isCritical === true);
      for (const other of dependentsOf(model.cards).get(id) ?? [])
        join(own, find(other), card.isCritical && model.cards.get(other)?.isCritical === true);
    }
    svg.replaceChildren(...paths);
  };
  useLayoutEffect(draw);
  useLayoutEffect(() => {
    const page = ref.current?.parentElement;
    let asked = 0;
    const later = () => {
      cancelAnimationFrame(asked);
      asked = requestAnimationFrame(draw);
    };
    page?.addEventListener('scroll', later, { capture: true, passive: true });
    addEventListener('resize', later);
    later();
    return () => {
      cancelAnimationFrame(asked);
      page?.removeEventListener('scroll', later, { capture: true });
      removeEventListener('resize', later);
    };
  }, [id]);
  return <svg class="edges" ref={ref} aria-hidden="true" />;
}
