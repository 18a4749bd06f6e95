// Signing in and out by the forms, with scripts and without.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Window, guises, launch } from '../lib/browser.js';
import { people } from '../lib/pages.js';
import { startDemo } from '../lib/server.js';

for (const guise of ['light', 'without-scripts']) {
  describe(`sign-in, ${guise}`, () => {
    let server;
    let browser;
    let window;

    before(async () => {
      [server, browser] = await Promise.all([startDemo(), launch()]);
    });

    after(async () => {
      await browser?.close();
      await server?.stop();
    });

    const inWindow = (work) => async () => {
      window = await Window.open(browser, server, guises[guise]);
      try {
        await work(window);
        assert.deepEqual(window.faults, []);
      } finally {
        await window.close();
      }
    };

    test(
      'the page of sign-in takes three requests and fifteen kilobytes',
      inWindow(async (window) => {
        const seen = [];
        window.page.on('requestfinished', (request) => seen.push(request));
        await window.open('/start/sign-in');
        const sizes = await Promise.all(seen.map(async (request) => (await request.sizes()).responseBodySize));
        const fetched = seen.filter((request) => !request.url().startsWith('data:')).map((request) => request.url());
        assert.ok(fetched.length >= 2 && fetched.length <= 3, fetched.join(', '));
        assert.ok(sizes.reduce((sum, size) => sum + size, 0) <= 15_000, sizes.join(', '));
      }),
    );

    test(
      'a password leads to the portal',
      inWindow(async (window) => {
        await window.signIn(server.people.get(people.ordinary));
        assert.equal(window.path, '/start');
      }),
    );

    test(
      'a wrong password says so and tells nobody which part was wrong',
      inWindow(async (window) => {
        const said = [];
        for (const userName of [people.ordinary, 'nobody-is-called-so']) {
          await window.signIn({ userName, password: 'not the password of anybody' });
          assert.equal(window.path, '/start/sign-in');
          said.push(await window.page.locator('[role=alert], [role=status]').first().innerText());
        }
        assert.ok(said[0].length > 0);
        assert.equal(said[0], said[1]);
      }),
    );

    test(
      'an administrator is asked for the authenticator code',
      inWindow(async (window) => {
        const owner = server.people.get(people.owner);
        assert.ok(owner.otpauth, 'the demo owner has an authenticator');
        await window.signIn(owner);
        assert.equal(window.path, '/start');
        assert.equal(await window.open('/admin/users'), 200);
      }),
    );

    test(
      'a page asked for before signing in is where one lands',
      inWindow(async (window) => {
        await window.open('/me/security');
        assert.equal(window.path, '/start/sign-in');
        const person = server.people.get(people.ordinary);
        await window.page.fill('input[name=username]', person.userName);
        await window.page.fill('input[name=password]', person.password);
        await Promise.all([window.page.waitForNavigation(), window.page.keyboard.press('Enter')]);
        assert.equal(window.path, '/me/security');
      }),
    );
  });
}
