// The portal in a real browser: search as people type, keys, favourites, links, and the same without scripts.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { demoOf } from '../lib/demo.js';

describe('portal', () => {
  const { person, stranger, within } = demoOf('alice');

  const names = (page) =>
    page.locator('.places > li .place-name').evaluateAll((all) => all.filter((name) => name.checkVisibility()).map((name) => name.textContent));
  const settled = (page, expected) =>
    page.waitForFunction(
      (expected) =>
        [...document.querySelectorAll('.places > li .place-name')]
          .filter((name) => name.checkVisibility())
          .map((name) => name.textContent)
          .join() === expected,
      expected.join(),
    );
  const all = ['Development', 'Payments', 'Production', 'Sandbox', 'Staging'];

  test('the list shrinks while typing and comes back', () =>
    within('light', async (window, page) => {
      await window.open('/start');
      assert.deepEqual(await names(page), all);
      assert.equal(await page.evaluate(() => document.activeElement.id), 'f-q', 'the search has the focus');
      await page.keyboard.type('p');
      await settled(page, ['Development', 'Payments', 'Production', 'Sandbox', 'Staging']);
      await page.keyboard.type('rod');
      await settled(page, ['Payments', 'Production']);
      assert.equal(await page.locator('#places-count').textContent(), '2 of 5 accounts');
      await window.picture('portal-found.light');
      assert.deepEqual(await window.accessibility(), []);
      await page.keyboard.type('uction zzz');
      await page.locator('#places-found .empty').waitFor({ state: 'visible' });
      await page.fill('#f-q', '');
      await settled(page, all);
      await page.fill('#f-q', 'DEVELOPER 66667777');
      await settled(page, ['Sandbox']);
    }));

  test('keys lead from the search to a set and to a star', () =>
    within('light', async (window, page) => {
      await window.open('/start');
      await page.locator('main h1').click();
      await page.keyboard.press('/');
      await page.keyboard.type('staging');
      await settled(page, ['Staging']);
      await page.keyboard.press('Enter');
      const open = page.locator('#places-found details[open]');
      await open.waitFor();
      assert.match(await open.innerText(), /ReadOnly\s+4 hours[\s\S]*Console[\s\S]*not configured/);
      assert.match(await open.innerText(), /Developer\s+8 hours\s+Ends in 3 days/);
      await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.keyboard.press('s')]);
      assert.equal(new URL(page.url()).hash, '#a-333344445555');
      assert.match(await page.locator('.notice.good').innerText(), /Staging is a favourite/);
      await window.open('/start');
      assert.equal((await names(page))[0], 'Staging');
      await window.picture('portal-favourite.light');
      await page.locator('#f-q').focus();
      await page.keyboard.press('ArrowDown');
      assert.equal(await page.evaluate(() => document.activeElement.querySelector('code').textContent), '333344445555');
      await page.keyboard.press('ArrowDown');
      assert.equal(await page.evaluate(() => document.activeElement.querySelector('code').textContent), '444455556666');
      await page.keyboard.press('ArrowUp');
      await page.keyboard.press('ArrowUp');
      assert.equal(await page.evaluate(() => document.activeElement.id), 'f-q');
      await Promise.all([page.waitForNavigation({ waitUntil: 'networkidle' }), page.locator('.star[aria-pressed=true]').click()]);
      assert.deepEqual(await names(page), all);
    }));

  test('without scripts the search asks the server, and a line still opens', () =>
    within('without-scripts', async (window, page) => {
      await window.open('/start');
      await page.fill('#f-q', 'prod');
      await Promise.all([page.waitForNavigation(), page.locator('main form.filters button').click()]);
      assert.deepEqual(await names(page), ['Payments', 'Production']);
      await page.locator('.places summary').first().click();
      assert.match(await page.locator('.places details[open]').innerText(), /ReadOnly[\s\S]*not configured/);
      await window.picture('portal-open.without-scripts');
      assert.deepEqual(await window.accessibility(), []);
    }));

  test('the fragment of an AWS shortcut leads to the account, also through the sign-in', async () => {
    const link = '/start/#/console?account_id=111122223333&role_name=ReadOnly';
    await within('narrow', async (window, page) => {
      await page.goto(link);
      await page.waitForURL('**/start/console?account_id=111122223333&role_name=ReadOnly');
      assert.match(await page.locator('main').innerText(), /Production[\s\S]*not configured/);
      assert.equal(await window.overflows(), false);
      assert.deepEqual(await window.accessibility(), []);
      await window.picture('portal-console.narrow');
    });
    const window = await stranger();
    const { page } = window;
    await page.goto(link);
    await page.waitForURL('**/start/sign-in?next=*');
    const { userName, password } = person('alice');
    await page.fill('input[name=username]', userName);
    await page.fill('input[name=password]', password);
    await Promise.all([
      page.waitForURL('**/start/console?account_id=111122223333&role_name=ReadOnly'),
      page.locator('form[action$="/password"] button').first().click(),
    ]);
    await window.close();
  });

  test('a link with a page of the console survives a sign-in with a code', async () => {
    const destination = 'https://console.aws.amazon.com/s3/home?region=eu-west-1#a=b';
    const asked = new URLSearchParams({ account_id: '555566667777', role_name: 'Admin', destination });
    const window = await stranger('without-scripts');
    await window.open(`/start/console?${asked}`);
    assert.equal(window.path, '/start/sign-in');
    await window.goOn(person('tariq'));
    assert.equal(window.path, '/start/console');
    assert.ok((await window.page.locator('main').innerText()).includes(destination));
    assert.deepEqual(window.faults, []);
    await window.close();
  });

  test('nobody gave Noah anything: the page says whom to ask', async () => {
    const window = await stranger();
    await window.signIn(person('noah'));
    assert.match(await window.page.locator('main').innerText(), /Ask an administrator of [\s\S]*noah/);
    await window.picture('portal-empty.light');
    assert.deepEqual(window.faults, []);
    await window.close();
  });
});
