// Accounts as an administrator has them, with and without scripts: a list is imported, one is found and changed.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { demoOf, press } from '../lib/demo.js';

describe('accounts', () => {
  const { within } = demoOf('olivia');

  for (const [guise, id] of [['narrow', '700000000001'], ['without-scripts', '700000000002']]) {
    test(`a list is put right, imported, found and changed, ${guise}`, () =>
      within(guise, async (window, page) => {
        await window.open('/admin/accounts/import');
        await page.fill('textarea[name=text]', `id,name,path\n${id},"Größe <b> حساب 🚀",workloads\n`);
        await press(page, 'Look at the changes');
        assert.match(await page.locator('main table').innerText(), /2\s+Path must begin with \//);
        await page.fill('textarea[name=text]', `id,name,path\n${id},"Größe <b> حساب 🚀",/tests/${guise}\n`);
        await press(page, 'Look at the changes');
        await window.picture(`accounts-import-preview.${guise}`);
        assert.deepEqual(await window.accessibility(), []);
        await press(page, 'Import 1 account');
        assert.equal(window.path, '/admin/accounts');

        await window.open(`/admin/accounts?search=${encodeURIComponent('gröSSE'.replace('SS', 'ß'))}&path=/tests/${guise}`);
        await window.open(await window.firstLink(new RegExp(`/admin/accounts/${id}$`)));
        assert.equal(await page.locator('h1').innerText(), 'Größe <b> حساب 🚀');

        await window.open(`/admin/accounts/${id}/edit`);
        assert.equal(await page.locator('input[name=saml_provider]').isVisible(), false, 'not of this way to credentials');
        await page.check('input[name=broker][value=aws-role]');
        assert.equal(await page.locator('input[name=external_id]').isVisible(), true);
        await page.fill('input[name=role_arn]', `arn:aws:iam::${id}:role/Admin`);
        await page.fill('input[name=region]', 'eu-west-1');
        await press(page, 'Save');
        assert.match(await page.locator('.field .error').innerText(), /must have \{permissionSet\} once/);
        assert.equal(await page.locator('input[name=role_arn]').inputValue(), `arn:aws:iam::${id}:role/Admin`);
        await page.fill('input[name=role_arn]', `arn:aws:iam::${id}:role/{permissionSet}`);
        await press(page, 'Save');
        assert.equal(window.path, `/admin/accounts/${id}`);
        assert.match(await page.locator('main').innerText(), /By AWS, for the server's own credentials/);
        assert.equal(await window.overflows(), false);
      }));
  }
});
