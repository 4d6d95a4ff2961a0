import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import {
  agentCapsOf,
  assignmentOf,
  parseAgentRules,
  parseVerifyCommand,
  parseVerifyRules,
  verifyOf,
} from '../../../../src/core/run/agent-rules.ts';
import type { RunChoice } from '../../../../src/core/run/run-choice.ts';
import type { Task } from '../../../../src/core/task.ts';
import { aTask } from '../../../support/agent-jobs.ts';

const AGENTS = ['auto', 'claude', 'codex', 'cursor'];
const DEFAULTS = { agent: 'cursor', model: 'auto-model', agentMode: 'unattended' } as const;

const RULES = [
  { id: 'T-7', how: 'interactive' },
  { tag: '#UI', agent: 'claude', model: 'opus', max: 2 },
  { tags: ['docs', 'text'], model: 'small' },
  { priority: 'P0', agent: 'codex', model: 'deep' },
  { tag: 'ui', agent: 'codex', how: 'interactive', max: 9 },
  { agent: 'claude', max: 5, tag: 'x' },
];

function rulesOf(value: unknown) {
  const { rules, problems } = parseAgentRules(value, AGENTS);
  assert.deepEqual(problems, []);
  return rules;
}

const assignments: readonly [
  name: string,
  task: Parameters<typeof aTask>[0],
  choice: RunChoice,
  assigned: string,
][] = [
  ['no rule matches', {}, {}, 'cursor auto-model unattended'],
  ['the first rule that says so, per field', { tags: ['ui'] }, {}, 'claude opus interactive'],
  ['a tag with and without its sign', { tags: ['#Docs'] }, {}, 'cursor small unattended'],
  ['by priority', { priority: 'critical' }, {}, 'codex deep unattended'],
  ['by id', { id: 'T-7' }, {}, 'cursor auto-model interactive'],
  [
    'several rules',
    { id: 'T-7', tags: ['text'], priority: 'critical' },
    {},
    'codex small interactive',
  ],
  [
    'a choice for the run comes first',
    { tags: ['ui'] },
    { agent: 'codex', agentMode: 'unattended' },
    'codex - unattended',
  ],
  [
    'the model of another agent does not come along',
    { tags: ['ui'] },
    { agent: 'cursor' },
    'cursor auto-model interactive',
  ],
  ['nor does the model of the default', {}, { agent: 'codex' }, 'codex - unattended'],
  [
    'a person is no program',
    { tags: ['ui'] },
    { agentMode: 'human', agent: 'codex', model: 'm' },
    'human - human',
  ],
  [
    'nor is a subagent of the editor',
    { tags: ['ui'] },
    { agentMode: 'subagent' },
    'subagent - subagent',
  ],
  ['a chosen model goes with any agent', { tags: ['ui'] }, { model: 'm' }, 'claude m interactive'],
];

for (const [name, task, choice, assigned] of assignments) {
  test(`who works on a task: ${name}`, () => {
    const {
      agent,
      model = '-',
      agentMode,
    } = assignmentOf(aTask(task), rulesOf(RULES), choice, DEFAULTS);
    assert.equal(`${agent} ${model} ${agentMode}`, assigned);
  });
}

test('the cap of an agent is what the first rule for it says', () => {
  assert.deepEqual(agentCapsOf(rulesOf(RULES)), [
    ['claude', 2],
    ['codex', 9],
  ]);
});

const wrong: readonly [entry: unknown, problem: RegExp][] = [
  ['claude', /no object/],
  [null, /no object/],
  [[], /no object/],
  [{ tag: 'ui' }, /neither/],
  [{ agent: 'nobody' }, /"agent" is none of auto, claude/],
  [{ agent: 7 }, /"agent" is no text/],
  [{ agent: 'claude', model: '--yolo' }, /"model" is not the name of a model/],
  [{ agent: 'claude', model: '' }, /"model"/],
  [{ agent: 'claude', how: 'alone' }, /"how" is none of/],
  [{ agent: 'claude', max: 0 }, /"max" is no whole number from 1 to 64/],
  [{ max: 2 }, /"max" needs an "agent"/],
  [{ agent: 'claude', priority: 'soon' }, /no priority "soon"/],
  [{ agent: 'claude', tags: 'ui' }, /"tags" is no list/],
  [{ agent: 'claude', tag: ' ' }, /a tag is empty/],
];

