import type { Model } from './model.ts';
import { clock } from './words.ts';

/** Chooses an earlier run; the newest is followed while none is chosen. */
export function Runs({ model }: { readonly model: Model }) {
  const runs = model.frame?.runs ?? [];
  if (runs.length < 2) return null;
  const newest = runs[0]?.runId;
  return (
    <select
      aria-label="Shown run"
      value={model.frame?.run?.runId ?? ''}
      onChange={(event) => {
        const chosen = event.currentTarget.value;
        const runId = chosen === newest ? undefined : chosen;
        model.set({ runId });
        model.post({ kind: 'showRun', runId });
      }}
    >
      {runs.map((run) => (
        <option key={run.runId} value={run.runId}>
          {`${run.isLive ? '● ' : ''}${clock(run.startedAt, model.now())} · ${run.title}`}
        </option>
      ))}
    </select>
  );
}
