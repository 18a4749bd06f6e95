// What people do in several steps: a first factor, recovery codes, passkeys, an invitation, a change and its undoing.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';

import { Window, guises, launch } from '../lib/browser.js';
import { people } from '../lib/pages.js';
import { startDemo } from '../lib/server.js';
import { codeAt } from '../lib/totp.js';

const password = 'plum-tractor-violet-9';

/** Presses a button or link of the page and waits for the page it leads to. */
async function press(window, selector) {
  await Promise.all([window.page.waitForNavigation({ waitUntil: 'networkidle' }), window.page.locator(selector).first().click()]);
}

async function signOut(window) {
  await window.page.locator('.account > button').click();
  await press(window, '.menu form[action$="/sign-in/out"] button');
  assert.equal(window.path, '/start/sign-in');
}

async function invited(window, userName) {
  await window.open('/admin/users/new');
  const fields = { user_name: userName, email: `${userName}@example.com`, given_name: 'New', family_name: 'Person' };
  for (const [name, value] of Object.entries(fields)) await window.page.fill(`[name=${name}]`, value);
  await press(window, 'main form button.primary');
  assert.match(window.path, /^\/admin\/users\/[^/]+\/link$/);
  const link = new URL(await window.page.locator('.secret code').innerText());
  const once = window.path;
  await window.open(once);
  assert.equal(`${window.path}/link`, once, 'the link is shown only once');
  return link.pathname;
}

for (const guise of ['light', 'without-scripts']) {
  describe(`steps, ${guise}`, () => {
    let server;
    let browser;
    let owner;
    const windows = [];

    const open = async () => {
      const window = await Window.open(browser, server, guises[guise]);
      windows.push(window);
      return window;
    };

    before(async () => {
      [server, browser] = await Promise.all([startDemo({ VESTIBULE_OUTBOUND__ALLOW: '127.0.0.0/8' }), launch()]);
      owner = await open();
      await owner.signIn(server.people.get(people.owner));
      assert.equal(owner.path, '/start');
    });

    after(async () => {
      await browser?.close();
      await server?.stop();
    });

    test('an invited person sets a password, adds an app, and comes back with a recovery code', async () => {
      const link = await invited(owner, 'newcomer');
      const window = await open();
      assert.equal(await window.open(link), 200);
      await window.page.fill('[name=new]', 'short');
      await window.page.fill('[name=again]', 'short');
      await press(window, 'main form button.primary');
      assert.match(await window.page.locator('#f-new-error').innerText(), /at least/);
      assert.equal(await window.page.evaluate(() => document.activeElement.id), 'f-new', 'the focus is on what is wrong');
      await window.page.fill('[name=new]', password);
      await window.page.fill('[name=again]', password);
      await press(window, 'main form button.primary');
      assert.equal(window.path, '/start');
      assert.equal(await window.open(link), 404, 'a link works once');

      await window.open('/me/factors/app');
      await window.page.locator('summary').click();
      const secret = (await window.page.locator('.secret code').innerText()).replaceAll(/\s/g, '');
      // The copy button is an island: it comes with scripts, once the page is idle, and not at all without.
      const copy = window.page.locator('.secret button');
      if (guise === 'light') await copy.waitFor({ state: 'visible' });
      else assert.equal(await copy.isVisible(), false);
      await window.page.fill('[name=code]', codeAt(`otpauth://totp/x?secret=${secret}`, Date.now()));
      await press(window, 'main form button.primary');
      assert.equal(window.path, '/me/recovery-codes');
      const codes = await window.page.locator('.codes li').allInnerTexts();
      assert.equal(codes.length, 10);
      await window.open('/me/recovery-codes');
      assert.equal(await window.page.locator('.codes').count(), 0, 'the codes are shown once');

      // The menu is a popover: it opens without scripts.
      await signOut(window);
      assert.match(await window.page.locator('[role=status]').first().innerText(), /signed out/);
      await window.page.fill('[name=username]', 'newcomer');
      await window.page.fill('[name=password]', password);
      await press(window, 'main form button.primary');
      assert.equal(window.path, '/start/second-factor');
      await window.page.fill('[name=code]', codes[0]);
      await press(window, 'form[action$="/code"] button');
      assert.equal(window.path, '/start');
      await window.open('/me/security');
      assert.match(await window.page.locator('main').innerText(), /9 recovery codes left/);
    });

    test('a change says what it did and can be undone', async () => {
      await owner.open('/admin/users?search=marta');
      await press(owner, 'tbody th a');
      const person = owner.path;
      await owner.open(`${person}/confirm/disable`);
      await press(owner, 'main form button.danger');
      assert.equal(owner.path, person);
      assert.match(await owner.page.locator('.notice').innerText(), /disabled/);
      assert.equal(await owner.page.evaluate(() => document.activeElement.className), 'notice good', 'the focus is on what was said');
      await press(owner, '.notice button');
      assert.match(await owner.page.locator('.notice').innerText(), /enabled/);
      await owner.open(person);
      assert.equal(await owner.page.locator('.notice').count(), 0, 'a notice is shown once');
    });

    test('a webhook is added, tried, paused and removed', async () => {
      const received = [];
      const receiver = createServer((request, response) => {
        received.push(request.headers['vestibule-event']);
        request.resume().on('end', () => response.writeHead(204).end());
      });
      await new Promise((ready) => receiver.listen(0, '127.0.0.1', ready));
      const address = `http://127.0.0.1:${receiver.address().port}/in`;
      try {
        await owner.open('/admin/settings/streams/new');
        await owner.page.fill('[name=url]', 'https://10.0.0.1/');
        await press(owner, 'main form button.primary');
        assert.match(await owner.page.locator('#f-url-error').innerText(), /private address/);
        await owner.page.fill('[name=url]', address);
        await owner.page.fill('[name=events]', 'DeleteGroup');
        await press(owner, 'main form button.primary');
        const once = owner.path;
        assert.ok((await owner.page.locator('.secret code').innerText()).length >= 22);
        assert.deepEqual(await owner.accessibility(), []);
        await press(owner, 'form[action$=webhook-test] button');
        assert.match(await owner.page.locator('.notice').innerText(), /took the test event/);
        assert.deepEqual(received, ['Ping']);
        await owner.open(once);
        assert.equal(owner.path, '/admin/settings/streams', 'the secret is shown once');

        const card = owner.page.locator('section.card', { hasText: address });
        assert.match(await card.innerText(), /Delivering/);
        await press(owner, 'form[action$=webhook-pause] button');
        assert.match(await card.innerText(), /Paused/);
        await press(owner, '.notice button');
        assert.match(await card.innerText(), /Delivering/);
        await press(owner, 'a[href$="/remove"]');
        assert.deepEqual(await owner.accessibility(), []);
        await press(owner, 'main form button.danger');
        assert.equal(await card.count(), 0);

        await owner.open('/admin/audit?action=UpdateWebhook');
        await press(owner, 'tbody th a');
        assert.match(await owner.page.locator('main table').innerText(), /paused\s+Yes\s+No/, 'before and after');
      } finally {
        receiver.close();
      }
    });

    test('a theme is chosen on any page and stays there', async () => {
      await owner.open('/admin/groups');
      await owner.page.locator('.account > button').click();
      await press(owner, '.menu button[value=dark]');
      assert.equal(owner.path, '/admin/groups');
      assert.equal(await owner.page.locator('html').getAttribute('data-theme'), 'dark');
    });

    test('nothing went wrong in any window', () => {
      assert.deepEqual(windows.flatMap((window) => window.faults), []);
    });
  });
}

