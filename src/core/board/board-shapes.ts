import type { ToBoard } from './board-messages.ts';

// A stand-in until the checks are written.
export function readToBoard(value: unknown): ToBoard | undefined {
  return value as ToBoard;
}
