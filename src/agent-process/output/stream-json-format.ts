import { addUsage, type Usage } from '../../core/run/usage.ts';
import {
  amountOf,
  describeCall,
  errorOf,
  listOf,
  objectOf,
  says,
  shorten,
  sumOf,
  textOf,
  usesModel,
  usesTool,
  type EventFormat,
  type Json,
  type OutputEvent,
  type OutputEvents,
} from './event-parts.ts';

/**
 * The events of Claude Code with `--output-format stream-json`, which Cursor, Qwen Code and Amp
 * write in much the same way.
 *
 * What the agent says and which tools it uses is shown, what the tools answer is left to the log.
 * With `--stream-partial-output` Cursor writes pieces of a message (that have a `timestamp_ms` and
 * no `model_call_id`), and then the whole again, which the reader knows for what it is.
 */
export const streamJsonFormat: EventFormat = {
  hasLastWord: true,
  understand(event) {
    const session: OutputEvent = { kind: 'session', id: event['session_id'] };
    switch (event.type) {
      case 'system':
        return [session, ...(event['subtype'] === 'init' ? usesModel(event['model']) : [])];
      case 'assistant':
        return [session, ...stepUsageIn(event), ...saidIn(event)];
      case 'tool_call':
        return [session, ...toolCall(event['subtype'], objectOf(event['tool_call']))];
      case 'error':
        return [session, { kind: 'error', ...errorOf(event['error'], event) }];
      case 'result':
        return [session, ...usageIn(event), ...deniedIn(event), resultOf(event)];
      case 'rate_limit_event':
        return [session, ...refusalIn(objectOf(event['rate_limit_info']))];
      case 'user':
      case 'thinking':
      case 'stream_event':
        return [session];
      default:
        return undefined;
    }
  },
};

/** Claude Code tells the usage of an answer with each of its parts, which have one id. */
function stepUsageIn(event: Json): OutputEvents {
  const { id, usage } = objectOf(event['message']);
  const used = tokensIn(objectOf(usage));
  return used === undefined
    ? []
    : [{ kind: 'usage', told: { of: 'step', id: textOf(id), usage: used } }];
}

/**
 * The total of a result. `modelUsage` has all models of Claude Code, `usage` only the main one.
 * Qwen Code, which alone tells `total_tokens`, counts from the beginning of the session.
 */
function usageIn(event: Json): OutputEvents {
  const usage = objectOf(event['usage']);
  const ofModels = Object.values(objectOf(event['modelUsage']))
    .map((model) => modelTokensIn(objectOf(model)))
    .reduce(addUsage, undefined);
  const costUsd = amountOf(event['total_cost_usd']);
  const cost = costUsd === undefined ? undefined : { ...NO_TOKENS, costUsd };
  const used = addUsage(ofModels ?? tokensIn(usage), cost);
  const of = 'total_tokens' in usage ? 'session' : 'process';
  return used === undefined ? [] : [{ kind: 'usage', told: { of, usage: used } }];
}

const NO_TOKENS = { inputTokens: undefined, outputTokens: undefined };

/**
 * Beside `input_tokens` stands what came from a cache; in a total it is counted already. Cursor
 * writes `inputTokens`, `cacheReadTokens` and so on.
 */
function tokensIn(usage: Json): Usage | undefined {
  const outputTokens = sumOf(usage, 'output_tokens', 'outputTokens');
  const total = sumOf(usage, 'total_tokens');
  const beside = sumOf(
    usage,
    'input_tokens',
    'cache_read_input_tokens',
    'cache_creation_input_tokens',
    'inputTokens',
    'cacheReadTokens',
    'cacheWriteTokens',
  );
  const inputTokens = total === undefined ? beside : Math.max(0, total - (outputTokens ?? 0));
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return { inputTokens, outputTokens, costUsd: undefined };
}

function modelTokensIn(model: Json): Usage | undefined {
  const inputTokens = sumOf(
    model,
    'inputTokens',
    'cacheReadInputTokens',
    'cacheCreationInputTokens',
  );
  const outputTokens = sumOf(model, 'outputTokens');
  if (inputTokens === undefined && outputTokens === undefined) return undefined;
  return { inputTokens, outputTokens, costUsd: undefined };
}

function saidIn(event: Json): OutputEvents {
  const isPiece = event['timestamp_ms'] !== undefined && event['model_call_id'] === undefined;
  return contentOf(event).flatMap((part): OutputEvents => {
    if (part['type'] === 'text') return says(isPiece ? 'saying' : 'said', part['text']);
    return part['type'] === 'tool_use' ? [usesTool(part['name'], part['input'])] : [];
  });
}

function contentOf(event: Json): readonly Json[] {
  const content = objectOf(event['message'])['content'];
  if (typeof content === 'string') return [{ type: 'text', text: content }];
  return Array.isArray(content) ? content.map(objectOf) : [];
}

/**
 * Cursor's: `{ "toolCallId": …, "readToolCall": { "args": { … } } }`, where a call that has ended
 * has its result beside the arguments.
 */
function toolCall(subtype: unknown, call: Json): OutputEvents {
  const keys = Object.keys(call);
  const key =
    keys.find((name) => /.ToolCall$/.test(name)) ??
    keys.find((name) => 'args' in objectOf(call[name])) ??
    'tool';
  const name = key.replace(/ToolCall$/, '');
  const body = objectOf(call[key]);
  if (subtype === 'started') return [usesTool(name, body['args'])];
  const result = objectOf(body['result']);
  const isDenied = 'rejected' in result || 'permissionDenied' in result;
  return isDenied ? [{ kind: 'denied', what: describeCall(name, body['args']) }] : [];
}

/** `permission_denials: [{ "tool_name": "Bash", "tool_input": { … } }]`. */
function deniedIn(event: Json): OutputEvents {
  return listOf(event['permission_denials'])
    .map(objectOf)
    .map(({ tool_name: name, tool_input: input }) => {
      return { kind: 'denied', what: describeCall(name, input) };
    });
}

function resultOf(event: Json): OutputEvent {
  const text = textOf(event['result']);
  const subtype = textOf(event['subtype']) ?? 'success';
  if (event['is_error'] !== true && subtype === 'success')
    return { kind: 'result', text, error: undefined };
  const name = subtype === 'success' ? undefined : (SUBTYPES[subtype] ?? shorten(subtype));
  const told = errorOf(...listOf(event['errors']), event['error'], text, name, event);
  return { kind: 'result', text, error: told };
}

/** What a result is called that has no words of its own. */
const SUBTYPES: Readonly<Record<string, string>> = {
  error_max_turns: 'It reached its limit of turns (error_max_turns)',
  error_max_budget_usd: 'It reached its limit of costs (error_max_budget_usd)',
};

/** `resetsAt` is in seconds since 1970. */
function refusalIn(info: Json): OutputEvents {
  if (info['status'] !== 'rejected') return [];
  // Its user pays for what is over the limit, so it works on.
  if (info['isUsingOverage'] === true)
    return [{ kind: 'remark', line: 'Its usage limit is reached: paid overage began' }];
  const at = info['resetsAt'];
  const until = typeof at === 'number' && Number.isFinite(at) ? at * 1000 : undefined;
  return [{ kind: 'refused', until, detail: 'Its usage limit is reached' }];
}
