import { openaiChat } from './openai-chat.ts';
import type { Protocol } from './protocol.ts';
import {
  listOf,
  objectOf,
  textOf,
  wordsIn,
  type Json,
  type ModelAnswer,
  type OfferedTool,
} from './script.ts';

/** `POST /v1/responses`. */
export const openaiResponses: Protocol = {
  answers: (path) => /\/responses$/.test(path),
  read: (_path, body) => ({
    model: textOf(body['model']),
    stream: body['stream'] === true,
    tools: listOf(body['tools'])
      .map(objectOf)
      .flatMap((tool) =>
        tool['type'] === 'namespace'
          ? listOf(tool['tools']).map((each) => ({
              ...toolOf(objectOf(each)),
              namespace: textOf(tool['name']),
            }))
          : [toolOf(tool)],
      ),
    toolAnswers: listOf(body['input'])
      .map(objectOf)
      .filter((item) => /call_output$/.test(textOf(item['type'])))
      .map((item) => ({ id: textOf(item['call_id']), text: wordsIn(item['output']) })),
    wantsJson: /^json_/.test(textOf(objectOf(objectOf(body['text'])['format'])['type'])),
  }),
  stream: (answer, { model }) => {
    const items = itemsOf(answer);
    const events: Json[] = [
      { type: 'response.created', response: responseOf(model, 'in_progress', []) },
    ];
    for (const [index, item] of items.entries()) {
      events.push({ type: 'response.output_item.added', output_index: index, item: begun(item) });
      if (item['type'] === 'message') {
        events.push({
          type: 'response.output_text.delta',
          item_id: item['id'],
          output_index: index,
          content_index: 0,
          delta: answer.text,
        });
      }
      events.push({ type: 'response.output_item.done', output_index: index, item });
    }
    events.push({ type: 'response.completed', response: responseOf(model, 'completed', items) });
    return events.map((data, index) => ({
      event: textOf(data['type']),
      data: { ...data, sequence_number: index },
    }));
  },
  whole: (answer, { model }) => responseOf(model, 'completed', itemsOf(answer)),
  refusal: openaiChat.refusal,
};

function toolOf(tool: Json): OfferedTool {
  return {
    name: textOf(tool['name']) || textOf(tool['type']),
    schema: tool['type'] === 'custom' ? undefined : objectOf(tool['parameters']),
  };
}

function responseOf(model: string, status: string, output: readonly Json[]): Json {
  return {
    id: 'resp_0001',
    object: 'response',
    created_at: 1_700_000_000,
    status,
    model,
    output,
    error: null,
    usage:
      status === 'completed'
        ? {
            input_tokens: 10,
            input_tokens_details: { cached_tokens: 0 },
            output_tokens: 2,
            output_tokens_details: { reasoning_tokens: 0 },
            total_tokens: 12,
          }
        : null,
  };
}

function itemsOf({ text, call }: ModelAnswer): readonly Json[] {
  if (call !== undefined) {
    const { name, namespace, id, args } = call;
    const head = {
      id: id.replace('call', 'fc'),
      call_id: id,
      name,
      namespace,
      status: 'completed',
    };
    return typeof args === 'string'
      ? [{ ...head, type: 'custom_tool_call', input: args }]
      : [{ ...head, type: 'function_call', arguments: JSON.stringify(args) }];
  }
  if (text === '') return [];
  const content = [{ type: 'output_text', text, annotations: [] }];
  return [{ id: 'msg_0001', type: 'message', role: 'assistant', status: 'completed', content }];
}

function begun(item: Json): Json {
  return item['type'] === 'message' ? { ...item, status: 'in_progress', content: [] } : item;
}
