/**
 * The rows that exarp-go's migration 4 inserts: which tag stands for which others, by the category
 * of the mapping. With migration 4 recorded as done, exarp-go does not insert them itself.
 */
const CANONICAL: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  scorecard: {
    testing: 'testing-validation test tests validation integration',
    docs: 'documentation doc reporting inventory',
    security: 'security-scan vulnerability vulnerabilities audit',
    build: 'cicd ci cd ci-cd github-actions automation uv setup',
    performance: 'optimization profiling pgo gc memory caching file-io hot-reload metrics',
    linting: 'spelling cspell',
  },
  type: {
    bug: 'bug-fix fix bugfix json-parsing',
    feature: 'enhancement enhancements',
    refactor: 'refactoring code-quality cleanup consolidation naming',
  },
  domain: {
    migration: 'bridge legacy-code python-cleanup native',
    config: 'configuration configuration-system pyproject',
    cli: 'tui bubble-tea',
    mcp:
      'mcp-config mcp-go-core mcp-go-core-extraction go-sdk framework-agnostic ' +
      'framework-improvements todo-sync protobuf-integration',
    llm: 'mlx apple-foundation-models apple-silicon npu swift devwisdom-go multi-agent',
    database: 'sqlite',
    concurrency: 'goroutines',
    git: 'git-hooks',
    planning: 'strategy coordination task-breakdown crew-roles',
  },
  batch: {
    batch: 'batch-1 batch-2 batch1 batch2 batch3',
    phase: 'phase-1 phase-2 phase-3 phase-4 phase-5 phase-6',
  },
};

/** Canonical tags to which no other one is mapped. */
const ALONE = ['epic', 'workflow', 'research', 'analysis'];

/** Statements that insert these rows where they are missing. */
export const SEED_TAGS: readonly string[] = [
  `INSERT OR IGNORE INTO canonical_tags (old_tag, new_tag, category) VALUES ${Object.entries(
    CANONICAL,
  )
    .flatMap(([category, tags]) =>
      Object.entries(tags).flatMap(([to, from]) =>
        from.split(' ').map((tag) => `('${tag}', '${to}', '${category}')`),
      ),
    )
    .join(', ')}`,
  `INSERT OR IGNORE INTO tag_frequency (tag, count, is_canonical) VALUES ${[
    ...Object.values(CANONICAL).flatMap((tags) => Object.keys(tags)),
    ...ALONE,
  ]
    .map((tag) => `('${tag}', 0, 1)`)
    .join(', ')}`,
];
