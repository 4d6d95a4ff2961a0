import { cut, oneLine } from '../../core/text.ts';

/** That the maker of an agent refused further work for now. */
export interface RateLimit {
  /** Undefined where it does not say how long. */
  readonly retryAfterMs: number | undefined;
  /** Its own words, one plain line. */
  readonly detail: string;
}

const SIGNATURES: readonly RegExp[] = [
  /\brate[ _-]?limit/i,
  /\btoo many requests\b/i,
  /\b(?:http|status|code|error)\b[^\n]{0,20}\b(?:429|529)\b/i,
  /^\W{0,3}(?:429|529)\b/m,
  /\b(?:usage|session|weekly|daily|hourly|request|token|message|5-hour) limit (?:has been |was )?(?:reached|exceeded|hit)\b/i,
  /\b(?:hit|reached|exceeded) (?:your|the|its) (?:\w+[ -]){0,3}limit\b/i,
  /\bquota\b[^\n]{0,40}\b(?:exceeded|exhausted|reached|used up|ran out)\b/i,
  /\b(?:exceeded|exhausted|reached|out of|insufficient)\b[^\n]{0,40}quota\b/i,
  /\bresource[_ ]exhausted\b/i,
  /\boverloaded(?:_error)?\b/i,
];

const MAX_DETAIL = 200;
const MAX_LOOKED_AT = 20_000;
/** Weeks; a longer time is no answer of a machine. */
const MAX_WAIT_MS = 14 * 24 * 3_600_000;

/**
 * Looks for the words in which a maker refuses work for now, and for how long, counted from `now`
 * (epoch ms). Meant for what an agent says of its own bad end: a good answer may well speak of rate
 * limits.
 */
export function findRateLimit(text: string, now: number): RateLimit | undefined {
  const end = text.slice(-MAX_LOOKED_AT);
  const lines = end.split('\n');
  const at = lines.findLastIndex((line) =>
    SIGNATURES.some((signature) => signature.test(line.slice(0, 2000))),
  );
  if (at < 0) return undefined;
  // The delay is often on the next or the previous line.
  const near = lines.slice(Math.max(0, at - 2), at + 4).map((line) => line.slice(0, 2000));
  const wait = near.map((line) => waitIn(line, now)).find((ms) => ms !== undefined);
  return { retryAfterMs: wait, detail: cut(oneLine(lines[at] ?? ''), MAX_DETAIL) };
}

const UNIT_MS: Readonly<Record<string, number>> = {
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  s: 1000,
};

function waitIn(line: string, now: number): number | undefined {
  const ms = durationIn(line) ?? momentIn(line, now);
  return ms === undefined || ms < 0 || ms > MAX_WAIT_MS ? undefined : Math.round(ms);
}

/**
 * `retry after 30 s`, `retry-after: 30`, `try again in 1m30s`, `reset after 2 hours 5 minutes`,
 * `retryDelay: "7.5s"`.
 */
function durationIn(line: string): number | undefined {
  const said =
    /(?:retry[\s_-]*(?:after|in|delay)|again[\s_-]+(?:in|after)|resets?[\s_-]+(?:in|after))["']?\s*[:=]?\s*["']?((?:about |~)?\d[^\n]{0,60})/i.exec(
      line,
    )?.[1];
  if (said === undefined) return undefined;
  let total = 0;
  let rest = said.replace(/^about |^~/i, '');
  for (let parts = 0; parts < 4; parts++) {
    const [whole, amount, unit = ''] =
      /^[\s,]*(?:and\s+)?(\d+(?:\.\d+)?)\s*(milliseconds?|ms|seconds?|secs?|s|minutes?|mins?|m|hours?|hrs?|h|days?|d)?(?![a-z])/i.exec(
        rest,
      ) ??
      /^[\s,]*(\d+(?:\.\d+)?)(ms|s|m|h|d)(?=\d)/i.exec(rest) ??
      [];
    if (whole === undefined) break;
    // A bare number, as in the header of that name, is in seconds.
    if (unit === '' && parts > 0) break;
    total +=
      Number(amount) *
      (/^m(?:s|illi)/i.test(unit) ? 1 : (UNIT_MS[unit.charAt(0).toLowerCase()] ?? 1000));
    rest = rest.slice(whole.length);
  }
  return total;
}

