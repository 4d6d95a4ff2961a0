import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { PresetKind } from '../../src/agent-process/agent-presets.ts';

/** How an agent is told of the stand-in, by its environment or a file in its home folder. */
export interface AgentSetup {
  readonly env: Readonly<Record<string, string>>;
  /** By path below its home folder. */
  readonly files: Readonly<Record<string, string>>;
}

const KEY = 'stand-in-key';

/** Retries are few, so that a case takes seconds. */
const SETUPS: Partial<Record<PresetKind, (url: string) => AgentSetup>> = {
  claude: (url) => ({
    env: {
      ANTHROPIC_BASE_URL: url,
      ANTHROPIC_API_KEY: KEY,
      CLAUDE_CODE_MAX_RETRIES: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      DISABLE_AUTOUPDATER: '1',
    },
    files: {},
  }),
  codex: (url) => ({
    env: { STAND_IN_KEY: KEY },
    files: {
      '.codex/config.toml': `model = "stand-in"
model_provider = "stand-in"
[model_providers.stand-in]
name = "stand-in"
base_url = "${url}/v1"
env_key = "STAND_IN_KEY"
wire_api = "responses"
request_max_retries = 1
stream_max_retries = 1
`,
    },
  }),
  gemini: (url) => ({
    env: { GEMINI_API_KEY: KEY, GOOGLE_GEMINI_BASE_URL: url },
    files: {
      '.gemini/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'gemini-api-key' } },
        // By itself it asks another model first which one to take.
        model: { name: 'gemini-2.5-flash' },
        general: { maxAttempts: 2, retryFetchErrors: false, enableAutoUpdate: false },
        privacy: { usageStatisticsEnabled: false },
      }),
    },
  }),
  qwen: (url) => ({
    env: { OPENAI_API_KEY: KEY, OPENAI_BASE_URL: `${url}/v1`, OPENAI_MODEL: 'stand-in' },
    files: {
      '.qwen/settings.json': JSON.stringify({
        security: { auth: { selectedType: 'openai' } },
        model: { name: 'stand-in', generationConfig: { maxRetries: 1 } },
        general: { disableAutoUpdate: true, enableAutoUpdate: false },
        privacy: { usageStatisticsEnabled: false },
      }),
    },
  }),
  copilot: (url) => ({
    env: {
      COPILOT_PROVIDER_BASE_URL: `${url}/v1`,
      COPILOT_PROVIDER_API_KEY: KEY,
      COPILOT_MODEL: 'stand-in',
      COPILOT_OFFLINE: 'true',
    },
    files: {},
  }),
  opencode: (url) => ({
    env: {
      OPENCODE_DISABLE_AUTOUPDATE: 'true',
      OPENCODE_DISABLE_MODELS_FETCH: 'true',
      OPENCODE_CONFIG_CONTENT: JSON.stringify({
        $schema: 'https://opencode.ai/config.json',
        autoupdate: false,
        share: 'disabled',
        model: 'stand-in/stand-in',
        // By itself it runs any command.
        permission: { bash: 'ask' },
        provider: {
          'stand-in': {
            npm: '@ai-sdk/openai-compatible',
            name: 'stand-in',
            options: { baseURL: `${url}/v1`, apiKey: KEY },
            models: { 'stand-in': { name: 'stand-in' } },
          },
        },
      }),
    },
    files: {},
  }),
  // It speaks with its maker's own server alone: the stand-in only ever tells it that there is
  // nothing.
  amp: (url) => ({ env: { AMP_API_KEY: KEY, AMP_URL: url }, files: {} }),
};

/** Writes the files of an agent's setup into a home folder; answers its environment. */
export async function setUp(
  preset: PresetKind,
  url: string,
  home: string,
): Promise<Readonly<Record<string, string>>> {
  const setup = SETUPS[preset]?.(url);
  if (setup === undefined) throw new Error(`There is no setup for ${preset}.`);
  await mkdir(home, { recursive: true });
  for (const [path, text] of Object.entries(setup.files)) {
    await mkdir(dirname(join(home, path)), { recursive: true });
    await writeFile(join(home, path), text);
  }
  return { HOME: home, USERPROFILE: home, ...setup.env };
}
