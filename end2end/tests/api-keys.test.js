// Keys of administrators: made, shown once, listed, and revoked, with and without scripts.

import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { Window, guises, launch } from '../lib/browser.js';
import { startDemo } from '../lib/server.js';

describe('keys of administrators', () => {
  let server;
  let browser;
  let signedIn;

  before(async () => {
    [server, browser] = await Promise.all([startDemo(), launch()]);
    const window = await Window.open(browser, server);
    await window.signIn(server.people.get('olivia'));
    signedIn = await window.state();
    await window.close();
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  const led = (page, act) => Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), act]);
  const press = (page, name) => led(page, page.locator('main').getByRole('button', { name }).first().click());
  const follow = (page, name) => led(page, page.locator('main').getByRole('link', { name }).first().click());

  for (const guise of ['dark', 'narrow', 'without-scripts']) {
    test(`a key is made, shown once and revoked, ${guise}`, async () => {
      const window = await Window.open(browser, server, guises[guise], signedIn);
      const { page } = window;
      const looked = async (name) => {
        await window.picture(`api-keys-${name}.${guise}`);
        assert.deepEqual(await window.accessibility(), []);
        assert.equal(await window.overflows(), false);
      };
      try {
        await window.open('/admin/administrators');
        await follow(page, 'New API key');
        await page.fill('[name=user]', 'nobody');
        await page.fill('[name=description]', 'Größe <b> حساب 🚀');
        await press(page, 'Make key');
        assert.match(await page.locator('.field .error').innerText(), /is nobody here/);
        assert.equal(await page.inputValue('[name=description]'), 'Größe <b> حساب 🚀');
        await looked('refused');
        await page.fill('[name=user]', 'olivia');
        await page.selectOption('[name=role]', 'auditor');
        await press(page, 'Make key');
        assert.match(await page.locator('.field .error').innerText(), /must be one that this person holds/);
        await page.selectOption('[name=role]', 'owner');
        await press(page, 'Make key');
        const shown = window.path;
        const id = shown.split('/').at(-2);
        assert.match(id, /^AKIA[A-Z2-7]{16}$/);
        const secret = await page.locator('.secret code').innerText();
        assert.equal(secret.length, 40);
        await looked('secret');
        await follow(page, 'I have copied it');
        assert.equal(window.path, '/admin/administrators');
        await window.open(shown);
        assert.equal(window.path, '/admin/administrators', 'it is shown once');
        assert.ok(!(await page.content()).includes(secret));
        const row = page.locator('tbody tr').filter({ hasText: id });
        assert.match(await row.innerText(), /Größe <b> حساب 🚀[\s\S]*olivia[\s\S]*Active/);
        await looked('listed');
        await led(page, row.getByRole('link', { name: 'Revoke' }).click());
        await looked('revoke');
        await press(page, 'Revoke');
        assert.match(await page.locator('.notice').first().innerText(), new RegExp(`${id} is revoked`));
        assert.equal(await page.locator('tbody tr').filter({ hasText: id }).count(), 0);
        assert.deepEqual(window.faults, []);
      } finally {
        await window.close();
      }
    });
  }
});
