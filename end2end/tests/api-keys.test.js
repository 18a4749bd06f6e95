// Keys of administrators: made, shown once, listed, and revoked, with and without scripts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { demoOf, follow, led, press } from '../lib/demo.js';

describe('keys of administrators', () => {
  const { within } = demoOf('olivia');

  for (const guise of ['dark', 'narrow', 'without-scripts']) {
    test(`a key is made, shown once and revoked, ${guise}`, () =>
      within(guise, async (window, page) => {
        const looked = async (name) => {
          await window.picture(`api-keys-${name}.${guise}`);
          assert.deepEqual(await window.accessibility(), []);
          assert.equal(await window.overflows(), false);
        };
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
      }));
  }
});
