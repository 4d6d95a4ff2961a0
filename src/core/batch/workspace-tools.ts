import { handoffTitle, newestFirst } from '../handoff.ts';
import { count, cut, oneLine } from '../text.ts';
import { findAlignment } from './alignment.ts';
import { inferProgress, type Inference } from './progress.ts';
import { type BatchTool, ToolTrouble } from './tool.ts';

export const alignment: BatchTool = {
  id: 'analyze_alignment',
  title: 'Backlog against goals and plans',
  run: async ({ snapshot, workspace }) => {
    const [goals, plans] = await Promise.all([workspace.readGoals(), workspace.readPlans()]);
    const found = findAlignment(snapshot.tasks, goals, plans);
    const unserved = found.goals?.goals.filter(({ tasks }) => tasks === 0) ?? [];
    const apart = found.goals?.apart ?? [];
    const parts = [
      found.goals === undefined ? 'no file of goals' : `${count(found.goals.goals.length, 'goal')}, ${unserved.length} without an open task, ${count(apart.length, 'open task')} apart from them`, // prettier-ignore
      plans.length === 0
        ? 'no plan'
        : `${count(plans.length, 'plan')}, ${count(found.plans.length, 'difference')}`,
    ];
    return {
      summary: parts.join('; '),
      lines: [
        ...unserved.map(({ title }) => `No open task serves the goal ${oneLine(title)}`),
        ...apart.map(
          (id) =>
            `${oneLine(id)} ${cut(oneLine(snapshot.byId.get(id)?.title ?? ''), 80)} serves no goal`,
        ),
        ...found.plans.map(
          ({ file, id, kind }) => `${oneLine(file)}: ${oneLine(id)} ${DIFFERENCES[kind]}`,
        ),
      ],
      output: {
        goals_file: found.goals?.file ?? null,
        goals: found.goals?.goals ?? [],
        misaligned: apart,
        plan_differences: found.plans.map(({ file, id, kind }) => ({ file, task_id: id, kind })),
      },
      wantsLook: unserved.length + found.plans.length > 0,
    };
  },
};

const DIFFERENCES = {
  notInBacklog: 'is not in the backlog',
  doneInPlan: 'is checked there, and is not Done in the backlog',
  doneInBacklog: 'is Done in the backlog, and is not checked there',
} as const;

export const docsHealth: BatchTool = {
  id: 'health_docs',
  title: 'Documentation',
  run: async ({ workspace }, signal) => {
    const { documents, isCut, hasReadme, empty, broken } = await workspace.scanDocs(signal);
    const faults = broken.length + empty.length + (hasReadme ? 0 : 1);
    const of = `${count(documents, 'document')}${isCut ? ' (the first of more)' : ''}`;
    return {
      summary:
        faults === 0
          ? `${of}, all of their links hold`
          : `${of}, ${count(broken.length, 'broken link')}${hasReadme ? '' : ', no README'}`,
      lines: [
        ...(hasReadme ? [] : ['There is no README']),
        ...empty.map((file) => `${oneLine(file)} is empty`),
        ...broken.map(({ file, line, target, why }) => `${oneLine(file)}:${line}: ${cut(oneLine(target), 120)} ${why === 'missing' ? 'does not exist' : 'leads out of the folder'}`), // prettier-ignore
      ],
      output: { documents, truncated: isCut, readme: hasReadme, empty, broken_links: broken },
      wantsLook: faults > 0,
    };
  },
};

export const handoffCheck: BatchTool = {
  id: 'handoff_check',
  title: 'Last handoff',
  run: ({ backlog }) => {
    const { state } = backlog.handoffs;
    if (state.kind === 'unreadable')
      throw new ToolTrouble(`The handoffs cannot be read: ${state.failure.detail}`);
    const open = newestFirst(state.handoffs.filter(({ status }) => status === 'open'));
    const [newest] = open;
    return {
      summary:
        newest === undefined
          ? 'No handoff is open'
          : `${count(open.length, 'open handoff')}, the newest of ${oneLine(newest.host) || 'an unknown host'}`,
      lines: open
        .slice(0, 10)
        .map((each) => `${oneLine(each.host) || 'unknown host'}: ${handoffTitle(each)}`),
      output: {
        open: open.length,
        latest:
          newest === undefined
            ? null
            : { id: newest.id, host: newest.host, summary: newest.summary },
      },
      wantsLook: newest !== undefined && newest.host !== backlog.host,
    };
  },
};

