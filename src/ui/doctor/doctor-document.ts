import type { Backlog } from '../../core/backlog.ts';
import { type Finding, type FindingKind, safeChanges } from '../../core/doctor/finding.ts';
import { inline, page } from '../../core/markdown.ts';
import { count, firstLines } from '../../core/text.ts';
import { findingsOf, fixLines, isNoFinding } from './doctor-rows.ts';
import { countBySeverity, KIND_WORDS, troubleSubject } from './doctor-words.ts';
import { explainFailure, explainNotice } from '../messages.ts';
import { problemText } from '../../core/doctor/problem-text.ts';

/** The most findings of a kind that the report lists; the tree has them all. */
const MOST_OF_A_KIND = 100;

/**
 * All findings in a backlog with their meaning and fixes, in markdown. Backlog text in it is inert.
 */
export function doctorDocument(backlog: Backlog): string {
  const { findings, snapshot } = backlog;
  const unread = snapshot?.notices.filter(isNoFinding) ?? [];
  return page(
    `# Doctor: ${inline(backlog.name)}`,
    snapshot === undefined
      ? '*The backlog has not been read.*'
      : `${summary(findings)}  \n${inline(snapshot.file)}`,
    outlook(backlog),
    ...[...findingsOf(backlog).byKind].map(([kind, list]) => section(backlog, kind, list)),
    unread.length === 0
      ? ''
      : `## Left out or not read\n\n${unread.map((notice) => `- ${inline(explainNotice(notice))}`).join('\n')}`,
  );
}

function summary(findings: readonly Finding[]): string {
  return findings.length === 0
    ? 'Nothing is wrong.'
    : `${count(findings.length, 'finding')}: ${countBySeverity(findings)}.`;
}

/** The possible fixes, in one paragraph. */
function outlook(backlog: Backlog): string {
  const { findings, claimsFailure } = backlog;
  if (findings.length === 0) return '';
  if (claimsFailure !== undefined)
    return inline(explainFailure(claimsFailure, backlog.now).message);
  const safe = safeChanges(findings).length;
  const begin =
    safe === 0
      ? ''
      : `${count(safe, 'change')} below ${safe === 1 ? 'is' : 'are'} safe: no holder loses anything. **Todo2 Waves: Fix All Safe…** shows the safe changes once more and then makes them. `;
  const others =
    safe === 0 ? 'Each of them is fixed by itself' : 'Everything else is fixed one by one';
  return `${begin}${others}, from the section *Doctor* at the end of the tree. Nothing is changed before you have seen it.`;
}

function section(backlog: Backlog, kind: FindingKind, findings: readonly Finding[]): string {
  const { title, exarp, waves } = KIND_WORDS[kind];
  return [
    `## ${title} (${findings.length})`,
    `exarp-go ${inline(exarp)}.  \nTodo2 Waves ${inline(waves)}.`,
    firstLines(findings, MOST_OF_A_KIND, (finding) => entry(backlog, finding), '- … ').join('\n'),
  ].join('\n\n');
}

function entry(backlog: Backlog, finding: Finding): string {
  const subject = troubleSubject(finding);
  const [id] = finding.ids;
  const title = id === undefined || id !== subject ? '' : inline(backlog.task(id)?.title ?? '');
  const name = title === '' ? '' : ` ${title}`;
  return [
    `- **${inline(subject)}**${name}: ${inline(problemText(finding.trouble, backlog.now))}`,
    ...fixLines(backlog, finding).map((line) => `  - ${inline(line)}`),
  ].join('\n');
}
