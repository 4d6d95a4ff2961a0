import { nameOf, type Protocol } from './protocol.ts';
import { listOf, objectOf, textOf, wordsIn, type Json, type ModelAnswer } from './script.ts';

/** `POST /v1beta/models/<model>:streamGenerateContent`, and the same without `stream`. */
export const gemini: Protocol = {
  answers: (path) => /:(streamG|g)enerateContent$/.test(path),
  read: (path, body) => ({
    model: /\/models\/([^:/]+):/.exec(path)?.[1] ?? '',
    stream: /:streamGenerateContent$/.test(path),
    tools: listOf(body['tools'])
      .flatMap((tool) => listOf(objectOf(tool)['functionDeclarations']))
      .map(objectOf)
      .map((tool) => ({
        name: textOf(tool['name']),
        schema: objectOf(tool['parametersJsonSchema'] ?? tool['parameters']),
      })),
    toolAnswers: listOf(body['contents'])
      .flatMap((content) => listOf(objectOf(content)['parts']))
      .map(objectOf)
      .filter((part) => 'functionResponse' in part)
      .map((part) => objectOf(part['functionResponse']))
      .map(({ id, response }) => ({ id: textOf(id), text: wordsIn(response) })),
    wantsJson: objectOf(body['generationConfig'])['responseMimeType'] === 'application/json',
  }),
  stream: (answer) => [{ data: contentOf(answer) }],
  whole: (answer) => contentOf(answer),
  refusal: ({ status, message, retryAfterS }) => ({
    error: {
      code: status,
      message,
      status: nameOf(status, 'google'),
      details:
        retryAfterS === undefined
          ? []
          : [
              {
                '@type': 'type.googleapis.com/google.rpc.RetryInfo',
                retryDelay: `${retryAfterS}s`,
              },
            ],
    },
  }),
};

function contentOf({ text, call }: ModelAnswer): Json {
  const parts =
    call !== undefined
      ? [{ functionCall: { name: call.name, args: call.args } }]
      : text === ''
        ? []
        : [{ text }];
  return {
    candidates: [{ index: 0, content: { role: 'model', parts }, finishReason: 'STOP' }],
    usageMetadata: { promptTokenCount: 10, candidatesTokenCount: 2, totalTokenCount: 12 },
    modelVersion: 'stand-in',
  };
}
