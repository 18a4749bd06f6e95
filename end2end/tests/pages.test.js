// Every page in every guise: the right status, nothing in the console, no violation of accessibility, nothing cut off.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Window, guises, launch } from '../lib/browser.js';
import { nameOf, pages, people, titleOf } from '../lib/pages.js';
import { startDemo } from '../lib/server.js';

describe('pages', () => {
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

  for (const [name, guise] of Object.entries(guises)) {
    for (const page of pages) {
      const { path, link, below = '', as, status = 200 } = page;
      test(`${titleOf(page)} as ${as ?? 'a stranger'}, ${name}`, async () => {
        const window = await Window.open(browser, server, guise, as ? states[as] : undefined);
        try {
          assert.equal(await window.open(path), status);
          if (link) assert.equal(await window.open((await window.firstLink(link)) + below), status);
          await window.picture(`${nameOf(page)}.${name}`);
          assert.deepEqual(await window.accessibility(), []);
          assert.equal(await window.overflows(), false, 'the page is wider than the window');
          assert.deepEqual(window.faults, []);
        } finally {
          await window.close();
        }
      });
    }
  }
});
