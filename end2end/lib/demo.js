// A demo server and a browser for one group of tests, in which somebody is signed in.

import assert from 'node:assert/strict';
import { after, before } from 'node:test';

import { Window, guises, launch } from './browser.js';
import { startDemo } from './server.js';

/** Starts both before the tests of a `describe`, signs this person in, and ends both after. */
export function demoOf(userName) {
  let server;
  let browser;
  let signedIn;

  before(async () => {
    [server, browser] = await Promise.all([startDemo(), launch()]);
    const window = await Window.open(browser, server);
    await window.signIn(server.people.get(userName));
    signedIn = await window.state();
    await window.close();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  /** Somebody of the demo. */
  const person = (name) => server.people.get(name);
  /** A window in which nobody is signed in. */
  const stranger = (guise = 'light') => Window.open(browser, server, guises[guise]);
  /** A window of the person. */
  const own = (guise = 'light') => Window.open(browser, server, guises[guise], signedIn);
  /** Runs a test in a window of the person's, which must end without a fault. */
  const within = async (guise, body) => {
    const window = await own(guise);
    try {
      await body(window, window.page);
      assert.deepEqual(window.faults, []);
    } finally {
      await window.close();
    }
  };
  return { person, stranger, own, within };
}

/** Does what leads to another page, and waits until that is there. */
export const led = (page, act) => Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), act]);

/** Presses the first button of this name in the page's own part. */
export const press = (page, name) => led(page, page.locator('main').getByRole('button', { name }).first().click());

/** Follows the first link of this name there. */
export const follow = (page, name) => led(page, page.locator('main').getByRole('link', { name }).first().click());
