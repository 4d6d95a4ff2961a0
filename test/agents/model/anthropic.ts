import { nameOf, type Protocol, type StreamEvent } from './protocol.ts';
import {
  listOf,
  numberOf,
  objectOf,
  textOf,
  wordsIn,
  type Json,
  type ModelAnswer,
  type ModelRequest,
} from './script.ts';

/** `POST /v1/messages`. */
export const anthropic: Protocol = {
  answers: (path) => /\/messages$/.test(path),
  read: (_path, body) => ({
    model: textOf(body['model']),
    stream: body['stream'] === true,
    tools: listOf(body['tools'])
      .map(objectOf)
      .map((tool) => ({
        name: textOf(tool['name']),
        schema: objectOf(tool['input_schema']),
      })),
    toolAnswers: listOf(body['messages'])
      .flatMap((message) => listOf(objectOf(message)['content']))
      .map(objectOf)
      .filter((part) => part['type'] === 'tool_result')
      .map((part) => ({ id: textOf(part['tool_use_id']), text: wordsIn(part['content']) })),
    wantsJson: objectOf(objectOf(body['output_config'])['format'])['type'] === 'json_schema',
  }),
  stream: (answer, request) => {
    const block = blockOf(answer);
    const start = { ...messageOf(request), content: [], stop_reason: null };
    const events: Json[] = [{ type: 'message_start', message: start }];
    if (block !== undefined) {
      const { call, text } = answer;
      const empty = call === undefined ? { ...block, text: '' } : { ...block, input: {} };
      const delta =
        call === undefined
          ? { type: 'text_delta', text }
          : { type: 'input_json_delta', partial_json: JSON.stringify(call.args) };
      events.push(
        { type: 'content_block_start', index: 0, content_block: empty },
        { type: 'content_block_delta', index: 0, delta },
        { type: 'content_block_stop', index: 0 },
      );
    }
    events.push(
      {
        type: 'message_delta',
        delta: { stop_reason: reasonOf(answer), stop_sequence: null },
        usage: { output_tokens: 2 },
      },
      { type: 'message_stop' },
    );
    return events.map((data): StreamEvent => ({ event: textOf(data['type']), data }));
  },
  whole: (answer, request) => {
    const block = blockOf(answer);
    return {
      ...messageOf(request),
      content: block === undefined ? [] : [block],
      stop_reason: reasonOf(answer),
    };
  },
  refusal: ({ status, message }, requestId) => ({
    type: 'error',
    error: { type: nameOf(status, 'anthropic'), message },
    request_id: requestId,
  }),
};

function messageOf(request: ModelRequest): Json {
  return {
    id: `msg_${numberOf(request)}`,
    type: 'message',
    role: 'assistant',
    model: request.model,
    stop_sequence: null,
    usage: { input_tokens: 10, output_tokens: 2 },
  };
}

function blockOf({ text, call }: ModelAnswer): Json | undefined {
  if (call !== undefined)
    return {
      type: 'tool_use',
      id: call.id.replace('call', 'toolu'),
      name: call.name,
      input: call.args,
    };
  return text === '' ? undefined : { type: 'text', text };
}

function reasonOf({ call }: ModelAnswer): string {
  return call === undefined ? 'end_turn' : 'tool_use';
}
