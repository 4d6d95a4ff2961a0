// `node --import tsx test/support/make-sample.ts <folder>`: makes the sample backlog there, unless
// there is one.
import { makeSample } from './sample.ts';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('Usage: make-sample.ts <folder>');
  process.exit(2);
}
try {
  console.log(
    (await makeSample(folder))
      ? `Made the sample backlog in ${folder}`
      : `Kept the backlog in ${folder}`,
  );
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exit(1);
}
