/**
 * The name under which a process holds tasks: `<type>-<hostname>-<pid>`, as exarp-go spells it.
 *
 * exarp-go takes the last `-` segment as a process id and, once a lease has ended, asks whether that process lives:
 * `pid` must be one that lives as long as the claims do.
 */
export function createHolderId(type: string, hostname: string, pid: number): string {
  if (!Number.isSafeInteger(pid) || pid <= 0) throw new Error(`Internal error: ${pid} is no process id`);
  return `${type === '' ? 'general' : type}-${hostname === '' ? 'unknown' : hostname}-${pid}`;
}
