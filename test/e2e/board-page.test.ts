import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import axe from 'axe-core';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../editor/browser.ts';
import { boardState, HOSTILE, type BoardFixture } from '../support/board-fixture.ts';
import { BoardPage, type BoardPageOptions } from '../support/board-page.ts';
import { BOARD_THEMES, type BoardTheme } from '../support/board-themes.ts';

let browser: Browser;
before(async () => (browser = await launchBrowser()));
after(() => browser.close());

/** Opens a board, and fails where the page reported an error or its policy refused something. */
async function withBoard(
  fixture: Omit<BoardFixture, 'now'>,
  use: (board: BoardPage) => Promise<void>,
  options: BoardPageOptions = {},
): Promise<void> {
  await using board = await BoardPage.open(
    browser,
    boardState({ now: Date.now(), ...fixture }),
    options,
  );
  await use(board);
  assert.deepEqual(board.troubles, []);
}

const cards = (board: BoardPage) => board.page.locator('.card[data-id]');

for (const tasks of [4, 40, 400, 10_000])
  test(`${tasks} tasks are drawn, with at most 200 cards in the page`, () =>
    withBoard({ tasks, phase: 'running' }, async (board) => {
      const most = async () => {
        const n = await cards(board).count();
        assert.ok(n > 0 && n <= 200, `${n} cards`);
      };
      await most();
      for (const size of ['full', 'lines', 'stacks']) {
        await board.page.getByLabel('Size of the cards').selectOption(size);
        await most();
      }
      await board.page.setViewportSize({ width: 3840, height: 2160 });
      await most();
    }));

test('a hostile title is text and nothing else, on cards and in details', () =>
  withBoard({ tasks: 12, phase: 'running', hostile: true }, async (board) => {
    for (const title of HOSTILE.slice(0, 5))
      await board.page.locator('.card .title', { hasText: title }).first().waitFor();
    await cards(board).first().click();
    await board.page.locator('.drawer h2', { hasText: HOSTILE[0] }).waitFor();
    for (const view of ['2', '3', '1']) await board.page.keyboard.press(view);
    assert.equal(await board.page.evaluate('globalThis.hacked'), undefined);
    assert.equal(await board.page.locator('main img, main script, main b').count(), 0);
  }));

for (const theme of Object.keys(BOARD_THEMES) as BoardTheme[])
  test(`axe finds nothing in the theme ${theme}`, () =>
    withBoard(
      { tasks: 40, phase: 'running' },
      async (board) => {
        await cards(board).first().click();
        await board.page.keyboard.press('?');
        for (const view of ['1', '2', '3']) {
          await board.page.keyboard.press(view);
          await board.page.evaluate(axe.source);
          const found = await board.page.evaluate<readonly string[]>(
            `axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
               nodes.map(({ html, failureSummary }) => id + ': ' + html.slice(0, 200) + failureSummary)))`,
          );
          assert.deepEqual(found, [], `view ${view}`);
        }
      },
      { theme, context: { bypassCSP: true } },
    ));