/**
 * `resets at 3pm (Europe/Berlin)`, `resets 15:30`, `try again at 2026-11-25T03:00:00Z`, `limit
 * reached|1764039600`.
 */
function momentIn(line: string, now: number): number | undefined {
  const epoch = /limit reached\|(\d{10})\b/i.exec(line)?.[1];
  if (epoch !== undefined) return Number(epoch) * 1000 - now;
  const iso =
    /(?:again|resets?|until)\b[^\n]{0,12}?\b(\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d))/i.exec(
      line,
    );
  if (iso?.[1] !== undefined) {
    const at = Date.parse(iso[1]);
    return Number.isNaN(at) ? undefined : at - now;
  }
  const [, hour, minute = '0', half, zone] =
    /(?:again|resets?)(?: at)? (\d{1,2})(?::(\d\d))?\s*([ap]m)?\b(?:\s*\(([A-Za-z_/+-]{1,40})\))?/i.exec(
      line,
    ) ?? [];
  if (hour === undefined || (half === undefined && !/\d:\d\d/.test(line))) return undefined;
  const hours =
    half === undefined
      ? Number(hour)
      : (Number(hour) % 12) + (half.toLowerCase() === 'pm' ? 12 : 0);
  if (hours > 23 || Number(minute) > 59) return undefined;
  const minutes = hours * 60 + Number(minute) - minutesOfDay(now, zone);
  return ((minutes + 1440) % 1440) * 60_000;
}

/** The time of day there, in minutes; here where the zone is none that we know. */
function minutesOfDay(now: number, zone: string | undefined): number {
  const format = (timeZone: string | undefined): string =>
    new Intl.DateTimeFormat('en-GB', {
      hour: '2-digit',
      minute: '2-digit',
      hourCycle: 'h23',
      ...(timeZone === undefined ? {} : { timeZone }),
    }).format(now);
  let text: string;
  try {
    text = format(zone);
  } catch {
    // A RangeError: no such zone.
    text = format(undefined);
  }
  const [hours, minutes] = text.split(':').map(Number);
  return (hours ?? 0) * 60 + (minutes ?? 0);
}

const ADVICE: readonly (readonly [signature: RegExp, advice: string])[] = [
  [
    /\bWorkspace Trust Required\b/i,
    'The agent does not trust this folder: open it once with the agent in a terminal and trust it there',
  ],
  [
    /^\W{0,6}(?:error:?\s*)?(?:you are |you're )?not (?:logged|signed) in\b\W*(?:$|please\b|run\b|use\b|[·•|])/im,
    'The agent is not logged in: log in with it once in a terminal',
  ],
  [
    /\b(?:please set an auth method|no auth type is selected|authentication (?:required|failed)|failed to authenticate|please (?:run|use) [`'"/\w -]{0,30}\blog ?in\b|no authentication information|(?:invalid|incorrect|missing|expired) (?:api[ -]key|(?:auth\w* )?(?:token|credentials))|(?:CURSOR|ANTHROPIC|OPENAI|GEMINI)_API_KEY (?:is )?(?:not set|missing|invalid))/i,
    'The agent could not authenticate: log in with it once in a terminal, or set its API key where the editor finds it',
  ],
  [
    /\bnot inside a trusted directory\b/i,
    'Codex works in git repositories: make this folder one, or use a custom agent with --skip-git-repo-check',
  ],
];

/**
 * What the user can do about an agent that is not let in, with the agent's own words; undefined for
 * any other trouble.
 */
export function findAuthAdvice(text: string): string | undefined {
  const looked = text.slice(0, MAX_LOOKED_AT);
  const advice = ADVICE.find(([signature]) => signature.test(looked))?.[1];
  return advice === undefined ? undefined : `${advice} (${cut(oneLine(looked), MAX_DETAIL)})`;
}

/** The known meaning of an exit code of this agent; undefined for a general failure. */
export function explainExitCode(agent: string, exitCode: number): string | undefined {
  return EXIT_CODES[agent]?.[exitCode];
}

const EXIT_CODES: Readonly<Record<string, Readonly<Record<number, string>>>> = {
  gemini: {
    41: 'Gemini could not authenticate: log in with it once in a terminal, or set GEMINI_API_KEY',
    42: 'Gemini did not accept its prompt or its arguments',
    52: 'Gemini found a mistake in its own settings',
    53: 'Gemini reached its limit of turns',
  },
  qwen: { 55: 'Qwen Code reached a limit of its own settings' },
};
