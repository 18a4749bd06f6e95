// Assigning access as an administrator does it, with and without scripts: the steps, what it would do, and the way back.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { demoOf, led } from '../lib/demo.js';

for (const guise of ['light', 'narrow', 'without-scripts']) {
  describe(`assignments, ${guise}`, () => {
    const { own, within: inWindow } = demoOf('olivia');

    const within = (body) => inWindow(guise, body);
    const press = (page, selector) => led(page, page.locator(selector).first().click());
    const main = (page) => page.locator('main').innerText();
    /** What was drawn is looked at, too. */
    const looked = async (window, name) => {
      await window.picture(`assignments-${name}.${guise}`);
      assert.deepEqual(await window.accessibility(), []);
      assert.equal(await window.overflows(), false, `${name} is wider than the window`);
    };
    const tick = async (page, ...names) => {
      for (const name of names) await page.locator('.ticks label', { hasText: name }).click();
      await press(page, '#choose button');
      for (const name of names) assert.match(await page.locator('.chosen').innerText(), new RegExp(name));
    };
    const begin = async (window) => {
      await window.open('/admin/assignments');
      await press(window.page, '.title-actions form button');
    };

    test('accounts by search and path, several people, several sets: what it does is shown, done and taken back', () =>
      within(async (window, page) => {
        await begin(window);
        await looked(window, 'accounts');
        await press(page, '#choose button');
        assert.match(await page.locator('#choose .error').innerText(), /nothing ticked/);
        await page.fill('input[name=search]', 'pay');
        await press(page, 'form.filters button');
        await tick(page, 'Payments');
        assert.equal(await page.evaluate(() => document.activeElement.id), 'chosen', 'the focus is on what is chosen');
        await page.fill('input[name=account]', 'security/**');
        await press(page, 'form:has([name=account]) button');
        assert.match(await page.locator('#f-account-error').innerText(), /must be/);
        assert.equal(await page.locator('input[name=account]').inputValue(), 'security/**', 'nothing is lost');
        await page.fill('input[name=account]', '/security/**');
        await press(page, 'form:has([name=account]) button');
        assert.match(await page.locator('.chosen').innerText(), /Chosen: 2/);
        await press(page, '.chosen a.primary');

        await looked(window, 'people');
        await tick(page, 'Finance', 'noah');
        await press(page, '.chosen a.primary');
        await looked(window, 'sets');
        await tick(page, 'Admin', 'ReadOnly');
        await press(page, '.chosen a.primary');

        await page.check('input[name=until][value=date]');
        await page.fill('input[name=expires]', '2020-01-01T10:00');
        await page.fill('input[name=reason]', 'Ticket 4711');
        await press(page, 'form.terms button');
        await looked(window, 'terms');
        assert.match(await page.locator('#f-expires-error').innerText(), /future/);
        assert.equal(await page.locator('input[name=reason]').inputValue(), 'Ticket 4711', 'nothing is lost');
        await page.check('input[name=until][value="30d"]');
        assert.equal(await page.locator('input[name=expires]').isVisible(), false, 'no date where none is wanted');
        await press(page, 'form.terms button');

        await looked(window, 'review');
        const review = await main(page);
        assert.match(review, /2 people gain access/, 'Dora of Finance is disabled');
        assert.match(review, /Admin allows everything in an account/);
        assert.match(review, /New assignments\s+8/);
        assert.match(await page.locator('.diff', { hasText: 'noah' }).innerText(), /Gains 4[\s\S]*Payments/);
        assert.match(review, /Ticket 4711/);
        await press(page, 'form[action$="/apply"] button');
        assert.equal(window.path, '/admin/assignments');
        assert.match(await page.locator('.notice.good').innerText(), /8 assignments changed/);

        await window.open('/admin/assignments?whom=noah');
        assert.equal(await page.locator('tbody tr').count(), 4);
        await window.open('/admin/assignments/changes');
        assert.match(await main(page), /given to[\s\S]*Ticket 4711[\s\S]*8 assignments, 2 people/);
        await looked(window, 'changes');
        await press(page, 'form[action$="/undo"] button');
        assert.equal(window.path, '/admin/assignments/changes');
        assert.match(await page.locator('.notice.good').innerText(), /Taken back/);
        await window.open('/admin/assignments?whom=noah');
        assert.match(await main(page), /No assignment found/);
        await looked(window, 'none-found');
      }));

    test('accounts by tag are added all at once, and one is taken out again', () =>
      within(async (window, page) => {
        await window.open('/admin/accounts/import');
        const rows = [1, 2, 3].map((n) => `80000000000${n},Tagged ${n},/tagged,team=blue`).join('\n');
        await page.fill('textarea[name=text]', `id,name,path,tags\n${rows}\n`);
        await press(page, 'main form button.primary');
        await press(page, 'form[action$="/import-apply"] button');
        await begin(window);
        await page.fill('input[name=tag]', 'team=blue');
        await press(page, 'form.filters button');
        await press(page, '#choose button[name=all]');
        assert.match(await page.locator('.chosen').innerText(), /Chosen: 3[\s\S]*Tagged 1[\s\S]*Tagged 3/);
        await press(page, '.chosen button[value="account:800000000002"]');
        assert.match(await page.locator('.chosen').innerText(), /Chosen: 2/);
        assert.doesNotMatch(await page.locator('.chosen').innerText(), /Tagged 2/);
        await press(page, '.chosen button[name=all]');
        assert.match(await page.locator('.chosen').innerText(), /Nothing yet/);
        await press(page, '.title-actions a');
        assert.equal(window.path, '/admin/assignments', 'cancelled');
      }));

    test('what somebody else changes meanwhile is shown before anything is applied', () =>
      within(async (window, page) => {
        await begin(window);
        await tick(page, 'Sandbox');
        await press(page, '.chosen a.primary');
        await tick(page, 'Finance');
        await press(page, '.chosen a.primary');
        await tick(page, 'SecurityAudit');
        await press(page, '.chosen a.primary');
        await press(page, 'form.terms button');
        assert.match(await main(page), /1 person gains access/);

        const other = await own();
        await other.open('/admin/groups');
        const group = await other.page.locator('tbody th a', { hasText: 'Finance' }).getAttribute('href');
        await other.open(`${group}/members?search=noah`);
        await press(other.page, 'form[action$="/member-add"] button');

        await press(page, 'form[action$="/apply"] button');
        assert.match(await page.locator('.notice.bad').innerText(), /changed meanwhile/);
        assert.match(await main(page), /2 people gain access/);
        await looked(window, 'conflict');
        await press(page, 'form[action$="/apply"] button');
        assert.match(await page.locator('.notice.good').innerText(), /1 assignment changed/);
        await press(page, '.notice.good button');
        assert.match(await page.locator('.notice.good').innerText(), /Taken back/);
        await other.open(`${group}?search=noah`);
        await press(other.page, 'form[action$="/member-remove"] button');
        await other.close();
      }));

    test('what ends soon is renewed from its list, and access is removed where it is seen', () =>
      within(async (window, page) => {
        await window.open('/admin/assignments/expiring?days=90');
        await looked(window, 'expiring');
        await page.locator('input[form=renewal]').first().check();
        await press(page, '#renewal button');
        assert.match(await page.locator('h1').innerText(), /Renew 1 assignment/);
        await looked(window, 'renew');
        await page.check('input[name=until][value="90d"]');
        await press(page, 'form.terms button');
        assert.match(await main(page), /Nobody gains or loses anything/);
        await press(page, 'form[action$="/apply"] button');
        assert.equal(window.path, '/admin/assignments/expiring', 'back where it was begun');
        await press(page, '.notice.good button');

        await window.open('/admin/accounts/111122223333/people');
        await looked(window, 'account-people');
        const explain = await window.firstLink(/^\/admin\/explain\?user=/);
        await press(page, 'tr:has-text("alice") form:has([value=revoke]) button');
        assert.match(await main(page), /lose access/);
        await looked(window, 'remove');
        await press(page, 'form[action$="/apply"] button');
        assert.equal(window.path, '/admin/accounts/111122223333/people');
        assert.doesNotMatch(await page.locator('tbody').innerText(), /alice/);
        await press(page, '.notice.good button');
        assert.match(await page.locator('tbody').innerText(), /alice/);
        await window.open(explain);
        assert.match(await main(page), /may use|may not use/);
      }));

    test('a file of accounts is chosen where scripts run, and pasted where not', () =>
      within(async (window, page) => {
        await window.open('/admin/accounts/import');
        const chooser = page.locator('.file-chooser');
        if (guise === 'without-scripts') {
          assert.equal(await chooser.isVisible(), false, 'nothing that does nothing');
          return;
        }
        const text = 'id,name\n900000000001,From a file\n';
        await chooser.locator('input').setInputFiles({ name: 'accounts.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
        await chooser.getByText('accounts.csv is below: 2 lines.').waitFor();
        assert.equal(await page.locator('textarea').inputValue(), text);
        const large = Buffer.alloc(7 * 1024 * 1024, 'x');
        await chooser.locator('input').setInputFiles({ name: 'large.csv', mimeType: 'text/csv', buffer: large });
        await chooser.getByText('large.csv is too large').waitFor();
        assert.equal(await page.locator('textarea').inputValue(), text, 'what was there stays');
        await looked(window, 'import');
        await press(page, 'main form button.primary');
        assert.match(await main(page), /From a file/);
      }));
  });
}
