import type { Json, ModelAnswer, ModelRequest, ModelStep } from './script.ts';

/** One event of a stream: `event` is its name, where the protocol gives it one. */
export interface StreamEvent {
  readonly event?: string;
  readonly data: Json | string;
}

/** How a provider is spoken with. */
export interface Protocol {
  /** The parts of the address that tell it from others. */
  readonly answers: (path: string) => boolean;
  readonly read: (path: string, body: Json) => ModelRequest;
  /** The answer as a stream; what is cut off ends within it. */
  readonly stream: (answer: ModelAnswer, request: ModelRequest) => readonly StreamEvent[];
  /** The answer at once. */
  readonly whole: (answer: ModelAnswer, request: ModelRequest) => Json;
  /** `requestId` differs with each request, as with a real provider; some agents repeat it. */
  readonly refusal: (refusal: Extract<ModelStep, { kind: 'refuse' }>, requestId: string) => Json;
}

const REFUSALS: Readonly<
  Record<number, { readonly anthropic: string; readonly openai: string; readonly google: string }>
> = {
  400: {
    anthropic: 'invalid_request_error',
    openai: 'invalid_request_error',
    google: 'INVALID_ARGUMENT',
  },
  401: {
    anthropic: 'authentication_error',
    openai: 'invalid_api_key',
    google: 'UNAUTHENTICATED',
  },
  403: { anthropic: 'permission_error', openai: 'permission_denied', google: 'PERMISSION_DENIED' },
  429: {
    anthropic: 'rate_limit_error',
    openai: 'rate_limit_exceeded',
    google: 'RESOURCE_EXHAUSTED',
  },
  529: { anthropic: 'overloaded_error', openai: 'server_error', google: 'UNAVAILABLE' },
};

/** The name of a refusal by its status. */
export function nameOf(status: number, maker: 'anthropic' | 'openai' | 'google'): string {
  return REFUSALS[status]?.[maker] ?? 'api_error';
}
