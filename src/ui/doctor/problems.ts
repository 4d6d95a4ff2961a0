import type { Backlog } from '../../core/backlog.ts';
import type { Severity } from '../../core/doctor/finding.ts';
import { count, cut, oneLine } from '../../core/text.ts';
import { describeChange, explainNoFix, KIND_WORDS, troubleSubject } from './doctor-words.ts';
import { isNoFinding } from './doctor-rows.ts';
import { explainNotice } from '../messages.ts';
import { taskId } from '../../core/task.ts';
import { problemText } from '../../core/doctor/problem-text.ts';

/** One line of the Problems panel. */
export interface Problem {
  readonly severity: Severity;
  readonly message: string;
  /** The task whose entry in a JSON file it belongs to; of several the first. */
  readonly id: string;
  /** The position of that entry, from 1, where it is another one. */
  readonly entry?: number;
}

/** More than these of one backlog would push away those of everything else. */
const MOST_PROBLEMS = 200;
const LONGEST = 300;

/** The lines of the Problems panel, the worst first; the last one counts what is left out. */
export function problemsOf(backlog: Backlog): readonly Problem[] {
  const { findings, snapshot } = backlog;
  const all: Problem[] = [];
  for (const finding of findings
    .toSorted((a, b) => RANKS[a.severity] - RANKS[b.severity])
    .slice(0, MOST_PROBLEMS)) {
    const { trouble, severity, fix } = finding;
    const subject = troubleSubject(finding);
    const [change] = fix.kind === 'changes' ? fix.changes : [];
    const remedy =
      change !== undefined
        ? ` Run Doctor to fix: ${describeChange(change, backlog.task(taskId(change.id)))}.`
        : fix.kind === 'none' && fix.reason === 'newIdByHand'
          ? ` ${explainNoFix(fix)}`
          : '';
    // Relative times would make every refresh a change.
    const note = problemText(trouble);
    const what = `${KIND_WORDS[trouble.kind].title}: ${note.startsWith(subject) ? note : `${subject}, ${note}`}.`;
    all.push({
      severity,
      id: finding.ids[0] ?? '',
      message: cut(oneLine(what + remedy), LONGEST),
      ...(trouble.kind === 'duplicateId' ? { entry: trouble.position } : {}),
    });
  }
  for (const notice of snapshot?.notices.filter(isNoFinding) ?? []) {
    all.push({
      severity: 'warning',
      id: '',
      message: cut(oneLine(explainNotice(notice)), LONGEST),
      ...('position' in notice ? { entry: notice.position } : {}),
    });
  }
  const total = findings.length + (all.length - Math.min(findings.length, MOST_PROBLEMS));
  if (total <= MOST_PROBLEMS) return all;
  const more = total - MOST_PROBLEMS;
  const message = `${count(more, 'more finding')} in this backlog: run Todo2 Waves: Doctor.`;
  return [...all.slice(0, MOST_PROBLEMS), { severity: 'info', id: '', message }];
}

const RANKS: Readonly<Record<Severity, number>> = { error: 0, warning: 1, info: 2 };
