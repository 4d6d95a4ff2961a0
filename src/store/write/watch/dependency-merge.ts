import type { RowImage } from './row-image.ts';

/** An image whose dependencies are `list` with what was added and removed between two others. */
export function withDependencyChange(
  image: RowImage,
  list: RowImage,
  from: RowImage | undefined,
  to: RowImage,
): RowImage {
  const [before, after] = [from === undefined ? [] : dependenciesOf(from), dependenciesOf(to)];
  const kept = dependenciesOf(list).filter((id) => after.includes(id) || !before.includes(id));
  const added = after.filter((id) => !before.includes(id));
  const dependencies = [...new Set([...kept, ...added])].sort();
  return { ...image, pairs: { ...image.pairs, task_dependencies: dependencies } };
}

function dependenciesOf({ pairs }: RowImage): readonly string[] {
  return pairs.task_dependencies;
}
