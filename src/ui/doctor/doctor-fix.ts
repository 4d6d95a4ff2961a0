import * as vscode from 'vscode';
import type { Backlog } from '../../core/backlog.ts';
import type { Finding } from '../../core/doctor/finding.ts';
import { count, plain } from '../../core/text.ts';
import { confirm, tellFailure } from '../ask.ts';
import { findingsOf } from './doctor-rows.ts';
import { explainNoFix, KIND_WORDS } from './doctor-words.ts';
import { type Offer, offersFor, safeOffers, withoutRivals } from './fix-choices.ts';
import type { TreeNode } from '../tree-nodes.ts';

/** Shows the fixes of a finding, or of all of a kind, and applies those that the user chooses. */
export async function fixFinding(node?: TreeNode): Promise<void> {
  if (node?.kind !== 'finding' && node?.kind !== 'findings') return;
  const { backlog } = node;
  const { byKey, byKind } = findingsOf(backlog);
  const findings: readonly Finding[] =
    node.kind === 'findings'
      ? (byKind.get(node.of) ?? [])
      : [byKey.get(node.key)].filter((each) => each !== undefined);
  const [first] = findings;
  if (first === undefined) {
    void vscode.window.showInformationMessage('That is fixed already.');
    return;
  }
  const offers = offersFor(backlog, findings);
  if (offers.length === 0) {
    const why = first.fix.kind === 'none' ? explainNoFix(first.fix) : '';
    void vscode.window.showInformationMessage(plain(`There is nothing to change. ${why}`));
    return;
  }
  await askAndApply(backlog, KIND_WORDS[first.trouble.kind].title, offers);
}

/**
 * Shows all fixes that take no lock from another holder, and applies those that the user chooses.
 */
export async function fixAllSafe(backlog: Backlog): Promise<void> {
  const offers = safeOffers(backlog, backlog.findings);
  if (offers.length > 0) await askAndApply(backlog, 'Fix All Safe', offers);
  else
    void vscode.window.showInformationMessage(
      'There is nothing that could be fixed without being looked at.',
    );
}

async function askAndApply(
  backlog: Backlog,
  title: string,
  offers: readonly Offer[],
): Promise<void> {
  const agreed = await ask(title, offers);
  if (agreed.length === 0) return;
  const changes = agreed.flatMap((offer) => offer.changes);
  if (!(await tellFailure(backlog.edits.apply(changes)))) return;
  const rest =
    backlog.findings.length === 0
      ? 'Nothing is wrong any more.'
      : `${count(backlog.findings.length, 'finding')} left.`;
  void vscode.window.showInformationMessage(
    `${agreed.length === 1 ? '1 fix' : `${agreed.length} fixes`} made. ${rest}`,
  );
}

/** The changes that the user chooses; none where they do not answer. */
async function ask(title: string, offers: readonly Offer[]): Promise<readonly Offer[]> {
  const [only, ...others] = offers;
  if (only === undefined) return [];
  if (others.length === 0) {
    const detail = `${only.description}\n\n${only.detail}`;
    return (await confirm(`${title}: ${only.label}`, detail, 'Fix')) ? offers : [];
  }
  if (others.every(({ finding }) => finding === only.finding)) {
    const placeHolder = 'Which one? It is changed at once.';
    const picked = await vscode.window.showQuickPick(offers.map(itemOf), {
      title,
      placeHolder,
      matchOnDetail: true,
    });
    return picked === undefined ? [] : [picked.offer];
  }
  return askForSeveral(title, offers);
}

function itemOf(offer: Offer): vscode.QuickPickItem & { readonly offer: Offer } {
  // What is changed comes before what it is changed in: the same task may be there several times.
  return {
    label: offer.detail,
    description: '',
    detail: `${offer.label} · ${offer.description}`,
    offer,
  };
}

/** A list with the suggestions checked; one fix of a finding at most, the last checked. */
function askForSeveral(title: string, offers: readonly Offer[]): Promise<readonly Offer[]> {
  const pick = vscode.window.createQuickPick<ReturnType<typeof itemOf>>();
  pick.title = title;
  pick.placeholder = 'What is checked is changed, all of it or none';
  pick.canSelectMany = true;
  pick.matchOnDetail = true;
  pick.items = offers.map(itemOf);
  pick.selectedItems = pick.items.filter(({ offer }) => offer.isSuggested);
  let checked = pick.selectedItems.map(({ offer }) => offer);
  pick.onDidChangeSelection((items) => {
    const now = items.map(({ offer }) => offer);
    const kept = withoutRivals(
      now,
      now.filter((offer) => !checked.includes(offer)),
    );
    checked = [...kept];
    if (kept.length < now.length)
      pick.selectedItems = pick.items.filter(({ offer }) => kept.includes(offer));
  });
  return new Promise((resolve) => {
    pick.onDidAccept(() => {
      // In the order of the offers, in which they can be made one after the other.
      resolve(offers.filter((offer) => checked.includes(offer)));
      pick.hide();
    });
    pick.onDidHide(() => {
      resolve([]);
      pick.dispose();
    });
    pick.show();
  });
}
