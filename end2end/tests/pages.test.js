// Every page in every guise: the right status, nothing in the console, no violation of accessibility, nothing cut off.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Window, guises, launch } from '../lib/browser.js';
import { nameOf, pages, people, titleOf } from '../lib/pages.js';
import { startDemo } from '../lib/server.js';

// Opening a page is mostly waiting until nothing loads any more: several at a time.
describe('pages', { concurrency: 3 }, () => {
  let server;
  let browser;
  const states = {};

  before(async () => {
    [server, browser] = await Promise.all([startDemo(), launch()]);
    for (const [role, userName] of Object.entries(people)) {
      const window = await Window.open(browser, server);
      await window.signIn(server.people.get(userName));
      assert.equal(window.path, '/start', `${userName} is signed in`);
      states[role] = await window.state();
      await window.close();
    }
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Runs `body` in a window of whoever the page is for, with the page open in it. */
  async function opened({ path, link, below = '', as, status = 200 }, guise, body) {
    const window = await Window.open(browser, server, guise, as ? states[as] : undefined);
    try {
      assert.equal(await window.open(path), status);
      if (link) assert.equal(await window.open((await window.firstLink(link)) + below), status);
      await body(window);
      assert.deepEqual(window.faults, []);
    } finally {
      await window.close();
    }
  }

  for (const page of pages) {
    const title = `${titleOf(page)} as ${page.as ?? 'a stranger'}`;

    // The guises differ in style sheets alone, so the page is loaded once for all three.
    test(`${title}, light, dark and narrow`, () =>
      opened(page, guises.light, async (window) => {
        for (const name of ['light', 'dark', 'narrow']) {
          await window.turn(guises[name]);
          await window.picture(`${nameOf(page)}.${name}`);
          assert.deepEqual(await window.accessibility(), [], name);
          assert.equal(await window.overflows(), false, `the page is wider than the window: ${name}`);
        }
      }));

    test(`${title}, without-scripts`, () =>
      opened(page, guises['without-scripts'], async (window) => {
        await window.picture(`${nameOf(page)}.without-scripts`);
        assert.deepEqual(await window.accessibility(), []);
      }));
  }
});
