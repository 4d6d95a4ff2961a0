import { circleText, clockTime, idList, leaseText } from '../messages.ts';
import type { Lock } from '../task.ts';
import { named } from '../text.ts';
import type { Problem } from './finding.ts';

/**
 * A problem in a few words, to follow the name of its task. Without `now` (epoch ms) in words that
 * stay true over time.
 */
export function problemText(problem: Problem, now?: number): string {
  switch (problem.kind) {
    case 'cycle': {
      const more = problem.members.length - problem.circle.length;
      const finished = problem.isOpen ? '' : ' (with finished tasks)';
      return `${circleText(problem.circle)}${more > 0 ? ` and ${more} more that wait for each other` : ''}${finished}`;
    }
    case 'selfDependency':
      return problem.via === 'parent' ? 'is its own parent' : 'depends on itself';
    case 'nullColumn':
      return `${named(problem.column)} is NULL`;
    case 'duplicateId':
      return `exists more than once; the first counts, and “${named(problem.title, 80)}” (entry ${problem.position}) is hidden`;
    case 'missingDependency':
      return `depends on ${named(problem.on)}, which does not exist`;
    case 'foreignProject':
      return problem.project === undefined ? 'no project' : `project ${named(problem.project)}`;
    case 'wipedProject':
      return `no project since it was moved to In Progress for ${named(problem.holder)}`;
    case 'statusSpelling':
      return `status “${named(problem.text)}” means ${problem.status}`;
    case 'unknownStatus':
      return `unknown status “${named(problem.text)}”`;
    case 'prioritySpelling':
      return `priority “${named(problem.text)}” means ${problem.priority}`;
    case 'deadOwner':
      return `${problem.task.status}, locked by ${named(problem.lease.lock.holder)}, whose process has ended`;
    case 'expiredLock':
    case 'lockedTodo':
    case 'lockedAfterwards':
    case 'unleasedLock': {
      const { task, lease } = problem;
      const lock = now === undefined ? [`lock of ${lockText(lease.lock)}`] : leaseText(lease, now);
      return [task.status, ...lock].join(', ');
    }
    case 'unheldProgress':
      return 'In Progress, without a lock';
    case 'twoHolders':
      return `held by ${named(problem.holder)} and by ${named(problem.other)}`;
    case 'duplicateContent':
      return `the same as ${idList(problem.ids.slice(1), MOST_IDS)}`;
    case 'oddId':
      return ODD_IDS[problem.form];
    case 'legacyIds':
      return problem.ids.length === 1
        ? 'below 1,000,000'
        : `${problem.ids.length} below 1,000,000: ${idList(problem.ids, MOST_IDS)}`;
    case 'badMetadata':
      return `metadata cannot be read: ${named(problem.detail, 300)}`;
    case 'orphanRow':
      return `${problem.table === 'task_tags' ? 'tag' : 'dependency on'} ${named(problem.value)}, of a task that does not exist`;
  }
}

const MOST_IDS = 5;

const ODD_IDS: Readonly<Record<Extract<Problem, { kind: 'oddId' }>['form'], string>> = {
  automation: 'an automation run: exarp-go deletes it at every sync',
  notANumber: 'not a number: exarp-go refuses it',
  other: 'not T- and digits: from JSON, exarp-go imports it again under another id at every sync',
};

/** The holder of a lock, and the end of its lease. */
export function lockText({ holder, until }: Pick<Lock, 'holder' | 'until'>): string {
  return until === undefined ? named(holder) : `${named(holder)} until ${clockTime(until)}`;
}
