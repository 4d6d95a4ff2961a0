import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { ReadResourceResult } from '@modelcontextprotocol/sdk/types.js';
import { OPERATIONS } from '../../src/agent-api/operations.ts';
import { bundleMcp, createMcpRig, type McpBundle } from '../support/mcp-rig.ts';
import { until } from '../support/until.ts';

let bundle: McpBundle;
before(async () => {
  bundle = await bundleMcp();
});
after(() => bundle.remove());

/**
 * What a model can take in with one call, in characters: about a fifth of what the smallest of them
 * remember.
 */
const MOST_CHARS = 120_000;

interface Row {
  readonly id: string;
}
interface Waves {
  readonly waves: readonly { readonly number: number; readonly tasks: readonly Row[] }[];
  readonly blocked: readonly Row[];
  readonly left_out: number;
}

function idsOf({ waves, blocked }: Waves): string[] {
  return [...waves.flatMap(({ tasks }) => tasks), ...blocked].map(({ id }) => id);
}

test('of ten thousand tasks every answer is short, and pages show each of them once', async () => {
  const tasks = Array.from({ length: 10_000 }, (_, i) => ({
    id: `T-${1_000_000 + i}`,
    content: `Task ${i} with a title of some length, as people write them`,
    description: `- Update: src/part-${i % 500}/file.ts`,
    tags: [i % 2 === 0 ? '#even' : '#odd'],
    // Ten waves of a thousand; and a cycle, which is in none.
    deps:
      i < 1000
        ? []
        : i >= 9998
          ? [`T-${1_000_000 + (i === 9998 ? 9999 : 9998)}`]
          : [`T-${1_000_000 + i - 1000}`],
  }));
  await using rig = await createMcpRig(bundle, { tasks });
  const { client, ask } = await rig.connect();
  const reading: readonly [tool: string, input: object][] = [
    ...OPERATIONS.filter(({ effect, input }) => effect.readOnly && input.required.length === 0).map(
      ({ name }) => [name, {}] as [string, object],
    ),
    ['waves_explain', { id: 'T-1009998' }],
    ['waves_show', { id: 'T-1000000' }],
  ];
  for (const [tool, input] of reading) {
    const answer = await ask(tool, input);
    assert.equal(answer.isError, false, tool);
    const [text, data] = [answer.text.length, JSON.stringify(answer.data).length];
    assert(
      text < MOST_CHARS && data < MOST_CHARS,
      `${tool} answered ${text} and ${data} characters`,
    );
  }
  const seen: string[] = [];
  for (let skip = 0; ; skip += 2000) {
    const page = (await ask('waves_list', { skip, limit: 2000 })).data as unknown as Waves;
    seen.push(...idsOf(page));
    if (page.left_out === 0) break;
    assert.equal(page.left_out, tasks.length - seen.length);
  }
  assert.deepEqual(seen.toSorted(), tasks.map(({ id }) => id).toSorted());
  const wave = (await ask('waves_list', { wave: 3, tag: 'odd', limit: 1000 }))
    .data as unknown as Waves;
  assert.deepEqual(
    [wave.waves.map(({ number }) => number), idsOf(wave).length, wave.left_out],
    [[3], 500, 0],
  );
  // A list of resources comes in pages, and says where the next one begins until there is none.
  let [listed, cursor] = [0, undefined as string | undefined];
  do {
    const page = await client.listResources(cursor === undefined ? {} : { cursor });
    assert(page.resources.length <= 100);
    listed += page.resources.length;
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  assert.equal(listed, 2001);
  await assert.rejects(client.listResources({ cursor: 'next' }), /none of ours/);
  assert.equal((await ask('waves_next')).data['claimed'], true);
});

test('whatever lengths a task has, what is shown of it is bounded, and its whole description can be read on', async () => {
  const description = '0123456789 😀 long \n'.repeat(20_000);
  const many = Array.from({ length: 3_000 }, (_, i) => `T-${2_000 + i}`);
  await using rig = await createMcpRig(bundle, {
    tasks: [
      {
        ...{ id: 'T-1', content: 'title '.repeat(50_000), description, deps: many },
        tags: Array.from({ length: 300 }, (_, i) => `#${'tag'.repeat(200)}${i}`),
      },
      ...many.map((id) => ({ id, content: 'x'.repeat(2_000) })),
      { id: 'T-9', content: 'First', deps: [] },
      ...Array.from({ length: 500 }, (_, i) => ({ id: `T-${9_000 + i}`, deps: ['T-9'] })),
    ],
  });
  const { client, ask } = await rig.connect();
  for (const [tool, input] of [
    ['waves_show', { id: 'T-1' }],
    ['waves_show', { id: 'T-9' }],
    ['waves_explain', { id: 'T-1' }],
    ['waves_claim', { id: 'T-1' }],
    ['waves_list', {}],
    ['waves_analyse', {}],
    ['waves_claim', { id: 'T-9' }],
  ] as const) {
    const { text, data } = await ask(tool, input);
    const [chars, dataChars] = [text.length, JSON.stringify(data).length];
    assert(
      chars < MOST_CHARS && dataChars < MOST_CHARS,
      `${tool} answered ${chars} and ${dataChars} characters`,
    );
  }
  const contents = (await client.readResource({ uri: 'waves://tasks/T-1' }))
    .contents as ReadResourceResult['contents'];
  assert(JSON.stringify(contents).length < MOST_CHARS);

  let [read, from] = ['', 0 as number | undefined];
  while (from !== undefined) {
    const { task } = (await ask('waves_show', { id: 'T-1', from })).data as {
      task: { description: string; description_next?: number };
    };
    assert(task.description.isWellFormed(), 'no character was cut in two');
    read += task.description;
    from = task.description_next;
  }
  assert.equal(read, description);
  const done = await ask('waves_complete', { id: 'T-9', summary: 's'.repeat(8_000) });
  assert.equal(done.isError, false, done.text);
  const tooLong = await ask('waves_complete', { id: 'T-9', summary: 's'.repeat(8_001) });
  assert.match(tooLong.text, /"summary" has 8001 characters; 8000 are the most/);
});

test('a client hears of changes at most twice a second, and of the last one in the end', async () => {
  await using rig = await createMcpRig(bundle, {
    tasks: Array.from({ length: 50 }, (_, i) => ({ id: `T-${100 + i}` })),
  });
  const { client } = await rig.connect();
  const heard = new Map<string, number>();
  client.fallbackNotificationHandler = ({ method, params }) => {
    const uri = params?.['uri'];
    const what = typeof uri === 'string' ? uri : method;
    heard.set(what, (heard.get(what) ?? 0) + 1);
    return Promise.resolve();
  };
  const uris = ['waves://waves', 'waves://tasks/T-100', 'waves://tasks/T-120'];
  for (const uri of uris) await client.subscribeResource({ uri });
  const titleOf = async (): Promise<string> => {
    const [content] = (await client.readResource({ uri: 'waves://tasks/T-100' })).contents;
    return (
      JSON.parse(content !== undefined && 'text' in content ? content.text : '{}') as {
        title: string;
      }
    ).title;
  };

  const [begun, forMs] = [Date.now(), 3_000];
  let commits = 0;
  while (Date.now() - begun < forMs) {
    const sql = `UPDATE tasks SET content = ?, version = version + 1 WHERE id = 'T-100'`;
    await rig.other.run(sql, `Title ${++commits}`);
  }
  assert(commits > 300, `only ${commits} commits`);
  const most = Math.ceil((Date.now() - begun) / 500) + 1;
  for (const what of [
    'waves://waves',
    'waves://tasks/T-100',
    'notifications/resources/list_changed',
  ]) {
    const times = heard.get(what) ?? 0;
    assert(times >= 2 && times <= most, `${what} was told ${times} times, ${most} are the most`);
  }
  assert.equal(heard.get('waves://tasks/T-120'), undefined, 'nothing changed there');
  // What came last is told, too: whoever reads upon the last word reads the last state.
  const before = heard.get('waves://tasks/T-100') ?? 0;
  await rig.other.run(
    `UPDATE tasks SET content = 'The last one', version = version + 1 WHERE id = 'T-100'`,
  );
  await until(
    'the client heard of the change',
    () => (heard.get('waves://tasks/T-100') ?? 0) > before,
  );
  await until('the title is the last one', async () => (await titleOf()) === 'The last one');
  // And then it is quiet, though the server goes on looking.
  await client.unsubscribeResource({ uri: 'waves://waves' });
  await new Promise((resolve) => setTimeout(resolve, 700));
  const quiet = JSON.stringify([...heard]);
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  assert.equal(JSON.stringify([...heard]), quiet);
});

test('a message of any size is answered with an error, and costs no claim', async () => {
  await using rig = await createMcpRig(bundle, { tasks: [{ id: 'T-1' }] });
  const { client, ask } = await rig.connect();
  assert.equal((await ask('waves_claim', { id: 'T-1' })).isError, false);
  const held = await rig.lockOf('T-1');
  for (const megabytes of [11, 40]) {
    const text = 'x'.repeat(megabytes * 1024 * 1024);
    await assert.rejects(ask('waves_note', { id: 'T-1', text }), /passed over/);
  }
  assert.equal(await rig.lockOf('T-1'), held);
  assert.equal((await client.listTools()).tools.length, OPERATIONS.length);
  assert.equal((await ask('waves_release', { id: 'T-1' })).isError, false);
});
