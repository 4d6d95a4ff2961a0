import { nameOf, type Protocol } from './protocol.ts';
import { listOf, objectOf, textOf, wordsIn, type Json, type ModelAnswer } from './script.ts';

/** `POST /v1/chat/completions`. */
export const openaiChat: Protocol = {
  answers: (path) => /\/chat\/completions$/.test(path),
  read: (_path, body) => ({
    model: textOf(body['model']),
    stream: body['stream'] === true,
    tools: listOf(body['tools'])
      .map((tool) => objectOf(objectOf(tool)['function']))
      .map((tool) => ({ name: textOf(tool['name']), schema: objectOf(tool['parameters']) })),
    toolAnswers: listOf(body['messages'])
      .map(objectOf)
      .filter((message) => message['role'] === 'tool')
      .map((message) => ({
        id: textOf(message['tool_call_id']),
        text: wordsIn(message['content']),
      })),
    wantsJson: /^json_/.test(textOf(objectOf(body['response_format'])['type'])),
  }),
  stream: (answer, { model }) => {
    const chunk = (delta: Json, finish: string | null): { readonly data: Json } => ({
      data: {
        ...headOf(model, 'chat.completion.chunk'),
        choices: [{ index: 0, delta, finish_reason: finish }],
      },
    });
    const { text, call } = answer;
    return [
      chunk({ role: 'assistant', content: '' }, null),
      ...(text === '' ? [] : [chunk({ content: text }, null)]),
      ...(call === undefined ? [] : [chunk({ tool_calls: [{ index: 0, ...callOf(call) }] }, null)]),
      chunk({}, finishOf(answer)),
      { data: { ...headOf(model, 'chat.completion.chunk'), choices: [], usage: USAGE } },
      { data: '[DONE]' },
    ];
  },
  whole: (answer, { model }) => ({
    ...headOf(model, 'chat.completion'),
    choices: [
      {
        index: 0,
        finish_reason: finishOf(answer),
        message: {
          role: 'assistant',
          content: answer.text,
          ...(answer.call === undefined ? {} : { tool_calls: [callOf(answer.call)] }),
        },
      },
    ],
    usage: USAGE,
  }),
  refusal: ({ status, message }) => ({
    error: {
      message,
      type: nameOf(status, 'openai'),
      param: null,
      code: nameOf(status, 'openai'),
    },
  }),
};

const USAGE = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 };

function headOf(model: string, object: string): Json {
  return { id: 'chatcmpl-0001', object, created: 1_700_000_000, model };
}

function callOf({ id, name, args }: NonNullable<ModelAnswer['call']>): Json {
  return { id, type: 'function', function: { name, arguments: JSON.stringify(args) } };
}

function finishOf({ call }: ModelAnswer): string {
  return call === undefined ? 'stop' : 'tool_calls';
}
