export const MARK: string;
export function marked(mark: string): { readonly pid: number; readonly command: string }[];
export function reap(
  mark: string,
  graceMs: number,
  isAwaited?: (command: string) => boolean,
): Promise<void>;
export function kill(pid: number, signal: NodeJS.Signals): void;
