import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Backlog } from '../../../../src/core/backlog.ts';
import { FINDING_KINDS } from '../../../../src/core/doctor/finding.ts';
import type { Change } from '../../../../src/core/edit/change.ts';
import { ok } from '../../../../src/core/result.ts';
import { doctorDocument } from '../../../../src/ui/doctor/doctor-document.ts';
import { KIND_WORDS } from '../../../../src/ui/doctor/doctor-words.ts';
import { offersFor, safeOffers, withoutRivals } from '../../../../src/ui/doctor/fix-choices.ts';
import type { RowContent } from '../../../../src/ui/row.ts';
import { describeNode } from '../../../../src/ui/tree-item.ts';
import { childrenOf, nodeKey, type TreeNode } from '../../../../src/ui/tree-nodes.ts';
import { task } from '../../../support/backlog.ts';
import { BROKEN, brokenBacklog } from '../../../support/broken.ts';
import { fakeBacklog, NOW, NO_AGENTS } from '../../../support/fake-backlog.ts';
import { applyTo, findingsOn } from '../../../support/doctor-fixtures.ts';

interface Shown {
  readonly node: TreeNode;
  readonly text: string;
  readonly content: RowContent;
}

/** The doctor's section, all expanded. */
function section(backlog: Backlog): readonly Shown[] {
  const walk = (node: TreeNode, depth: number): readonly Shown[] => {
    const content = describeNode(node, NO_AGENTS);
    const text = `${'  '.repeat(depth)}${content.label} | ${content.description}`;
    return [
      { node, text, content },
      ...childrenOf(node, [backlog]).flatMap((child) => walk(child, depth + 1)),
    ];
  };
  const last = childrenOf(undefined, [backlog]).at(-1);
  return last?.kind === 'doctor' ? walk(last, 0) : [];
}

test('the last section of the tree has everything that is wrong, by kind, the worst first', () => {
  assert.deepEqual(
    section(brokenBacklog()).map(({ text }) => text.replaceAll('T-1790000000', 'T-')),
    [
      'Doctor | 4 errors, 11 warnings, 6 notes, 1 not read',
      '  Tasks that wait for each other | 1',
      '    Let plugins add commands | T-001 → T-002 → T-001 · T-001',
      '  Tasks that wait for themselves | 1',
      '    Start again on an error | depends on itself · T-003',
      '  Rows that break every list | 1',
      '    T-004 | content is NULL',
      '  Ids that exist more than once | 1',
      '    Let plugins add commands | exists more than once; the first counts, and “Another one” (entry 2) is hidden · T-001',
      '  Tasks that lost their project while in progress | 1',
      '    Cache forecasts | no project since it was moved to In Progress for codex-studio-9 · T-005',
      '  Tasks of another project | 1',
      '    Read the configuration | project me/skycast · T-006',
      '  Statuses in another spelling | 1',
      '    Parse arguments | status “in progress” means In Progress · T-007',
      '  Unknown statuses | 1',
      '    Draw bars | unknown status “Parked” · T-008',
      '  Locks of processes that are gone | 1',
      '    Parse arguments | In Progress, locked by claude-desk-300, whose process has ended · T-007',
      '  Todo under a lock that runs | 1',
      '    Write the man page | Todo, held by cursor-studio-8123 for 0 s · T-009',
      '  In Progress without a lock | 1',
      '    Show the week | In Progress, without a lock · T-010',
      '  Locks whose lease has ended | 1',
      '    Work offline | In Progress, lock of cursor-studio-7 expired 40 min ago · T-011',
      '  Locks on work that is over | 1',
      '    Set up | Done, held by cursor-studio-7 for 50 min · T-012',
      '  Assignments with no expiry | 1',
      '    Translate | In Progress, assigned to anna with no expiry · T-013',
      '  Dependencies on tasks that do not exist | 1',
      '    Warn of storms | depends on T-404, which does not exist · T-014',
      '  Tasks that say the same | 1',
      '    Release 1.0 | the same as T-016 · T-015',
      '  Metadata that cannot be read | 1',
      '    Broken notes | metadata cannot be read: Unexpected token · T-017',
      '  Ids that exarp-go would not have made | 1',
      '    Nightly | an automation run: exarp-go deletes it at every sync · AUTO-20260105',
      '  Priorities that exarp-go sorts last | 1',
      '    Fetch the forecast | priority “P0” means critical · T-018',
      '  Rows of tasks that do not exist | 1',
      '    T-500 | tag ui, of a task that does not exist',
      '  Ids of the old scheme | 1',
      '    From the old days | below 1,000,000 · T-12',
      '  Left out or not read | 1',
      '    .exarp/config.yaml cannot be read, so its values are not used: not YAML | ',
    ],
  );
});

