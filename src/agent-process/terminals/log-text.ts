import type { Disposable } from '../../core/events.ts';
import type { Clock } from '../../core/ports.ts';
import { cleanLines } from '../../core/text.ts';
import { createReader } from '../output/agent-output.ts';
import { LogTail } from './log-tail.ts';
import type { Attempt } from './attempt-view.ts';

/** Characters of the end of a log that are kept, and how often it is looked at. */
const MOST = 200_000;
const EVERY_MS = 500;

export interface LogTextOptions {
  readonly attempt: Pick<Attempt, 'logFile' | 'output'>;
  readonly clock: Clock;
  /** All of the text that is kept, without colours; empty while the log has nothing. */
  readonly onText: (text: string) => void;
  readonly onFault: (detail: string) => void;
  readonly reportBug: (error: unknown) => void;
}

/** Follows what an agent writes, as text for a page, until it is disposed. */
export function followLogText(options: LogTextOptions): Disposable {
  const { attempt, clock, onText, onFault, reportBug } = options;
  const { logFile: file, output } = attempt;
  const makeReader = () => createReader(output, () => clock.now());
  let reader = makeReader();
  let text = '';
  const add = (more: string): void => {
    const clean = cleanLines(more.replace(COLOURS, ''));
    if (clean === '') return;
    const all = text + clean;
    text = all.length <= MOST ? all : fromNextLine(all.slice(-MOST));
    onText(text);
  };
  const tail = new LogTail({
    file,
    clock,
    reportBug,
    wholeLines: output !== 'text' && output !== 'aider',
    onBytes: (bytes) => add(reader.read(bytes)),
    onGap: (why) => {
      const left = reader.end();
      reader = makeReader();
      add(
        `${left}\n[${why === 'skipped' ? 'Earlier output was left out' : 'The log was begun anew'}]\n`,
      );
    },
    onFault,
  });
  tail.follow(EVERY_MS);
  return tail;
}

/** What a reader leaves of the codes of a terminal. */
const COLOURS = /\u001b\[[\d;]*m/g;

function fromNextLine(text: string): string {
  return text.slice(text.indexOf('\n') + 1);
}
