import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { childEnvironment } from '../../../src/agent-process/child-environment.ts';

describe('the environment of a program that is started', () => {
  test('has nothing of the editor, and what the program needs', () => {
    const own = { PATH: '/bin', VSCODE_PID: '1', ELECTRON_RUN_AS_NODE: '1', NODE_OPTIONS: '-x' };
    assert.deepEqual(childEnvironment(own, { NO_COLOR: '1' }, '/project'), {
      PATH: '/bin',
      NO_COLOR: '1',
    });
    assert.deepEqual(childEnvironment(own, { ELECTRON_RUN_AS_NODE: '1' }, '/project'), {
      PATH: '/bin',
      ELECTRON_RUN_AS_NODE: '1',
    });
  });

  test('names the folder that it works in, not the one that the editor was started in', () => {
    const own = { PWD: '/home/me' };
    assert.deepEqual(childEnvironment(own, {}, '/project'), { PWD: '/project' });
    assert.deepEqual(childEnvironment(own, { PWD: '/elsewhere' }, '/project'), {
      PWD: '/elsewhere',
    });
  });
});
