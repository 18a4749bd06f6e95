// What a key press costs in the search of the portal: `node bench/portal.js URL USER PASSWORD` prints milliseconds as JSON.
// Measured from the event to the next frame, as the person sees it, and the work of the script alone.

import { launch } from '../lib/browser.js';

const [url, userName, password] = process.argv.slice(2);
const words = ['payments', 'api prod', 'readonly', '2718', 'video-edge-dev', 'x', '@example'];

const browser = await launch();
try {
  const page = await (await browser.newContext({ baseURL: url, viewport: { width: 1280, height: 900 } })).newPage();
  await page.goto('/start/sign-in');
  await page.fill('input[name=username]', userName);
  await page.fill('input[name=password]', password);
  await Promise.all([page.waitForURL('**/start'), page.locator('form[action$="/password"] button').first().click()]);
  // The search answers once its script has read the list.
  const field = page.locator('#f-q');
  await page.waitForFunction(() => {
    const input = document.getElementById('f-q');
    input.value = 'payments';
    input.dispatchEvent(new InputEvent('input', { bubbles: true }));
    return document.querySelector('#places-found:not([hidden]) summary');
  });
  await field.fill('');
  await page.evaluate(() => {
    window.keys = [];
    const input = document.getElementById('f-q');
    // Before the listener of the island, and after all of them.
    document.addEventListener('input', (event) => (event.begun = performance.now()), true);
    document.addEventListener('input', (event) => {
      const worked = performance.now() - event.begun;
      const { begun } = event;
      requestAnimationFrame(() => setTimeout(() => window.keys.push({ worked, shown: performance.now() - begun })));
    });
    input.focus();
  });
  for (const word of words) {
    for (const key of word) await pressed(key);
    for (const _ of word) await pressed('Backspace');
  }
  const keys = await page.evaluate(() => window.keys);
  const sorted = (name) => keys.map((key) => key[name]).sort((a, b) => a - b);
  const at = (name, share) => sorted(name)[Math.min(Math.floor(keys.length * share), keys.length - 1)];
  console.log(
    JSON.stringify({ keys: keys.length, worked: at('worked', 0.5), worked95: at('worked', 0.95), shown: at('shown', 0.5), shown95: at('shown', 0.95) }),
  );

  async function pressed(key) {
    const before = await page.evaluate(() => window.keys.length);
    await page.keyboard.press(key);
    await page.waitForFunction((before) => window.keys.length > before, before);
  }
} finally {
  await browser.close();
}
