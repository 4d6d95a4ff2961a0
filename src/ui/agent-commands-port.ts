import type { Backlog } from '../core/backlog.ts';

/**
 * What the commands for subagents and other agents do, which only the composition root can wire.
 */
export interface AgentCommandsPort {
  /** Has a wave worked on by subagents of the editor. */
  runWaveWithSubagents(backlog: Backlog, wave: number): Promise<void>;
  /** Writes the files of the roles that waves are run with, where the user wants them. */
  createAgentFiles(backlog: Backlog): Promise<void>;
  /**
   * Puts the configuration of the MCP server onto the clipboard, for a client that the user picks.
   */
  copyMcpConfiguration(backlog: Backlog): Promise<void>;
}
