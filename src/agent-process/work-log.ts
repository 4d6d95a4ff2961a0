import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { messageOf } from '../core/text.ts';

/** A log is for reading; an agent that writes without end must not fill the disk. */
const MAX_LOG_BYTES = 64 * 1024 * 1024;

/**
 * The log of one attempt: the bytes of the agent as they came, and then, each after a line of our
 * own, what verified its work and what went wrong on the way. Appended to at once, so that readers
 * that follow the file see it. Never throws: when it cannot be written any more, `failure` says
 * why, and the work continues; the work is worth more.
 */
export class WorkLog {
  #fd: number | undefined;
  #bytes = 0;
  /** Why it could not be written to its end. */
  failure: string | undefined;

  /**
   * Makes the file, or resumes it; never follows a link, which might lead out of the folder of the
   * run, nor waits for a pipe. Without a file nothing is kept.
   */
  constructor(file: string | undefined) {
    if (file === undefined) {
      this.failure = 'there is no file for it';
      return;
    }
    try {
      // Opening a pipe would block this process. Windows has no such flags: they count as 0.
      const { O_WRONLY, O_APPEND, O_CREAT, O_NOFOLLOW, O_NONBLOCK } = constants;
      this.#fd = openSync(file, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK, 0o600);
    } catch (error) {
      this.#fail(error);
    }
  }

  write(bytes: Uint8Array): void {
    if (this.#fd === undefined) return;
    try {
      if (this.#bytes + bytes.length > MAX_LOG_BYTES) {
        // What is there stays worth a look, so this is no failure.
        writeSync(this.#fd, '\n[The log ends here; more was written than it may hold.]\n');
        this.close();
        return;
      }
      for (let done = 0; done < bytes.length;) done += writeSync(this.#fd, bytes, done);
      this.#bytes += bytes.length;
    } catch (error) {
      this.#fail(error);
      this.close();
    }
  }

  /** A line that is not the agent's. */
  note(text: string): void {
    this.write(Buffer.from(`\n--- ${text.replace(/\s+/g, ' ').trim()} ---\n`));
  }

  close(): void {
    const fd = this.#fd;
    this.#fd = undefined;
    if (fd !== undefined) closeSync(fd);
  }

  #fail(error: unknown): void {
    this.failure ??= messageOf(error);
  }
}
