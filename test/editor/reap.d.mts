export const MARK: string;
export function marked(mark: string): number[];
export function reap(mark: string, graceMs: number): Promise<void>;
export function kill(pid: number, signal: NodeJS.Signals): void;