test('a backlog that is as it should be has no such section', () => {
  assert.deepEqual(section(fakeBacklog({ tasks: [task('T-1000001')] })), []);
});

test('what cannot be read at all is in the section even where there is no finding', () => {
  const backlog = fakeBacklog({
    tasks: [task('T-1000001')],
    notices: [
      { kind: 'missingId', position: 3 },
      { kind: 'badEntry', position: 4, detail: 'is text, not an object' },
      { kind: 'badConfig', file: 'config.pb', detail: 'cut short' },
    ],
  });
  assert.deepEqual(
    section(backlog).map(({ text }) => text),
    [
      'Doctor | 3 not read',
      '  Left out or not read | 3',
      '    Entry 3 has no id and is left out | ',
      '    Entry 4 is left out: is text, not an object | ',
      '    config.pb cannot be read, so its values are not used: cut short | ',
    ],
  );
});

test('a row of the section opens its task, has a key of its own, and says what can be fixed', () => {
  const shown = section(brokenBacklog());
  assert.equal(new Set(shown.map(({ node }) => nodeKey(node))).size, shown.length);
  const flags = (label: string): string =>
    shown.find(({ content }) => content.label === label)?.content.flags.join(' ') ?? '';
  assert.equal(flags('Doctor'), 'doctor fixableSafely');
  assert.equal(flags('Statuses in another spelling'), 'findings fixable');
  assert.equal(flags('Parse arguments'), 'finding fixable');
  assert.equal(flags('Ids of the old scheme'), 'findings');
  assert.equal(
    shown.find(({ content }) => content.label === 'Draw bars')?.content.opens,
    'T-1790000000008',
  );
});

test('every kind has words for both programs, as parts of a sentence', () => {
  for (const kind of FINDING_KINDS) {
    const { title, exarp, waves } = KIND_WORDS[kind];
    assert.match(title, /^\p{Lu}.*[^.]$/u, kind);
    for (const words of [exarp, waves]) assert.match(words, /^\p{Ll}.*[^.]$/u, kind);
  }
});

test('the report says of each kind what it means, and of each finding what would be changed', () => {
  const page = doctorDocument(brokenBacklog());
  const missing = [
    ...new Set(brokenBacklog().findings.map(({ trouble }) => KIND_WORDS[trouble.kind].title)),
  ].filter((title) => !page.includes(`## ${title}`));
  assert.deepEqual(missing, []);
  for (const part of [
    '# Doctor: shop',
    '21 findings: 4 errors, 11 warnings, 6 notes.',
    'exarp-go compares letter by letter',
    '  - Fix: T-1790000000007: status “in progress” → In Progress',
    '  - Either: T-1790000000001: dependency on T-1790000000002 → none',
    '  - If you want: T-1790000000013: lock of anna → none, In Progress → Todo',
    '  - Ids are never changed',
    '## Left out or not read\n\n- .exarp/config.yaml cannot be read',
  ]) {
    assert.ok(page.includes(part), `${part} is not in\n${page}`);
  }
});

