import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icons.tsx';
import { KEY_HELP } from './keys.ts';

/** All keys of the board. */
export function Help({ onClose }: { readonly onClose: () => void }) {
  const ref = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <div class="help" role="dialog" aria-label="Keys" tabIndex={-1} ref={ref}>
      <header>
        <h2>Keys</h2>
        <span class="space" />
        <button type="button" class="icon-button" aria-label="Close help" onClick={onClose}>
          <Icon sign="close" />
        </button>
      </header>
      <dl>
        {KEY_HELP.map(([keys, what]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}
