import { chromium, type Browser } from 'playwright-core';
import { findChromium } from './chromium.mjs';

/** Starts a Chromium without a window. It ends with this process. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = await findChromium();
  if (executablePath === undefined)
    throw new Error('There is no Chromium. `npm test` gets one, or set CHROMIUM.');
  return chromium.launch({
    executablePath,
    args: ['--disable-gpu', '--disable-component-update', '--disable-sync'],
  });
}
