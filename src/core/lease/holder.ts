/**
 * The name under which a process holds tasks: `<type>-<hostname>-<pid>`, as exarp-go spells it.
 *
 * exarp-go takes the last `-` segment as a process id and, once a lease has ended, checks whether
 * that process lives: it must live as long as the claims do.
 */
export function createHolderId(type: string, hostname: string, pid: number): string {
  if (!Number.isSafeInteger(pid) || pid <= 0)
    throw new Error(`Internal error: ${pid} is no process id`);
  return `${type === '' ? 'general' : type}-${hostname === '' ? 'unknown' : hostname}-${pid}`;
}

/** What the name of a holder says, where it is spelled as `createHolderId` does. */
export interface HolderName {
  readonly type: string;
  readonly hostname: string;
  readonly pid: number;
}

/**
 * Reads the name of a holder; undefined for one that names no process. A type ends at the first
 * `-`: a type that contains one yields a wrong host, so that its process is taken for one of
 * another machine and never judged.
 */
export function parseHolder(holder: string): HolderName | undefined {
  const match = /^([^-]+)-(.+)-([1-9]\d{0,9})$/.exec(holder);
  const [, type, hostname, pid] = match ?? [];
  return type === undefined || hostname === undefined
    ? undefined
    : { type, hostname, pid: Number(pid) };
}
