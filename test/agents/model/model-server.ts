import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { anthropic } from './anthropic.ts';
import { gemini } from './gemini.ts';
import { openaiChat } from './openai-chat.ts';
import { openaiResponses } from './openai-responses.ts';
import type { Protocol, StreamEvent } from './protocol.ts';
import {
  answerOf,
  objectOf,
  stepOf,
  type Json,
  type ModelStep,
  type OfferedTool,
} from './script.ts';

const PROTOCOLS: readonly Protocol[] = [anthropic, openaiChat, openaiResponses, gemini];

/** A model on loopback, that does what a script says whichever protocol it is asked in. */
export interface ModelServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, without a slash at its end. */
  readonly url: string;
  /** What it was asked, as `POST /v1/messages`, in order. */
  readonly asked: readonly string[];
  /** The tools that the last question came with that had any. */
  readonly offered: readonly OfferedTool[];
  /** Resolves when the model was asked for an answer for the first time. */
  readonly wasAsked: Promise<void>;
  /** From here on it does this. */
  play(script: readonly ModelStep[]): void;
}

/** `root` is the folder that the agent works in. */
export async function startModel(root: string): Promise<ModelServer> {
  let script: readonly ModelStep[] = [];
  const asked: string[] = [];
  let offered: readonly OfferedTool[] = [];
  let noteAsked = (): void => undefined;
  const wasAsked = new Promise<void>((resolve) => (noteAsked = resolve));
  const server = createServer((request, response) => {
    void serve(request, response).catch((error: unknown) => {
      // Most often a program that was ended while it was answered.
      response.destroy(error instanceof Error ? error : undefined);
    });
  });
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = new URL(request.url ?? '/', 'http://127.0.0.1').pathname;
    asked.push(`${request.method ?? 'GET'} ${path}`);
    const body = await readBody(request);
    const protocol = PROTOCOLS.find(({ answers }) => answers(path));
    if (protocol === undefined || request.method !== 'POST') {
      sendJson(response, ...besides(path));
      return;
    }
    noteAsked();
    await play(protocol, path, body, response);
  };
  const play = async (
    protocol: Protocol,
    path: string,
    body: Json,
    response: ServerResponse,
  ): Promise<void> => {
    const request = protocol.read(path, body);
    if (request.tools.length > 0) ({ tools: offered } = request);
    const step = stepOf(script, request);
    if (step.kind === 'silent') return;
    if (step.kind === 'refuse') {
      const { status, retryAfterS } = step;
      if (retryAfterS !== undefined) response.setHeader('retry-after', String(retryAfterS));
      const requestId = `req_${String(asked.length).padStart(4, '0')}`;
      response.setHeader('request-id', requestId).setHeader('x-request-id', requestId);
      sendJson(response, status, protocol.refusal(step, requestId));
      return;
    }
    const answer = answerOf(step, request, root);
    if (!request.stream && step.kind === 'cut') {
      response.destroy();
      return;
    }
    if (!request.stream) {
      sendJson(response, 200, protocol.whole(answer, request));
      return;
    }
    const events = protocol.stream(answer, request).map(format);
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    if (step.kind !== 'cut') {
      response.end(events.join(''));
      return;
    }
    const text = events.join('');
    response.write(text.slice(0, text.indexOf(step.text) + step.text.length / 2));
    // What was written must have gone before the connection does.
    await new Promise((resolve) => setTimeout(resolve, 100));
    response.destroy();
  };
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    asked,
    get offered() {
      return offered;
    },
    wasAsked,
    play: (next) => (script = next),
    [Symbol.asyncDispose]: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
}

/** What programs ask for beside answers: which models there are, and how long a text is. */
function besides(path: string): readonly [number, Json] {
  if (/\/models$/.test(path)) {
    const ids = ['stand-in'];
    return [200, { object: 'list', data: ids.map((id) => ({ id, object: 'model' })), models: [] }];
  }
  if (/count_tokens$/.test(path)) return [200, { input_tokens: 10 }];
  if (/:countTokens$/.test(path)) return [200, { totalTokens: 10 }];
  return [404, { error: { message: 'There is nothing here.' } }];
}

function format({ event, data }: StreamEvent): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${event === undefined ? '' : `event: ${event}\n`}data: ${text}\n\n`;
}

function sendJson(response: ServerResponse, status: number, body: Json): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function readBody(request: IncomingMessage): Promise<Json> {
  const parts: Buffer[] = [];
  for await (const part of request) parts.push(part as Buffer);
  const text = Buffer.concat(parts).toString('utf8');
  return text.startsWith('{') ? objectOf(JSON.parse(text)) : {};
}
