import type { PresetKind } from '../../src/agent-process/agent-presets.ts';

export interface InstalledAgent {
  /** Of its folder, and of its row in the table. */
  readonly name: string;
  readonly preset: PresetKind;
  readonly spec: string;
  readonly scripts?: boolean;
}

export const AGENTS: readonly InstalledAgent[];
export const ABSENT: readonly { readonly preset: PresetKind; readonly why: string }[];
export function binOf(name: string): string;
export function versionOf(agent: InstalledAgent): string;
export function installAgent(agent: InstalledAgent): Promise<void>;
