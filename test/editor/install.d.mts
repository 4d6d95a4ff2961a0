import type { SpawnOptions } from 'node:child_process';

export const ROOT: string;
export const VERSIONS: readonly string[];
export const NEWEST: string;
export const WINDOW_VERSION: string;
export function serverFolder(version: string): string;
export function nodeOf(version: string): string;
export function installRoot(): Promise<void>;
export function installServer(version: string): Promise<void>;
export function step<T>(title: string, work: () => Promise<T>): Promise<T>;
export function run(
  command: string,
  args: readonly string[],
  options?: SpawnOptions,
): Promise<string>;
export function isInstalled(folder: string): boolean;
