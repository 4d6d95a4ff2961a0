import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { TaskId } from '../core/task.ts';
import { tell } from './ask.ts';
import { shown } from './edit-words.ts';
import { nameIn } from './plan-words.ts';
import { askDependencies, askPriority, askTags, askTitle } from './task-inputs.ts';
import { plain } from '../core/text.ts';

type Draft = Parameters<Backlog['edits']['create']>[0];
type Step = 'create' | 'title' | 'description' | 'priority' | 'tags' | 'dependencies';

/** Shows the row of a task. */
export type Reveal = (backlog: Backlog, id: TaskId) => Promise<void>;

/**
 * Asks for a title, and then shows the task as it would be made: Enter makes it, and each of its
 * lines can be gone into first. Nothing that was typed is lost where it cannot be made. Its row is
 * shown then.
 */
export async function newTask(
  backlog: Backlog,
  reveal: Reveal,
  dependencies: readonly TaskId[] = [],
): Promise<void> {
  const title = await askTitle('New Task', '');
  if (title === undefined) return;
  const { priority, tags } = backlog.options.newTask;
  let draft: Draft = { title, description: '', priority, tags, dependencies, parentId: undefined };
  for (;;) {
    const picked = await vscode.window.showQuickPick(linesOf(backlog, draft), {
      title: 'New Task',
      placeHolder: 'Press Enter to create it, or choose a line to say more',
      ignoreFocusOut: true,
    });
    if (picked === undefined) return;
    if (picked.step === 'create') {
      const created = await backlog.edits.create(draft);
      if (created.ok) return reveal(backlog, created.value);
      void tell(created.failure);
    } else {
      draft = { ...draft, ...(await fill(backlog, draft, picked.step)) };
    }
  }
}

function linesOf(
  backlog: Backlog,
  draft: Draft,
): readonly (vscode.QuickPickItem & { readonly step: Step })[] {
  const names = draft.dependencies.map((id) => nameIn(backlog, id)).join(', ');
  const line = (
    step: Step,
    label: string,
    value: string,
  ): vscode.QuickPickItem & { readonly step: Step } => ({
    step,
    label,
    description: plain(shown(value)),
  });
  return [
    { step: 'create', label: '$(add) Create Task', description: 'with what is below' },
    line('title', 'Title', draft.title),
    line('description', 'Description', draft.description + hintAt(backlog, draft.description)),
    line('priority', 'Priority', draft.priority),
    line('tags', 'Tags', draft.tags.join(', ')),
    line('dependencies', 'Depends on', names),
  ];
}

/** The project may want descriptions of some length; a shorter one is a hint, never a refusal. */
function hintAt(backlog: Backlog, description: string): string {
  const { minDescriptionLength } = backlog.options.newTask;
  const { length } = description.trim();
  return length === 0 || length >= minDescriptionLength
    ? ''
    : ` (short: ${length} of ${minDescriptionLength} characters)`;
}

/** What the user changed about the draft; nothing where they left the question with Escape. */
async function fill(
  backlog: Backlog,
  draft: Draft,
  step: Exclude<Step, 'create'>,
): Promise<Partial<Draft>> {
  switch (step) {
    case 'title': {
      const title = await askTitle('Title', draft.title);
      return title === undefined ? {} : { title };
    }
    case 'description': {
      const description = await vscode.window.showInputBox({
        title: 'Description',
        value: draft.description,
        ignoreFocusOut: true,
        prompt:
          'One paragraph. More can be written in an editor once the task is there: Edit Task, Description.',
      });
      return description === undefined ? {} : { description };
    }
    case 'priority': {
      const priority = await askPriority('Priority', draft.priority);
      return priority === undefined ? {} : { priority };
    }
    case 'tags': {
      const tags = await askTags('Tags', draft.tags);
      return tags === undefined ? {} : { tags };
    }
    case 'dependencies': {
      const dependencies = await askDependencies(
        backlog,
        'Depends on',
        undefined,
        draft.dependencies,
      );
      return dependencies === undefined ? {} : { dependencies };
    }
  }
}
