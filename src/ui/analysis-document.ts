import type { Analysis } from '../core/analysis/analysis.ts';
import type { WhatIf } from '../core/analysis/what-if.ts';
import { inline, mermaidLabel, section, fenced, page, paragraphs } from '../core/markdown.ts';
import { count, cut, oneLine, duration, firstLines, firstOf } from '../core/text.ts';
import type { Task, TaskId } from '../core/task.ts';
import { blockText } from '../core/messages.ts';

/**
 * A graph of more boxes than these is a picture of nothing, and an editor takes long to draw it.
 */
const MOST_BOXES = 60;

/** The most entries of a list; the JSON has them all. */
const MOST_LINES = 100;

const TITLE_LENGTH = 70;

/** The analysis of parallel work in Markdown. Backlog text in it is inert. */
export function analysisDocument(name: string, analysis: Analysis): string {
  return page(
    `# Analysis: ${inline(name)}`,
    summary(analysis),
    section('How long', analysis.whatIf === undefined ? '' : howLong(analysis, analysis.whatIf)),
    section('Longest chain', chainList(analysis.found.criticalPath)),
    section('Side by side', groupTable(analysis)),
    section('In each other’s way', conflictList(analysis)),
    section('Dependencies that do not hold', faultList(analysis)),
    section('Graph', graph(analysis)),
    section('Order', orderList(analysis)),
  );
}

function summary({ found, plan }: Analysis): string {
  const { order, widest, criticalPath } = found;
  if (order.length === 0 && plan.blocked.length === 0) return 'Nothing is open.';
  const blocked =
    plan.blocked.length === 0 ? '' : ` ${plan.blocked.length} more can be in no wave.`;
  return `${count(order.length, 'open task')} in ${count(plan.waves.length, 'wave')}.${blocked} At most ${count(widest, 'agent')} can be at work at once, and the longest chain has ${count(criticalPath.length, 'task')}.`;
}

function howLong({ snapshot }: Analysis, whatIf: WhatIf): string {
  const { caps, cap, chain, toShorten, basis, tasks, method } = whatIf;
  const about = method === 'simulated' ? 'about' : 'at least';
  const rows = caps.map(
    (each) =>
      `| ${each.cap}${each.cap === cap ? ' (as now)' : ''} | ${about} ${duration(each.ms)} |`,
  );
  const chainMs = chain.reduce((sum, { ms }) => sum + ms, 0);
  const nameOf = (id: TaskId): string => name(id, snapshot.byId.get(id)?.title);
  return paragraphs(
    ['| Agents at a time | All of it |', '| ---: | --- |', ...rows].join('\n'),
    chain.length < 2
      ? ''
      : `No number of agents makes it shorter than about ${duration(chainMs)}: so long takes the chain from ${nameOf(chain[0]?.id as TaskId)} to ${nameOf(chain.at(-1)?.id as TaskId)}.`,
    toShorten === undefined
      ? ''
      : `What would help most is to shorten ${nameOf(toShorten.id)}: in half of its ${duration(toShorten.ms)}, all of it would take about ${duration(toShorten.savesMs)} less with ${count(cap, 'agent')}.`,
    `${methodWords(method, tasks)}${basis === '' ? '' : ` The time of each is an estimate: ${inline(basis)}.`}`,
  );
}

function methodWords(method: WhatIf['method'], tasks: number): string {
  return method === 'simulated'
    ? `Simulated for ${count(tasks, 'task')} that can be started, as if each succeeded and no other holder had any.`
    : `${count(tasks, 'task')} can be begun, too many to be simulated: so long it takes if every agent is at work all the time, or as long as the longest chain.`;
}

function chainList(path: readonly Task[]): string {
  return path.length < 2
    ? ''
    : listed(path.map((task, n) => `${n + 1}. ${nameOf(task)} · ${task.status}`));
}

function groupTable({ found }: Analysis): string {
  if (found.groups.length === 0) return '';
  const rows = found.groups.slice(0, MOST_LINES).map(({ wave, priority, tasks }) => {
    return `| ${wave} | ${priority} | ${tasks.length} | ${firstOf(tasks, 12, ({ id }) => inline(id))} |`;
  });
  return ['| Wave | Priority | Tasks | |', '| ---: | --- | ---: | --- |', ...rows].join('\n');
}

