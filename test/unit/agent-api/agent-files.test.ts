import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parse } from 'yaml';
import { splitFrontmatter } from '../../../src/core/plan/read-frontmatter.ts';
import {
  AGENT_FOLDERS,
  AGENT_ROLES,
  agentFileName,
  agentFileText,
} from '../../../src/agent-api/agent-files.ts';
import { assertGolden } from '../../support/golden.ts';

for (const { path } of AGENT_FOLDERS) {
  for (const role of AGENT_ROLES) {
    const name = agentFileName(path, role);

    test(`${path}/${name} is what its golden file holds`, () =>
      assertGolden(
        `agents/${path.replace('/agents', '').slice(1)}-${name}`,
        agentFileText(path, role),
      ));

    test(`the head of ${path}/${name} reads the same to YAML and to who reads a key and a value a line`, () => {
      const { yaml = '', body } = splitFrontmatter(agentFileText(path, role));
      const lines = yaml.split('\n').map((line) => /^([a-z]+): (\S.*\S)$/.exec(line));
      assert.ok(lines.every((line) => line !== null));
      const simple: Record<string, unknown> = {};
      for (const [, key = '', value] of lines) simple[key] = value;
      assert.deepEqual(parse(yaml), simple);
      assert.equal(simple['name'], role);
      assert.match(yaml, /^[\x20-\x7e\n]*$/);
      assert.doesNotMatch(yaml, /["'#]/);
      assert.ok(body.trim().length > 0);
    });
  }
}
