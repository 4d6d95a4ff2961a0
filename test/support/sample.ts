import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { createBacklog, type TaskSpec } from './fixture.ts';

/**
 * Makes the backlog that `npm start` opens: a small made-up weather program, in four waves. Answers
 * false where one is there already, which is left as it is; rejects where the folder holds
 * something else.
 */
export async function makeSample(folder: string, now = Date.now()): Promise<boolean> {
  const dir = resolve(folder);
  if (existsSync(join(dir, '.todo2', 'todo2.db'))) return false;
  if (existsSync(dir)) {
    const found = await readdir(dir);
    if (found.length > 0)
      throw new Error(`${dir} holds something that is no sample: ${found.slice(0, 5).join(', ')}`);
  }
  // Made aside and moved in one step, so that an interrupted start leaves no half of a sample
  // behind.
  const aside = `${dir}.new-${process.pid}`;
  try {
    await mkdir(join(aside, '.vscode'), { recursive: true });
    await createBacklog(aside, { tasks: sampleTasks(now), project: basename(dir) });
    await writeFile(
      join(aside, '.vscode', 'settings.json'),
      `${JSON.stringify(SETTINGS, undefined, 2)}\n`,
    );
    await writeFile(join(aside, 'README.md'), README);
    await mkdir(dirname(dir), { recursive: true });
    if (existsSync(dir)) await rmdir(dir); // empty, as seen above; Windows does not rename onto a folder
    await rename(aside, dir);
  } catch (error) {
    await rm(aside, { recursive: true, force: true });
    throw error;
  }
  return true;
}

const SETTINGS = { 'todo2Waves.agent': 'simulated' };

const MINUTE = 60_000;

// Ids as exarp-go makes them; it takes smaller numbers for leftovers of an older scheme.
const id = (n: number): string => `T-${1_790_000_000_000 + n}`;

interface Sketch extends Omit<TaskSpec, 'id' | 'deps' | 'description'> {
  readonly n: number;
  readonly content: string;
  readonly needs?: readonly number[];
  readonly text: string;
  /** What the simulated agent does. */
  readonly simulate?: string;
}

/** The tasks of the sample as of a moment in epoch ms. */
export function sampleTasks(now: number): TaskSpec[] {
  return sketches(now).map(({ n, needs = [], text, simulate, ...rest }) => ({
    ...rest,
    id: id(n),
    deps: needs.map(id),
    description: `${text.trim()}\n${simulate === undefined ? '' : `\nsimulate: ${simulate}\n`}`,
    created: date(now - (400 - n) * MINUTE),
  }));
}

