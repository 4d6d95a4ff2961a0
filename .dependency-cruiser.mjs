// Which room of src may know which. `npm run lint` refuses every other import: static, dynamic, of types alone, and circles.
// test/unit/layers.test.ts plants one forbidden import per rule and sees it refused.

/** Rooms that stand side by side over core and do not know each other. */
const ROOMS = ['ui', 'agent-api', 'agent-process', 'store', 'git'];

const PORT = 'Take what is needed as a port from src/core/ports.ts, and let src/wire pass it in.';

const arrow = (name, from, to, comment) => ({ name, severity: 'error', comment, from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    arrow(
      'no-circle',
      {},
      { circular: true },
      'These files import each other. Move what both need into a file of its own, below both of them.',
    ),
    arrow(
      'programs-are-roots',
      { path: '^src/' },
      { path: '^src/[^/]+$' },
      'A program is imported by nobody. Move what is needed out of it, into the room that it belongs to.',
    ),
    arrow(
      'wire-is-for-programs',
      { path: '^src/[^/]+/', pathNot: '^src/wire/' },
      { path: '^src/wire/' },
      `Only programs import wire. ${PORT}`,
    ),
    arrow(
      'core-knows-no-room',
      { path: '^src/core/' },
      { path: '^src/', pathNot: '^src/core/' },
      `core imports nothing of ours but core. ${PORT}`,
    ),
    ...ROOMS.map((room) =>
      arrow(
        `${room}-knows-core-alone`,
        { path: `^src/${room}/` },
        { path: '^src/', pathNot: `^src/(core|disk|${room}|wire)/|^src/[^/]+$` },
        `Rooms beside each other do not know each other: ${room} imports core and disk alone. ${PORT}`,
      ),
    ),
    arrow(
      'disk-knows-core-alone',
      { path: '^src/disk/' },
      { path: '^src/', pathNot: '^src/(core|disk)/' },
      `disk reads files for the rooms above it, and imports core alone. ${PORT}`,
    ),
    arrow(
      'core-is-plain',
      { path: '^src/core/' },
      { dependencyTypes: ['core'] },
      'core is plain TypeScript, without Node. Take a port from src/core/ports.ts and implement it in store or agent-process.',
    ),
    arrow(
      'core-has-two-packages',
      { path: '^src/core/' },
      { path: '(^|/)node_modules/', pathNot: '(^|/)node_modules/(p-limit|yaml)/' },
      'core takes p-limit and yaml, and no other package. Take a port from src/core/ports.ts.',
    ),
    arrow(
      'editor-stays-above',
      { path: '^src/(core|disk|store|git)/' },
      { path: '^vscode$|/@types/vscode/' },
      'core, disk, store and git know no editor. Take a port from src/core/ports.ts and implement it in ui or wire.',
    ),
    arrow(
      'sqlite-stays-in-store',
      { path: '^src/', pathNot: '^src/(store|wire)/|^src/[^/]+$' },
      { path: '^(node:)?sqlite$|(^|/)node_modules/sql\\.js/|^sql\\.js$' },
      'Only store reads or writes a database. Take a port from src/core/ports.ts.',
    ),
    arrow(
      'board-draws-alone',
      { path: '^media/board/' },
      {
        path: '^src/|^(node:)?[a-z_/]+$|(^|/)node_modules/',
        pathNot:
          '^src/core/(board/[^/]+|shape|text)\\.ts$|(^|/)node_modules/(preact|@vscode/codicons|d3-dag)/',
      },
      'The board draws and posts messages. Move what decides into src/core/board, and what acts into src/ui/board.',
    ),
    arrow(
      'board-stays-in-its-page',
      { path: '^src/' },
      { path: '^media/' },
      'media/board runs in a page of its own. Move what both ends need into src/core/board.',
    ),
    arrow(
      'tests-stay-out',
      { path: '^(src|media)/' },
      { path: '^test/' },
      'The product needs no test file. Move what is needed into src.',
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: { extensions: ['.ts', '.mjs', '.js'] },
    exoticRequireStrings: [],
  },
};