export const progressInference: BatchTool = {
  id: 'task_progress_inference',
  title: 'Progress not in the backlog yet (nothing is changed)',
  run: async ({ snapshot, backlog, workspace }) => {
    const [commits, plans] = await Promise.all([workspace.commits(), workspace.readPlans()]);
    const inferences = inferProgress(snapshot.tasks, {
      commits: commits ?? [],
      runs: [...backlog.runs.past, ...backlog.runs.all],
      plans: findAlignment(snapshot.tasks, undefined, plans).plans,
      now: backlog.now,
      staleMs: backlog.options.staleTaskMs,
    });
    return {
      summary: `${inferences.length === 0 ? 'Every status fits what is known' : `The status of ${count(inferences.length, 'task')} may be out of date`}${commits === undefined ? '; git has nothing to say' : ''}`,
      lines: inferences.map(
        (each) =>
          `${oneLine(each.id)}: ${each.from}, perhaps ${each.to} (${each.why.map(whyWords).join('; ')})`,
      ),
      output: {
        dry_run: true,
        inferences: inferences.map(({ id, from, to, why }) => ({ task_id: id, current_status: from, inferred_status: to, evidence: why.map(whyWords) })), // prettier-ignore
      },
      wantsLook: inferences.length > 0,
    };
  },
};

function whyWords(why: Inference['why'][number]): string {
  switch (why.kind) {
    case 'commit':
      return `commit “${cut(oneLine(why.subject), 80)}”`;
    case 'run':
      return `a run ended well: ${oneLine(why.runId)}`;
    case 'plan':
      return `checked in ${oneLine(why.file)}`;
    case 'children':
      return `all ${why.count} of its children are finished`;
    case 'untouched':
      return `it has no lock and was not changed for ${Math.round(why.forMs / 3_600_000)} h`;
  }
}

/** An open handoff of this age counts as forgotten. */
const OLD_HANDOFF_MS = 14 * 86_400_000;

export const memoryCheck: BatchTool = {
  id: 'memory_maint',
  title: 'Handoffs and runs that are kept (nothing is changed)',
  run: ({ backlog }) => {
    const { state } = backlog.handoffs;
    const handoffs = state.kind === 'read' ? state.handoffs : [];
    const old = handoffs.filter(({ status, at }) => status === 'open' && backlog.now - (at ?? backlog.now) > OLD_HANDOFF_MS); // prettier-ignore
    return {
      summary: `${count(handoffs.length, 'handoff')}, ${count(backlog.runs.past.length, 'past run')}${old.length === 0 ? '' : `; ${count(old.length, 'handoff')} open for more than two weeks`}`,
      lines: old.map((each) => `${oneLine(each.host) || 'unknown host'}: ${handoffTitle(each)}`),
      output: {
        handoffs: handoffs.length,
        past_runs: backlog.runs.past.length,
        forgotten: old.map(({ id }) => id),
      },
      wantsLook: old.length > 0,
    };
  },
};

export const storeHealth: BatchTool = {
  id: 'health_server',
  title: 'The store',
  run: ({ backlog, snapshot }) => {
    const errors = backlog.findings.filter(({ severity }) => severity === 'error');
    const { store, claimsFailure } = backlog;
    if (store.kind === 'unreadable')
      throw new ToolTrouble(`${store.failure.file} cannot be read now: ${store.failure.detail}`);
    return {
      summary: `${snapshot.source === 'sqlite' ? 'A database' : 'A JSON file'} of ${count(snapshot.tasks.length, 'task')}, ${claimsFailure === undefined ? 'tasks can be claimed' : 'nothing can be claimed'}${errors.length === 0 ? '' : `, ${count(errors.length, 'error')} that the doctor knows`}`,
      lines: errors.map(({ trouble, ids }) => `${ids.map(oneLine).join(', ')}: ${trouble.kind}`),
      output: {
        source: snapshot.source,
        tasks: snapshot.tasks.length,
        writable: claimsFailure === undefined,
        errors: errors.length,
      },
      wantsLook: errors.length > 0 || claimsFailure !== undefined,
    };
  },
};
