import type { Task } from '../task.ts';
import type { Plan } from '../waves/waves.ts';
import { inline, inlineId } from '../markdown.ts';
import { isRecord, parseAs, record } from '../shape.ts';
import type { OwnedSection } from './sections.ts';
import { SUBAGENTS_PLAN_FILE } from './slug.ts';
import { cut, oneLine, firstLines } from '../text.ts';
import { ids, shortTitle } from './wave-facts.ts';

// Enough for an overview; the tree has longer lists.
const MAX_LINES = 100;

/**
 * Sections 5 to 8 as generated, before the user edits them. `todos` are the tasks that the plan
 * lists in full.
 */
export function ownedSections(plan: Plan, todos: readonly Task[]): readonly OwnedSection[] {
  return [
    {
      number: 5,
      title: 'Open Questions',
      lines: orElse(bounded(questions(plan)), '- None known.'),
    },
    {
      number: 6,
      title: 'Out-of-Scope / Deferred',
      lines: orElse(bounded(deferred(plan)), '- Nothing is deferred.'),
    },
    {
      number: 7,
      title: 'Key Files / Implementation Notes',
      lines: ['- `.todo2/todo2.db`: the backlog, with its locks', ...bounded(keyFiles(todos))],
    },
    {
      number: 8,
      title: 'References',
      lines: [
        `- [.cursor/plans/${SUBAGENTS_PLAN_FILE}](${SUBAGENTS_PLAN_FILE}): the same waves, for one agent per task`,
      ],
    },
  ];
}

/** The documents that a task names in its metadata, without duplicates, in exarp-go's order. */
export function planRefs({ metadata }: Task): readonly string[] {
  const links = readLinks(metadata['planning_links']);
  const related = Array.isArray(links['related_docs'])
    ? (links['related_docs'] as readonly unknown[])
    : [];
  const all = [
    metadata['discovered_from'],
    metadata['planning_doc'],
    links['planning_doc'],
    ...related,
  ];
  const texts = all.filter((ref): ref is string => typeof ref === 'string' && ref.trim() !== '');
  return [...new Set(texts.map(oneLine))];
}

/**
 * exarp-go stores the links as JSON text, which a protobuf reader may have parsed already; anything
 * else is ignored.
 */
function readLinks(stored: unknown): Readonly<Record<string, unknown>> {
  if (typeof stored === 'string') return parseAs(record, stored) ?? {};
  return isRecord(stored) ? stored : {};
}

function questions(plan: Plan): readonly string[] {
  return [
    ...plan.cycles.map(
      (members) => `- ${ids(members)} wait for each other in a circle. Which of them can go first?`,
    ),
    ...[...plan.missing].map(
      ([id, missing]) =>
        `- **${inlineId(id)}** waits for ${ids(missing)}, which the backlog does not have. Is it still true?`,
    ),
    ...plan.selfDependent.map(
      (id) => `- **${inlineId(id)}** names itself as what it waits for. What was meant?`,
    ),
  ];
}

function deferred(plan: Plan): readonly string[] {
  return plan.waves
    .flatMap((wave) => wave.tasks)
    .filter((task) => task.priority === 'low')
    .map((task) => `- **${inlineId(task.id)}** (${shortTitle(task, 120)}) — low priority`);
}

function keyFiles(todos: readonly Task[]): readonly string[] {
  return [...new Set(todos.flatMap(planRefs))].map((ref) => `- ${inline(cut(ref, 200))}`);
}

function bounded(lines: readonly string[]): readonly string[] {
  return firstLines(lines, MAX_LINES, (line) => line, '- … ');
}

function orElse(lines: readonly string[], instead: string): readonly string[] {
  return lines.length > 0 ? lines : [instead];
}
