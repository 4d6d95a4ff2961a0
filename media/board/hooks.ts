import { useEffect, useLayoutEffect, useReducer, useRef, useState } from 'preact/hooks';
import type { Component } from 'preact';
import type { Model } from './model.ts';

const tickers = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

/** The time by the clock of the window; draws again each second while `counts`. */
export function useNow(model: Model, counts: boolean): number {
  const again = useAgain();
  useEffect(() => {
    if (!counts) return;
    tickers.add(again);
    timer ??= setInterval(() => {
      for (const tick of tickers) tick();
    }, 1000);
    return () => {
      tickers.delete(again);
      if (tickers.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }, [counts, again]);
  return model.now();
}

/** Draws the component again when it is called. */
export function useAgain(): () => void {
  return useReducer((n: number) => n + 1, 0)[1] as () => void;
}

/** The size of an element in CSS pixels, once it is known. */
export function useSize<T extends HTMLElement>() {
  const ref = useRef<T>(null);
  const [size, setSize] = useState<{ readonly width: number; readonly height: number }>({
    width: 0,
    height: 0,
  });
  useLayoutEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const measure = () => setSize({ width: element.clientWidth, height: element.clientHeight });
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return [ref, size] as const;
}

/** For `shouldComponentUpdate`: true where a property is another than before. */
export function hasOther<P extends object>(component: Component<P>, next: P): boolean {
  const before = component.props as Readonly<Record<string, unknown>>;
  return Object.entries(next).some(([name, value]) => before[name] !== value);
}