function conflictList({ snapshot, conflicts, wouldCollide, found }: Analysis): string {
  const named = (id: TaskId): string => name(id, snapshot.byId.get(id)?.title);
  const files = (names: readonly string[]): string => firstOf(names, 10, inline);
  const ids = (list: readonly TaskId[]): string => firstOf(list, 12, inline);
  return listed([
    ...conflicts.overlaps.map(
      ({ id, on }) =>
        `- Now: ${named(id)} is In Progress, and so is ${named(on)}, which it depends on`,
    ),
    ...conflicts.files.map(
      (each) => `- Now: ${ids(each.ids)} are In Progress and all name ${files(each.files)}`,
    ),
    ...wouldCollide.map(
      (each) =>
        `- If ${named(each.id)} starts: ${named(each.with)} is at work on ${files(each.files)}`,
    ),
    ...found.sharedFiles.map(
      (each) =>
        `- Wave ${each.wave}: ${ids(each.ids)} all name ${files(each.files)}; a run starts them one after the other`,
    ),
  ]);
}

function faultList({ plan }: Analysis): string {
  return listed([
    ...plan.cycles.map((members) => `- ${inline(blockText({ kind: 'cycle', members }))}`),
    ...plan.selfDependent.map((id) => `- ${inline(id)} depends on itself`),
    ...[...plan.missing].map(
      ([id, missing]) => `- ${inline(id)}: ${inline(blockText({ kind: 'missing', ids: missing }))}`,
    ),
  ]);
}

function orderList({ found, plan }: Analysis): string {
  return listed(
    found.order.map(
      (task) => `- Wave ${plan.waveOf.get(task.id) ?? 0}: ${nameOf(task)} · ${task.priority}`,
    ),
  );
}

/**
 * The longest chain and then wave by wave, as long as there is room. Boxes are numbered: no id of
 * the backlog is one of Mermaid's.
 */
function graph({ found, plan }: Analysis): string {
  const path = new Set(found.criticalPath.slice(0, MOST_BOXES).map(({ id }) => id));
  const shown = new Set(path);
  for (const { id } of found.order) {
    if (shown.size >= MOST_BOXES) break;
    shown.add(id);
  }
  if (shown.size === 0) return '';
  const tasks = found.order.filter(({ id }) => shown.has(id));
  const boxes = new Map(tasks.map(({ id }, n) => [id, `n${n}`]));
  const lines = ['flowchart LR'];
  for (const { number, tasks: members } of plan.waves) {
    const inWave = members.filter(({ id }) => boxes.has(id));
    if (inWave.length === 0) continue;
    lines.push(`  subgraph w${number}["Wave ${number}"]`);
    for (const task of inWave) lines.push(`    ${boxes.get(task.id) ?? ''}[${boxLabel(task)}]`);
    lines.push('  end');
  }
  for (const task of tasks) {
    for (const on of new Set(task.dependencies)) {
      const [from, to] = [boxes.get(on), boxes.get(task.id)];
      if (from === undefined || to === undefined || on === task.id) continue;
      lines.push(`  ${from} ${path.has(on) && path.has(task.id) ? '==>' : '-->'} ${to}`);
    }
  }
  const left = found.order.length - tasks.length;
  const note = `The longest chain and the first tasks of the waves: ${tasks.length} of ${found.order.length}.\n\n`;
  return `${left === 0 ? '' : note}${fenced(lines.join('\n'), 'mermaid')}`;
}

/** Always in quotes: a label of one word could be one of the diagram's own. */
function boxLabel({ id, title }: Task): string {
  const label = mermaidLabel(`${cut(oneLine(id), 40)} ${cut(oneLine(title), 40)}`.trim());
  return label.startsWith('"') ? label : `"${label}"`;
}

function listed(lines: readonly string[]): string {
  return firstLines(lines, MOST_LINES, (line) => line, '- … ').join('\n');
}

function nameOf({ id, title }: Task): string {
  return name(id, title);
}

function name(id: TaskId, title = ''): string {
  const short = cut(oneLine(title), TITLE_LENGTH);
  return short === '' ? inline(id) : `${inline(short)} (${inline(id)})`;
}
