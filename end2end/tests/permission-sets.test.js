// Permission sets as an administrator has them, with and without scripts: made, refused field by field, given a policy, copied, and
// deleted once nobody has them.

import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import { demoOf, follow, led, press } from '../lib/demo.js';

const LIST = '/admin/permission-sets';
const WRONG = '{\n  "Version": "2012-10-17",\n  "Statement": [{"Effect": "allow", "Action": "s3:Get*", "Resource": "*"}]\n}';
const RIGHT = WRONG.replace('"allow"', '"Allow"');

describe('permission sets', () => {
  const { within } = demoOf('olivia');
  const fill = async (page, fields) => {
    for (const [name, value] of Object.entries(fields)) await page.fill(`[name=${name}]`, value);
  };
  const errors = (page) =>
    page.locator('.field .error').evaluateAll((all) => all.map((error) => error.id.replace(/^f-|-error$/g, '')));
  /** A new one without any policy; its page is open then. */
  const made = async (window, name) => {
    await window.open(`${LIST}/new?from=nothing`);
    await fill(window.page, { name });
    await press(window.page, 'Create permission set');
    assert.equal(await window.page.locator('h1').innerText(), name);
  };
  const main = (page) => page.locator('main').innerText();
  const looked = async (window, name) => {
    await window.picture(name);
    assert.deepEqual(await window.accessibility(), []);
    assert.equal(await window.overflows(), false);
  };

  for (const guise of ['light', 'narrow', 'without-scripts']) {
    test(`one is made from nothing, and every fault stands at its field, ${guise}`, () =>
      within(guise, async (window, page) => {
        await window.open(LIST);
        await follow(page, 'New permission set');
        await follow(page, 'Begin');
        const wrong = {
          name: 'Two words',
          description: 'Größe <b> & "quotes"',
          session_duration: '13h',
          managed_policies: 'ReadOnlyAccess',
          customer_managed_policies: '/teams/core/not this one',
          permissions_boundary: 'arn:aws:iam::aws:user/x',
          relay_state: 'https://x/<b>',
          tags: 'team=core\nnothing',
        };
        await fill(page, wrong);
        await page.check('[name=require_fresh_factor]');
        await press(page, 'Create permission set');
        assert.deepEqual(await errors(page), [
          'name',
          'session_duration',
          'managed_policies',
          'customer_managed_policies',
          'permissions_boundary',
          'relay_state',
          'tags',
        ]);
        for (const [field, value] of Object.entries(wrong)) {
          assert.equal(await page.inputValue(`[name=${field}]`), value, `${field} is kept`);
        }
        assert.equal(await page.isChecked('[name=require_fresh_factor]'), true);
        await looked(window, `permission-sets-refused.${guise}`);

        const name = `Made-${guise}`;
        await fill(page, {
          name,
          session_duration: '90m',
          managed_policies: 'arn:aws:iam::aws:policy/ReadOnlyAccess\narn:aws:iam::aws:policy/job-function/Billing',
          customer_managed_policies: '/teams/core/Extra',
          permissions_boundary: 'arn:aws:iam::aws:policy/PowerUserAccess',
          relay_state: 'https://console.aws.amazon.com/s3/',
          tags: 'team=core',
        });
        await press(page, 'Create permission set');
        assert.equal(await page.locator('h1').innerText(), name);
        const shown = await main(page);
        for (const part of [
          `${name} is created`,
          'Größe <b> & "quotes"',
          '1h 30m',
          'job-function/Billing',
          '/teams/core/Extra',
          'policy/PowerUserAccess',
          'https://console.aws.amazon.com/s3/',
          'Assigned to nobody.',
        ]) {
          assert.ok(shown.includes(part), part);
        }
        await looked(window, `permission-sets-made.${guise}`);
      }));

    test(`its policy is checked with line and element, and nothing typed is lost, ${guise}`, () =>
      within(guise, async (window, page) => {
        const name = `Policy-${guise}`;
        await made(window, name);
        await window.open(await window.firstLink(/\/policy$/));
        const area = page.locator('textarea');
        await area.fill(WRONG);
        if (guise === 'without-scripts') await press(page, 'Save policy');
        const finding = page.locator('.findings > li').filter({ hasText: 'Statement[0].Effect' });
        await finding.waitFor();
        assert.match(await finding.innerText(), /Line 3, column 28[\s\S]*must be Allow or Deny/);
        assert.equal(await area.inputValue(), WRONG);
        assert.equal(await area.getAttribute('aria-invalid'), 'true');
        await looked(window, `permission-sets-policy.${guise}`);
        if (guise !== 'without-scripts') {
          await finding.getByRole('button').click();
          assert.equal(await area.evaluate((at) => at.value.slice(at.selectionStart, at.selectionStart + 7)), '"allow"');
          await area.fill(RIGHT);
          await page.locator('.said').getByText('This is a valid policy.').waitFor();
          await area.fill(WRONG);
          await finding.waitFor();
          await press(page, 'Save policy');
          await page.locator('.findings > li').first().waitFor();
          assert.match(await page.locator('.notice.bad').innerText(), /was not saved/);
          assert.equal(await area.inputValue(), WRONG, 'nothing is lost');
        }
        await area.fill(RIGHT);
        await press(page, 'Save policy');
        assert.equal(await page.locator('h1').innerText(), name);
        assert.equal(await page.locator('pre.json').innerText(), RIGHT);
        await follow(page, 'Copy');
        await fill(page, { name: `${name}-copy` });
        await press(page, 'Create copy');
        assert.equal(await page.locator('pre.json').innerText(), RIGHT, 'a copy has it too');
      }));

    test(`it is copied, and the copy deleted once its name is typed, ${guise}`, () =>
      within(guise, async (window, page) => {
        const name = `Original-${guise}`;
        await made(window, name);
        await follow(page, 'Copy');
        await fill(page, { name: 'ReadOnly' });
        await press(page, 'Create copy');
        assert.match(await page.locator('.field .error').innerText(), /is the name of another permission set/);
        assert.equal(await page.inputValue('[name=name]'), 'ReadOnly');
        const copy = `Copy-${guise}`;
        await fill(page, { name: copy });
        await press(page, 'Create copy');
        assert.equal(await page.locator('h1').innerText(), copy);
        await follow(page, 'Delete');
        await fill(page, { name });
        await press(page, 'Delete for good');
        assert.match(await page.locator('.field .error').innerText(), /must be the same/);
        await looked(window, `permission-sets-delete.${guise}`);
        await fill(page, { name: copy });
        await press(page, 'Delete for good');
        assert.equal(window.path, LIST);
        assert.match(await main(page), new RegExp(`${copy} is deleted`));
        assert.equal(await page.locator('tbody').getByRole('link', { name: copy }).count(), 0);
      }));
  }

  test('one that is assigned stays, and its page says where, to whom and why', () =>
    within('light', async (window, page) => {
      await window.open(`${LIST}?search=Admin`);
      await follow(page, 'Admin');
      assert.match(await main(page), /2 assignments, reaching 6 accounts/);
      await follow(page, 'Delete');
      assert.match(await main(page), /cannot be deleted while it is assigned[\s\S]*Platform[\s\S]*\/\*\*/);
      assert.equal(await page.locator('main form').count(), 0, 'nothing to press');
      await looked(window, 'permission-sets-assigned.light');
      await follow(page, 'Back to the permission set');
      await follow(page, 'Who has it');
      const people = await page.locator('tbody th').allInnerTexts();
      assert.deepEqual(people.map((text) => text.split('\n')[0]), ['marta', 'olivia', 'tariq']);
      await led(page, page.locator('tbody tr').filter({ hasText: 'tariq' }).getByRole('link', { name: 'Explain' }).click());
      assert.match(await main(page), /1 permission set in an account[\s\S]*Sandbox/);
      await window.open(`${LIST}?search=Admin`);
      await follow(page, 'Admin');
      await follow(page, 'All assignments');
      assert.match(await main(page), /2 assignments[\s\S]*Platform/);
    }));

  test('a predefined job function fills the form', () =>
    within('without-scripts', async (window, page) => {
      await window.open(`${LIST}/new`);
      await follow(page, 'DatabaseAdministrator');
      assert.equal(await page.inputValue('[name=name]'), 'DatabaseAdministrator');
      assert.match(await page.inputValue('[name=managed_policies]'), /job-function\/DatabaseAdministrator$/);
      await press(page, 'Create permission set');
      assert.equal(await page.locator('h1').innerText(), 'DatabaseAdministrator');
      await window.open(`${LIST}/new?from=DatabaseAdministrator`);
      await press(page, 'Create permission set');
      assert.deepEqual(await errors(page), ['name'], 'a name is given once');
    }));
});
