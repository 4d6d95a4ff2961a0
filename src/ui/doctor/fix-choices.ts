import type { Backlog } from '../../core/backlog.ts';
import { type Finding, safeChanges } from '../../core/doctor/finding.ts';
import type { Change } from '../../core/edit/change.ts';
import { taskId, type TaskId } from '../../core/task.ts';
import { describeChange } from './doctor-words.ts';
import { nameIn } from '../plan-words.ts';
import { plain } from '../../core/text.ts';
import { problemText } from '../../core/doctor/problem-text.ts';

/** One fix that the user can choose: changes that are made together, with their texts. */
export interface Offer {
  /** The finding that it fixes; of offers with the same finding only one can be taken. */
  readonly finding: string;
  readonly changes: readonly Change[];
  readonly label: string;
  readonly description: string;
  /** Old → new. */
  readonly detail: string;
  /** Checked by default. */
  readonly isSuggested: boolean;
}

/** All fixes of these findings. */
export function offersFor(backlog: Backlog, findings: readonly Finding[]): readonly Offer[] {
  return findings.flatMap((finding) => {
    const { fix } = finding;
    switch (fix.kind) {
      case 'none':
        return [];
      case 'changes':
        return [offer(backlog, finding, fix.changes, true)];
      case 'choices':
        return fix.choices.map((changes) => offer(backlog, finding, changes, false));
    }
  });
}

/** The safe ones among them, in an order in which they can be made together. */
export function safeOffers(backlog: Backlog, findings: readonly Finding[]): readonly Offer[] {
  const order = safeChanges(findings);
  const place = new Map(order.map((change, index) => [change, index]));
  const first = ({ changes: [change] }: Offer): number =>
    change === undefined ? 0 : (place.get(change) ?? 0);
  return offersFor(
    backlog,
    findings.filter(({ fix }) => fix.kind === 'changes' && fix.safe),
  ).toSorted((a, b) => first(a) - first(b));
}

/** After `added` were checked: what stays checked, so that no finding is fixed in two ways. */
export function withoutRivals(
  checked: readonly Offer[],
  added: readonly Offer[],
): readonly Offer[] {
  const decided = new Map(added.map((each) => [each.finding, each]));
  return checked.filter((each) => (decided.get(each.finding) ?? each) === each);
}

function offer(
  backlog: Backlog,
  finding: Finding,
  changes: readonly [Change, ...Change[]],
  isSuggested: boolean,
): Offer {
  const [{ id }] = changes;
  const task = backlog.task(taskId(id));
  const breaksLease = changes.some(
    (each) => each.kind === 'clearLock' && (each.until ?? 0) > backlog.now,
  );
  const warning = breaksLease ? '. The lease still runs, and its holder is not notified' : '';
  const details = changes.map((change) => describeChange(change, backlog.task(taskId(change.id))));
  return {
    finding: finding.key,
    changes,
    label: plain(task?.title ?? '') || plain(id),
    description: plain(`${id} · ${noteFor(finding, taskId(id), backlog)}`),
    detail: plain(details.join(', then ') + warning),
    isSuggested,
  };
}

/** A finding on tasks with the same text is the oldest one's; the note names the others. */
function noteFor({ trouble }: Finding, id: TaskId, backlog: Backlog): string {
  if (trouble.kind !== 'duplicateContent') return problemText(trouble, backlog.now);
  const others = trouble.ids.filter((other) => other !== id);
  return `the same as ${others.map((other) => nameIn(backlog, other)).join(', ')}`;
}