function date(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`;
}

const sketches = (now: number): readonly Sketch[] => [
  {
    n: 1,
    content: 'Set up the repository',
    status: 'Done',
    priority: 'high',
    tags: ['setup'],
    text: 'An empty program that builds and has one test.',
    row: { completed_at: date(now - 300 * MINUTE), completed: 1 },
  },

  // The first wave: four tasks that nothing holds up.
  {
    n: 10,
    content: 'Read the configuration from file and environment',
    priority: 'high',
    tags: ['config'],
    needs: [1],
    text: `
Settings come from \`~/.config/skycast.toml\`, then from \`SKYCAST_*\` variables; the later one wins.

- units: \`metric\` or \`imperial\`
- a default place
- an unknown key is an error that **names the key and the line**
`,
    simulate: 'seconds=6',
  },
  {
    n: 20,
    content: 'Fetch the forecast from the weather service',
    priority: 'critical',
    tags: ['api'],
    needs: [1],
    text: `
One function: \`fetchForecast(place) → Forecast\`.

1. Ask with a timeout of 5 s and try again twice.
2. Check the answer before using it; a field that is missing is *no data*, not zero.
3. Never print the API key.
`,
    simulate: 'seconds=9',
  },
  {
    n: 30,
    content: 'Parse command line arguments',
    priority: 'high',
    tags: ['cli'],
    needs: [1],
    text: `
| command | does |
|---|---|
| \`skycast today\` | the next 24 hours |
| \`skycast week\` | seven days |
| \`skycast --version\` | says which version this is |

A wrong argument prints the usage and ends with code 2.
`,
    simulate: 'seconds=5',
  },
  {
    n: 40,
    content: 'Draw temperature bars in the terminal',
    priority: 'medium',
    tags: ['ui', 'terminal'],
    needs: [1],
    text: `
\`\`\`
06:00  ▂   4°
12:00  ▆  13°
18:00  ▄   9°
\`\`\`

Works at 40 columns and without colours (\`NO_COLOR\`).
`,
    simulate: 'seconds=7',
  },

  // The second wave. One of its tasks is held by another process.
  {
    n: 50,
    content: 'Cache forecasts on disk',
    priority: 'high',
    tags: ['api', 'cache'],
    needs: [10, 20],
    text: 'Keep the last answer for each place for **30 minutes**. A cache that cannot be read is thrown away, not fatal.',
    simulate: 'seconds=5',
  },
  {
    n: 60,
    content: "Show today's weather",
    priority: 'critical',
    tags: ['cli', 'ui'],
    needs: [20, 30, 40],
    text: 'Put it together for `skycast today`: now, the next hours as bars, and one line of advice (*take an umbrella*).',
    simulate: 'seconds=6',
  },
  {
    n: 70,
    content: 'Write the man page',
    status: 'In Progress',
    priority: 'medium',
    tags: ['docs'],
    needs: [30],
    text: 'From the table of commands. Another agent began early; no other agent can take it while the lease runs.',
    lock: { holder: 'cursor-studio-8123', since: now - 20 * MINUTE, until: now + 120 * MINUTE },
    simulate: 'seconds=4',
  },

  // The third wave.
  {
    n: 80,
    content: 'Work offline from the cache',
    priority: 'high',
    tags: ['cache'],
    needs: [50, 60],
    text: 'Without a network show what is cached, and **how old it is**.',
    simulate: 'seconds=5',
  },
  {
    n: 90,
    content: 'Show the week as a table',
    priority: 'medium',
    tags: ['cli', 'ui'],
    needs: [60],
    text: '`skycast week`: one row for each day with low, high, rain and wind.',
    simulate: 'seconds=4',
  },
  {
    n: 100,
    content: 'Translate the weather conditions',
    status: 'Review',
    priority: 'low',
    tags: ['i18n'],
    needs: [60],
    text: 'German, French and Japanese. The texts are there; a native context has to look at them.',
  },

  // The fourth wave.
  {
    n: 110,
    content: 'Release 1.0',
    priority: 'high',
    tags: ['release'],
    needs: [80, 90],
    text: `
- [ ] changelog
- [ ] \`npm publish --dry-run\` shows nothing unexpected
- [ ] tag \`v1.0.0\`
`,
    simulate: 'seconds=4',
  },
  {
    n: 120,
    content: 'Try the real service every night',
    priority: 'low',
    tags: ['ci'],
    needs: [80],
    text: 'A smoke test against the real weather service. This one **fails in the simulation**, so that you see how that looks: it goes back to Todo.',
    simulate: 'seconds=3 fail',
  },
  {
    n: 150,
    content: 'Warn of severe weather',
    priority: 'medium',
    tags: ['api'],
    needs: [90, 149],
    text: 'Show the warnings of the weather service. Depends on a task that the user has deleted.',
    simulate: 'seconds=3',
  },

  // Each of the two waits for the other: no wave can hold them.
  {
    n: 130,
    content: 'Let plugins add commands',
    priority: 'low',
    tags: ['plugins'],
    needs: [140],
    text: 'Needs one real plugin to be designed against.',
  },
  {
    n: 140,
    content: 'Icon themes as the first plugin',
    priority: 'low',
    tags: ['plugins', 'ui'],
    needs: [130],
    text: 'Needs the plugin interface.',
  },
];

const README = `# Skycast, a made-up weather program

There is no program here, only its backlog in \`.todo2/todo2.db\`. Everything that runs is simulated: no account, no network, no cost.

1. Open **Todo2 Waves** in the activity bar. Four waves; every task says why it can or cannot start.
2. Run **Wave 0**: four tasks, four terminals, at most nine seconds. Watch the locks come and go in the tree and in the status bar.
3. **Run All Waves** carries on to the end. One task of the last wave fails on purpose and goes back to Todo.
4. *Write the man page* is held by another agent: try to claim it. *Translate the weather conditions* waits for a review.
5. Two plugin tasks wait for each other, and *Warn of severe weather* names a task that is gone: see how that is shown.
6. **Write Wave Plan** puts the waves into \`.cursor/plans\`, where agents find them.

To begin again, delete this folder; the next start makes a new one.
`;