test('the report on a backlog that is only JSON says why nothing can be fixed', () => {
  const page = doctorDocument(brokenBacklog({ rows: BROKEN.rows, source: 'json' }));
  assert.match(page, /Read-only: this backlog is only a JSON file/);
  assert.doesNotMatch(page, /Fix:|Either:/);
});

for (const hostile of [
  '<img src=x onerror=alert(1)>',
  '[run](command:workbench.action.quit)',
  '![x](https://evil.example)',
]) {
  test(`${hostile} stays text in the report`, () => {
    const page = doctorDocument(
      brokenBacklog({
        rows: [{ id: hostile, title: hostile, status: hostile, project: hostile, priority: 'P0' }],
      }),
    );
    assert.doesNotMatch(page, /<img/);
    assert.doesNotMatch(page, /(?<!\\)!\[/);
    assert.doesNotMatch(page, /(?<!\\)\]\(/);
  });
}

test('what is safe is suggested and can be made in one go; a choice is not made for anybody', () => {
  const backlog = brokenBacklog();
  const safe = safeOffers(backlog, backlog.findings);
  assert.ok(safe.every(({ isSuggested }) => isSuggested));
  const after = applyTo(
    BROKEN,
    safe.flatMap(({ changes }) => changes),
  );
  assert.deepEqual(
    findingsOn(after).filter(({ fix }) => fix.kind === 'changes' && fix.safe),
    [],
  );
  const choices = backlog.findings.filter(({ fix }) => fix.kind === 'choices');
  assert.deepEqual(
    offersFor(backlog, choices).filter(({ isSuggested }) => isSuggested),
    [],
  );
});

test('of two ways to mend one thing the one that was checked last stays', () => {
  const backlog = brokenBacklog();
  const [one, other] = offersFor(
    backlog,
    backlog.findings.filter(({ trouble }) => trouble.kind === 'cycle'),
  );
  const [another] = offersFor(
    backlog,
    backlog.findings.filter(({ trouble }) => trouble.kind === 'unleasedLock'),
  );
  assert.deepEqual(withoutRivals([one!, another!, other!], [other!]), [another, other]);
});

test('an offer shows old and new, and the task', () => {
  const backlog = brokenBacklog();
  const [offer] = offersFor(
    backlog,
    backlog.findings.filter(({ trouble }) => trouble.kind === 'deadOwner'),
  );
  assert.equal(offer?.label, 'Parse arguments');
  assert.match(
    offer.detail,
    /^lock of claude-desk-300 until .+ → none, In Progress → Todo. The lease still runs/,
  );
});

test('a list of findings stays the same while nothing is new, and is made anew when a lease ends', () => {
  let now = NOW;
  const backlog = brokenBacklog(BROKEN, {
    clock: { now: () => now, after: () => ({ dispose: () => undefined }) },
  });
  const first = backlog.findings;
  now += 9_000;
  assert.equal(backlog.findings, first);
  now = NOW + 60_000; // the end of what codex-studio-9 holds
  const isEnded = ({ trouble }: (typeof first)[number]): boolean => trouble.kind === 'expiredLock';
  assert.equal(first.filter(isEnded).length, 1);
  assert.equal(backlog.findings.filter(isEnded).length, 2);
});

test('changes are handed on as they are, and refused for a backlog that is only JSON', async () => {
  const made: (readonly Change[])[] = [];
  const edits = {
    apply: (changes: readonly Change[]) => Promise.resolve((made.push(changes), ok(undefined))),
  };
  const changes: readonly Change[] = [
    { kind: 'removeOrphan', table: 'task_tags', id: 'T-1', value: 'ui' },
  ];
  assert.ok((await brokenBacklog(BROKEN, { edits }).edits.apply(changes)).ok);
  const refused = await brokenBacklog({ rows: [], source: 'json' }, { edits }).edits.apply(changes);
  assert.deepEqual(refused, {
    ok: false,
    failure: { kind: 'readOnly', cause: { kind: 'jsonOnly' } },
  });
  assert.deepEqual(made, [changes]);
});
