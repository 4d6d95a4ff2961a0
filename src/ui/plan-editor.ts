import { basename, relative } from 'node:path';
import * as vscode from 'vscode';
import type { Backlog } from '../core/backlog.ts';
import type { Disposable } from '../core/events.ts';
import {
  findLocations,
  type IdLocation,
  isOutOfDate,
  type PlanLocations,
} from '../core/plan/plan-locations.ts';
import { mainPlanFile, SUBAGENTS_PLAN_FILE } from '../core/plan/slug.ts';
import { taskId } from '../core/task.ts';
import type { Backlogs } from './backlogs.ts';
import { waveLens } from './plan-words.ts';
import { taskTooltip } from './task-document.ts';
import { documentUri } from './documents.ts';

const PLANS: vscode.DocumentSelector = { scheme: 'file', pattern: '**/*.plan.md' };

// A limit, since each is an object of the editor.
const MOST = { links: 20_000, problems: 200 };

/** Problems wait for a pause of this length in typing and in commits. */
const PAUSE_MS = 200;

/**
 * What an editor shows in plan files: how far each wave is and a way to run it, links and hovers
 * for tasks, and warnings for tasks that the backlog does not have. Follows the backlog; a text is
 * looked through once.
 */
export class PlanEditor
  implements vscode.CodeLensProvider, vscode.DocumentLinkProvider, vscode.HoverProvider, Disposable
{
  readonly #backlogs: Backlogs;
  readonly #changed = new vscode.EventEmitter<undefined>();
  readonly #problems = vscode.languages.createDiagnosticCollection('todo2Waves.plans');
  readonly #disposables: readonly Disposable[];
  readonly #known = new WeakMap<
    vscode.TextDocument,
    { readonly version: number; readonly places: PlanLocations }
  >();
  #timer: ReturnType<typeof setTimeout> | undefined;

  readonly onDidChangeCodeLenses = this.#changed.event as vscode.Event<void>;

  constructor(backlogs: Backlogs) {
    this.#backlogs = backlogs;
    this.#disposables = [
      this.#changed,
      this.#problems,
      vscode.languages.registerCodeLensProvider(PLANS, this),
      vscode.languages.registerDocumentLinkProvider(PLANS, this),
      vscode.languages.registerHoverProvider(PLANS, this),
      vscode.workspace.onDidOpenTextDocument((document) => this.#lookSoon(document)),
      vscode.workspace.onDidChangeTextDocument(({ document }) => this.#lookSoon(document)),
      vscode.workspace.onDidCloseTextDocument(({ uri }) => this.#problems.delete(uri)),
      backlogs.onDidChange(() => {
        this.#changed.fire(undefined);
        this.#lookSoon();
      }),
    ];
    this.#lookSoon();
  }

  provideCodeLenses(document: vscode.TextDocument): vscode.CodeLens[] {
    const backlog = this.#backlogOf(document);
    const { plan, snapshot } = backlog ?? {};
    if (backlog === undefined || plan === undefined || snapshot === undefined) return [];
    const places = this.#placesOf(document);
    const lens = (line: number, command: vscode.Command): vscode.CodeLens =>
      new vscode.CodeLens(new vscode.Range(line, 0, line, 0), command);
    const kind = kindOf(document, backlog);
    const isSource = isWaveSource(backlog, document.uri);
    const top =
      kind !== undefined && !isSource && isOutOfDate(places, plan, snapshot.byId, kind)
        ? [lens(0, { title: '$(refresh) Plan is out of date', command: WRITE[kind] })]
        : [];
    const waves = places.waves.map(({ line, number, ids }) => {
      const { title, ready } = waveLens(backlog, ids);
      const args = [
        {
          kind: 'planWave',
          backlog,
          title: `Wave ${number} of ${basename(document.uri.fsPath)}`,
          ids: ready,
        },
      ];
      return lens(line, {
        title,
        command: ready.length === 0 ? '' : 'todo2Waves.runPlanWave',
        ...(ready.length === 0 ? {} : { arguments: args }),
      });
    });
    return [...top, ...waves];
  }

  provideDocumentLinks(document: vscode.TextDocument): vscode.DocumentLink[] {
    const backlog = this.#backlogOf(document);
    if (backlog === undefined) return [];
    const known = this.#placesOf(document).ids.filter(
      ({ id }) => backlog.task(taskId(id)) !== undefined,
    );
    return known.slice(0, MOST.links).map((place) => {
      const link = new vscode.DocumentLink(
        rangeOf(place),
        documentUri('task', backlog.root, place.id),
      );
      link.tooltip = 'Show the task';
      return link;
    });
  }

  provideHover(document: vscode.TextDocument, position: vscode.Position): vscode.Hover | undefined {
    const backlog = this.#backlogOf(document);
    const place = this.#placesOf(document).ids.find((each) => rangeOf(each).contains(position));
    const task = place === undefined ? undefined : backlog?.task(taskId(place.id));
    if (backlog === undefined || place === undefined || task === undefined) return undefined;
    // Not trusted: no command links and no HTML from a task's text.
    return new vscode.Hover(new vscode.MarkdownString(taskTooltip(backlog, task)), rangeOf(place));
  }

  dispose(): void {
    clearTimeout(this.#timer);
    for (const disposable of this.#disposables) disposable.dispose();
  }

  #lookSoon(document?: vscode.TextDocument): void {
    if (document !== undefined && vscode.languages.match(PLANS, document) === 0) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      for (const each of vscode.workspace.textDocuments) {
        if (vscode.languages.match(PLANS, each) > 0)
          this.#problems.set(each.uri, this.#problemsIn(each));
      }
    }, PAUSE_MS);
  }

  #problemsIn(document: vscode.TextDocument): vscode.Diagnostic[] {
    const backlog = this.#backlogOf(document);
    if (backlog?.snapshot === undefined) return [];
    const unknown = this.#placesOf(document).ids.filter(
      ({ id, as }) => as !== 'mention' && backlog.task(taskId(id)) === undefined,
    );
    return unknown.slice(0, MOST.problems).map((place) => {
      const message = `${place.id} is not in the backlog.`;
      const problem = new vscode.Diagnostic(
        rangeOf(place),
        message,
        vscode.DiagnosticSeverity.Warning,
      );
      problem.source = 'Todo2 Waves';
      return problem;
    });
  }

  #placesOf(document: vscode.TextDocument): PlanLocations {
    const known = this.#known.get(document);
    if (known?.version === document.version) return known.places;
    const places = findLocations(document.getText());
    this.#known.set(document, { version: document.version, places });
    return places;
  }

  #backlogOf({ uri }: vscode.TextDocument): Backlog | undefined {
    return backlogOf(this.#backlogs, uri);
  }
}

