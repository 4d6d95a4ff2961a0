// Takes the lock of a repository some times, and writes down when it has it; with `stay`, for ever.
import { appendFileSync } from 'node:fs';
import { setImmediate as turn } from 'node:timers/promises';
import { ok } from '../../../src/core/result.ts';
import { withRepositoryLock } from '../../../src/git/repository-lock.ts';

const [folder = '', log = '', rounds = '0', stay] = process.argv.slice(2);
for (let round = 0; round < Number(rounds); round++) {
  const done = await withRepositoryLock(folder, async () => {
    appendFileSync(log, `in ${process.pid}\n`);
    if (stay !== undefined) {
      process.send?.('has it');
      await new Promise((resolve) => process.once('disconnect', resolve));
    }
    for (let count = 0; count < 20; count++) await turn();
    appendFileSync(log, `out ${process.pid}\n`);
    return ok(undefined);
  });
  if (!done.ok) throw new Error(done.failure.detail);
}
process.disconnect();