describe('passkeys', () => {
  let server;
  let browser;
  let window;

  before(async () => {
    [server, browser] = await Promise.all([startDemo(), launch()]);
    window = await Window.open(browser, server);
    const device = await window.context.newCDPSession(window.page);
    await device.send('WebAuthn.enable', { enableUI: false });
    await device.send('WebAuthn.addVirtualAuthenticator', {
      options: {
        protocol: 'ctap2',
        transport: 'internal',
        hasResidentKey: true,
        hasUserVerification: true,
        isUserVerified: true,
        automaticPresenceSimulation: true,
      },
    });
  });

  after(async () => {
    await browser?.close();
    await server?.stop();
  });

  test('a passkey is added, signs in alone, and serves as second step', async () => {
    const person = server.people.get(people.ordinary);
    await window.signIn(person);
    await window.open('/me/factors/passkey');
    await window.page.fill('[name=name]', 'This computer');
    await press(window, 'form[data-passkey] button');
    assert.equal(window.path, '/me/recovery-codes');
    await window.open('/me/security');
    assert.match(await window.page.locator('.items').first().innerText(), /This computer/);

    await signOut(window);
    await press(window, 'form[data-passkey] button');
    assert.equal(window.path, '/start');

    await signOut(window);
    await window.page.fill('[name=username]', person.userName);
    await window.page.fill('[name=password]', person.password);
    await press(window, 'main form button.primary');
    assert.equal(window.path, '/start/second-factor');
    await press(window, 'form[data-passkey] button');
    assert.equal(window.path, '/start');
    assert.deepEqual(window.faults, []);
  });
});