for (const [entry, problem] of wrong) {
  test(`a rule that is wrong is said to be, and left out: ${JSON.stringify(entry)}`, () => {
    const { rules, problems } = parseAgentRules(
      [{ agent: 'claude' }, entry, { agent: 'codex' }],
      AGENTS,
    );
    assert.deepEqual(
      rules.map(({ agent }) => agent),
      ['claude', 'codex'],
    );
    assert.equal(problems.length, 1);
    assert.match(problems[0] ?? '', /^Entry 2: /);
    assert.match(problems[0] ?? '', problem);
  });
}

test('no list is no rules, and anything else is said to be no list', () => {
  for (const none of [undefined, null, []])
    assert.deepEqual(parseAgentRules(none, AGENTS), { rules: [], problems: [] });
  for (const other of [{}, 'x', 7])
    assert.deepEqual(parseAgentRules(other, AGENTS).problems, ['It is no list.']);
});

test('what verifies a task is the first rule that matches', () => {
  const { rules, problems } = parseVerifyRules([
    { tag: 'ui', command: 'npm', args: ['test', '--', 'ui'], timeoutMinutes: 0.5 },
    { id: 'T-7', command: 'make' },
    { tag: 'never', command: '' },
    { command: 'npm', args: 'test' },
    { command: 'npm', timeoutMinutes: 0 },
    {},
  ]);
  const say = (task: Task): string | undefined => {
    const verify = verifyOf(task, rules);
    return verify && [verify.command, ...verify.args, verify.limitMs].join(' ');
  };
  assert.equal(say(aTask({ id: 'T-7', tags: ['UI'] })), 'npm test -- ui 30000');
  assert.equal(say(aTask({ id: 'T-7' })), 'make 600000');
  assert.equal(say(aTask()), undefined);
  const said = problems.join('\n');
  assert.match(said, /Entry 3: it has no "command"/);
  assert.match(said, /Entry 4: "args" is no list of texts/);
  assert.match(said, /Entry 5: "timeoutMinutes" is no number above 0/);
  assert.match(said, /Entry 6: it has no "command"/);
});

test('one verify command may stand alone, or not at all', () => {
  for (const none of [undefined, null, {}]) {
    assert.deepEqual(parseVerifyCommand(none), { verify: undefined, problems: [] });
  }
  const { verify } = parseVerifyCommand({ command: ' npm ', args: ['test'] });
  assert.deepEqual(verify, { command: 'npm', args: ['test'], limitMs: 600_000 });
  assert.deepEqual(parseVerifyCommand('npm test').problems, ['it is no object.']);
});

test('whatever stands in settings, every entry is a rule or a problem', () => {
  const entry = fc.oneof(
    fc.jsonValue(),
    fc.record(
      {
        tag: fc.jsonValue(),
        agent: fc.constantFrom('claude', 'x', 7),
        how: fc.jsonValue(),
        max: fc.jsonValue(),
        command: fc.jsonValue(),
      },
      { requiredKeys: [] },
    ),
  );
  fc.assert(
    fc.property(fc.array(entry), (entries) => {
      const agents = parseAgentRules(entries, AGENTS);
      assert.equal(agents.rules.length + agents.problems.length, entries.length);
      const verify = parseVerifyRules(entries);
      assert.equal(verify.rules.length + verify.problems.length, entries.length);
      for (const { verify: command } of verify.rules) assert(command.command !== '');
    }),
    { seed: 20_261_123 },
  );
});
