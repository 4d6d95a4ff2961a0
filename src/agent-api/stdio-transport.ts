import type { Readable, Writable } from 'node:stream';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import {
  ErrorCode,
  type JSONRPCMessage,
  JSONRPCMessageSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { isRecord } from '../core/shape.ts';
import { messageOf } from '../core/text.ts';
import { MessageLines, type RequestName } from './message-lines.ts';

/** In bytes: reports and notes are a thousandth of it. */
const MOST_BYTES = 10 * 1024 * 1024;

/**
 * MCP over standard input and output. Whatever a client sends, the connection stays, and with it
 * what was claimed over it: a message that is too long, no JSON or no JSON-RPC is answered with an
 * error where its id can be told, and passed to `onerror`.
 */
export class StdioTransport implements Transport {
  onclose?: () => void;
  onerror?: (error: Error) => void;
  onmessage?: (message: JSONRPCMessage) => void;
  readonly #input: Readable;
  readonly #output: Writable;
  readonly #mostBytes: number;
  readonly #lines: MessageLines;

  constructor(input: Readable, output: Writable, mostBytes = MOST_BYTES) {
    this.#input = input;
    this.#output = output;
    this.#mostBytes = mostBytes;
    this.#lines = new MessageLines(mostBytes);
  }

  start(): Promise<void> {
    this.#input.on('data', this.#onData);
    this.#input.on('error', this.#onError);
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.#input.off('data', this.#onData);
    this.#input.off('error', this.#onError);
    this.#input.pause();
    this.onclose?.();
    return Promise.resolve();
  }

  send(message: JSONRPCMessage): Promise<void> {
    return new Promise((resolve) => {
      if (this.#output.write(`${JSON.stringify(message)}\n`)) resolve();
      else this.#output.once('drain', resolve);
    });
  }

  readonly #onError = (error: Error): void => this.onerror?.(error);

  readonly #onData = (bytes: Buffer): void => {
    for (const line of this.#lines.take(bytes)) {
      if (line.kind === 'line') this.#hear(line.text);
      else
        this.#refuse(
          line.id,
          ErrorCode.InvalidRequest,
          `The message has ${line.bytes} bytes and was passed over: ${this.#mostBytes} is the limit`,
        );
    }
  };

  #hear(text: string): void {
    if (text.trim() === '') return;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (error) {
      this.#refuse(undefined, ErrorCode.ParseError, `No JSON: ${messageOf(error)}`);
      return;
    }
    const message = JSONRPCMessageSchema.safeParse(value);
    if (!message.success) {
      this.#refuse(
        requestIn(value),
        ErrorCode.InvalidRequest,
        'This is no message of JSON-RPC 2.0',
      );
      return;
    }
    try {
      this.onmessage?.(message.data);
    } catch (error) {
      this.onerror?.(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #refuse(id: RequestName | undefined, code: ErrorCode, message: string): void {
    this.onerror?.(new Error(message));
    if (id !== undefined) void this.send({ jsonrpc: '2.0', id, error: { code, message } });
  }
}

/** The id of what is meant as a request. */
function requestIn(value: unknown): RequestName | undefined {
  if (!isRecord(value) || value['method'] === undefined) return undefined;
  const { id } = value;
  return typeof id === 'string' || Number.isSafeInteger(id) ? (id as RequestName) : undefined;
}
