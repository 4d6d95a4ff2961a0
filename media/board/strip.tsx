import { STRIP_COUNTS, type CardState, type RunStrip } from '../../src/core/board/board-state.ts';
import { duration } from '../../src/core/text.ts';
import { useNow } from './hooks.ts';
import { Icon } from './icons.tsx';
import type { Sign } from './signs.ts';
import type { Model } from './model.ts';
import type { RunAction } from '../../src/core/board/board-state.ts';
import { clock, COUNTS, RUN_BUTTONS, STATES } from './words.ts';

const PHASES: Readonly<Record<RunStrip['phase'], { sign: Sign; word: string }>> = {
  running: { sign: 'circle-filled', word: 'Running' },
  paused: { sign: 'debug-pause', word: 'Paused' },
  stopping: { sign: 'debug-stop', word: 'Stopping' },
  ended: { sign: 'check', word: 'Ended' },
};

/**
 * The run in one line, always in sight. Stop is at the far right, where neither Run All, Resume nor
 * Accept ever is: a second click on what starts a run hits something harmless.
 */
export function Strip({ model }: { readonly model: Model }) {
  const run = model.frame?.run;
  return (
    <div class="strip" role="region" aria-label={run ? `Run ${run.title}` : 'Backlog'}>
      {run ? <OfRun model={model} run={run} /> : <OfBacklog model={model} />}
    </div>
  );
}

function OfRun({ model, run }: { readonly model: Model; readonly run: RunStrip }) {
  const phase = PHASES[run.phase];
  const isLive = run.phase !== 'ended';
  const canAct = model.frame?.isReadOnly === false;
  return (
    <>
      <div class="facts">
        <span class={`phase p-${run.phase}`}>
          <Icon sign={phase.sign} />
          {phase.word}
        </span>
        <Counts model={model} run={run} />
        <Times model={model} run={run} />
        {run.usage !== undefined && <span class="fact">{run.usage}</span>}
        {run.why !== undefined && (
          <span class="why" title={run.why}>
            {run.why}
          </span>
        )}
        {run.isElsewhere && <span class="fact quiet">led by another window</span>}
      </div>
      <div class="acts">
        {canAct && run.phase === 'running' && <Cap model={model} run={run} />}
        {canAct && run.phase === 'running' && <Act model={model} action="pause" run={run} />}
        {canAct && run.phase === 'paused' && <Act model={model} action="goOn" run={run} />}
        {!isLive && run.counts.review > 0 && canAct && (
          <>
            <Act model={model} action="reviewRun" run={run} />
            <Act model={model} action="acceptRun" run={run} />
          </>
        )}
        {!isLive && run.isResumable && canAct && <Act model={model} action="resumeRun" run={run} />}
        {!isLive && canAct && <Act model={model} action="runAll" />}
        <Act model={model} action="report" run={run} />
        {canAct && isLive && (
          <Act model={model} action="stopRun" run={run} isOff={run.phase === 'stopping'} />
        )}
      </div>
    </>
  );
}

function Counts({ model, run }: { readonly model: Model; readonly run: RunStrip }) {
  return (
    <>
      {STRIP_COUNTS.filter(
        (name) => name === 'done' || (name !== 'waiting' && run.counts[name] > 0),
      ).map((name) => (
        <Count
          key={name}
          model={model}
          states={COUNTS[name].states}
          text={
            name === 'done'
              ? `${run.counts.done}/${run.total} done`
              : `${run.counts[name]} ${COUNTS[name].word}`
          }
        />
      ))}
    </>
  );
}

function Count(props: {
  readonly model: Model;
  readonly states: readonly CardState[];
  readonly text: string;
}) {
  const { model, states, text } = props;
  const [state = 'ready'] = states;
  const isOn = model.ui.states.join() === states.join();
  return (
    <button
      type="button"
      class={`count s-${state}`}
      aria-pressed={isOn}
      title={isOn ? 'Show all tasks again' : `Show only these tasks`}
      onClick={() => model.toggleStates(states)}
    >
      <Icon sign={STATES[state].sign} kind="state" />
      {text}
    </button>
  );
}

function Times({ model, run }: { readonly model: Model; readonly run: RunStrip }) {
  const now = useNow(model, run.endedAt === undefined);
  const spent = duration((run.endedAt ?? now) - run.startedAt);
  const left =
    run.endsAt === undefined || run.endedAt !== undefined || run.phase === 'stopping'
      ? ''
      : run.endsAt > now
        ? `, about ${duration(run.endsAt - now)} left`
        : ', longer than expected';
  return (
    <span class="fact" title={`Started ${clock(run.startedAt, now)}`}>
      {run.endedAt === undefined
        ? `${spent}${left}`
        : `took ${spent}, until ${clock(run.endedAt, now)}`}
    </span>
  );
}

function Cap({ model, run }: { readonly model: Model; readonly run: RunStrip }) {
  const change = (cap: number) => () => model.post({ kind: 'cap', cap });
  return (
    <span class="cap" role="group" aria-label="Agents at a time">
      <span class="quiet">Agents</span>
      <button
        type="button"
        class="icon-button"
        aria-label="Fewer agents at a time"
        title="Fewer agents at a time. It ends no agent."
        disabled={run.cap <= 1}
        onClick={change(run.cap - 1)}
      >
        <Icon sign="remove" />
      </button>
      <span class="number">{run.cap}</span>
      <button
        type="button"
        class="icon-button"
        aria-label="More agents at a time"
        title="More agents at a time"
        onClick={change(run.cap + 1)}
      >
        <Icon sign="add" />
      </button>
    </span>
  );
}

function Act(props: {
  readonly model: Model;
  readonly action: RunAction;
  readonly run?: RunStrip;
  readonly isMain?: boolean;
  readonly isOff?: boolean;
}) {
  const { model, action, run, isMain = false, isOff = false } = props;
  const { sign, word } = RUN_BUTTONS[action];
  return (
    <button
      type="button"
      class={isMain ? 'main' : action === 'stopRun' ? 'stop' : ''}
      disabled={isOff}
      onClick={() => model.post({ kind: 'run', action, runId: run?.runId })}
    >
      <Icon sign={sign} />
      {word}
    </button>
  );
}

const BACKLOG_COUNTS: readonly CardState[] = ['review', 'failed', 'ready', 'waiting', 'blocked'];

function OfBacklog({ model }: { readonly model: Model }) {
  const counts = new Map<CardState, number>();
  for (const card of model.cards.values())
    counts.set(card.state, (counts.get(card.state) ?? 0) + 1);
  const canAct = model.frame?.isReadOnly === false;
  return (
    <>
      <div class="facts">
        <span class="phase">{model.frame?.name ?? ''}</span>
        {BACKLOG_COUNTS.filter((state) => state === 'ready' || counts.has(state)).map((state) => (
          <Count
            key={state}
            model={model}
            states={[state]}
            text={`${counts.get(state) ?? 0} ${STATES[state].word}`}
          />
        ))}
        {(model.frame?.finished ?? 0) > 0 && (
          <span class="fact quiet">{`${model.frame?.finished ?? 0} done`}</span>
        )}
      </div>
      <div class="acts">
        {canAct && <Act model={model} action="runAll" isMain />}
        {canAct && <Act model={model} action="newTask" />}
      </div>
    </>
  );
}