/** The backlog whose root a file is in, the nearest one. */
export function backlogOf(backlogs: Backlogs, { fsPath }: vscode.Uri): Backlog | undefined {
  const path = fsPath.replaceAll('\\', '/');
  return backlogs.all
    .filter(({ root }) => path.startsWith(`${root.replaceAll('\\', '/').replace(/\/$/, '')}/`))
    .sort((a, b) => b.root.length - a.root.length)[0];
}

/** True for the file that the waves of a backlog are taken from. */
export function isWaveSource({ root, plan }: Backlog, { fsPath }: vscode.Uri): boolean {
  const chosen = plan?.asked?.file;
  return chosen !== undefined && relative(root, fsPath).replaceAll('\\', '/') === chosen;
}

const WRITE = { main: 'todo2Waves.writePlan', subagents: 'todo2Waves.writeSubagentsPlan' } as const;

/** Undefined for a plan that we would not write anew. */
function kindOf({ uri }: vscode.TextDocument, { name }: Backlog): 'main' | 'subagents' | undefined {
  const file = basename(uri.fsPath);
  if (file === SUBAGENTS_PLAN_FILE) return 'subagents';
  return file === mainPlanFile(name) ? 'main' : undefined;
}

function rangeOf({ line, start, end }: IdLocation): vscode.Range {
  return new vscode.Range(line, start, line, end);
}
