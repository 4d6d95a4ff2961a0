import { ask, type Editor } from './editor.ts';
import { messageOf } from '../core/text.ts';

/** How a prompt came to the agent of the editor. */
export type Opened =
  /** It stands in a chat, ready to be sent. */
  | { readonly kind: 'chat' | 'deeplink' }
  /** It is on the clipboard; `isChatOpen` says whether there is an empty chat to paste it into. */
  | { readonly kind: 'clipboard'; readonly isChatOpen: boolean };

/**
 * What Cursor takes at most of a prompt in a link: it refuses links of more than 10,000 characters,
 * these 21 included.
 */
const MAX_LINK = 10_000 - 21;

/**
 * Brings a prompt to the editor's own agent by the first of these ways that the editor has and that
 * works: its command that opens a chat, its command for links, the link itself, an empty chat with
 * the prompt on the clipboard, the clipboard alone.
 *
 * The user sends it in any case. None of the commands is documented, so each is looked for, and
 * none is waited for for long. The prompt must hold no text of others: links and commands are read
 * by other programs.
 */
export async function openAgentChat(
  editor: Pick<Editor, 'commands' | 'env' | 'Uri'>,
  prompt: string,
  options: { readonly log: (line: string) => void; readonly ms?: number },
): Promise<Opened> {
  const { env, Uri } = editor;
  const chat = { query: prompt, isPartialQuery: true, mode: 'agent' };
  if ((await ask(editor, 'workbench.action.chat.open', chat, options)) === 'done')
    return { kind: 'chat' };
  if ((await ask(editor, 'deeplink.prompt.prefill', { text: prompt }, options)) === 'done')
    return { kind: 'deeplink' };
  const encoded = encodeURIComponent(prompt);
  if (env.uriScheme === 'cursor' && encoded.length <= MAX_LINK) {
    try {
      const link = Uri.parse(`cursor://anysphere.cursor-deeplink/prompt?text=${encoded}`, true);
      if (await env.openExternal(link)) return { kind: 'deeplink' };
    } catch (error) {
      options.log(`The link was not opened: ${messageOf(error)}`);
    }
  }
  await env.clipboard.writeText(prompt);
  const opened = await ask(editor, 'composer.newAgentChat', undefined, options);
  return { kind: 'clipboard', isChatOpen: opened === 'done' };
}
