// Debian's Chromium: contexts in every guise, a guard that lets no fault pass unseen, axe, and pictures.

import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

import { codeAt } from './totp.js';

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const screens = fileURLToPath(new URL('../../target/screens/', import.meta.url));
const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

/** How people come: options for a browser context, and whether pages may run scripts. */
export const guises = {
  light: { colorScheme: 'light', viewport: { width: 1280, height: 900 } },
  dark: { colorScheme: 'dark', viewport: { width: 1280, height: 900 } },
  narrow: { colorScheme: 'light', viewport: { width: 390, height: 844 } },
  'without-scripts': { colorScheme: 'light', viewport: { width: 1280, height: 900 }, scripts: false },
};

export async function launch() {
  const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';
  assert.ok(existsSync(executablePath), `${executablePath} is missing: apt-get install chromium`);
  return chromium.launch({
    executablePath,
    // The sandbox wants rights that containers do not give; the pages are our own.
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  });
}

/** One person's browser window in a guise; `faults` collects what went wrong in it. */
export class Window {
  static async open(browser, server, guise = guises.light, signedIn = undefined) {
    const { scripts = true, ...options } = guise;
    const context = await browser.newContext({ ...options, baseURL: server.url, storageState: signedIn });
    const window = new Window(context, await context.newPage());
    window.#watch();
    if (!scripts) {
      window.#switch = await context.newCDPSession(window.page);
      await window.#allowScripts(false);
    }
    return window;
  }

  faults = [];
  #switch;

  constructor(context, page) {
    this.context = context;
    this.page = page;
  }

  #watch() {
    const { page, faults } = this;
    // Content-security violations arrive here too: Chromium reports each as a console error.
    page.on('console', (message) => {
      // The status of a page is the test's business, not a fault of the page.
      const own = message.location().url === page.url() && message.text().startsWith('Failed to load resource');
      if (['error', 'warning'].includes(message.type()) && !own) faults.push(`console: ${message.text()}`);
    });
    page.on('pageerror', (error) => faults.push(`script: ${error.message}`));
    page.on('requestfailed', (request) => {
      // A navigation that starts while the islands still load ends their loading.
      if (request.failure()?.errorText !== 'net::ERR_ABORTED') faults.push(`request: ${request.url()}`);
    });
    page.on('response', (response) => {
      if (response.status() >= 400 && !response.request().isNavigationRequest()) {
        faults.push(`${response.status()}: ${response.url()}`);
      }
    });
  }

  async #allowScripts(allowed) {
    await this.#switch?.send('Emulation.setScriptExecutionDisabled', { value: !allowed });
  }

  /** Opens a path, waits until nothing loads any more, and gives the status. */
  async open(path) {
    const response = await this.page.goto(path, { waitUntil: 'networkidle' });
    return response.status();
  }

  /** Looks at the page that is open in another guise. */
  async turn({ colorScheme, viewport }) {
    await this.page.emulateMedia({ colorScheme });
    await this.page.setViewportSize(viewport);
  }

  /** The path shown now. */
  get path() {
    return new URL(this.page.url()).pathname;
  }

  /** The first link in the page's main part whose address matches. */
  async firstLink(pattern) {
    const all = await this.page.locator('main a[href]').evaluateAll((links) => links.map((a) => a.getAttribute('href')));
    const found = all.find((href) => pattern.test(href));
    assert.ok(found, `no link on ${this.path} matches ${pattern}`);
    return found;
  }

  /** Signs in by the forms, as far as the person's password and authenticator lead. */
  async signIn(person) {
    await this.open('/start/sign-in');
    await this.goOn(person);
  }

  /** The same from the page of the sign-in that is open. */
  async goOn(person) {
    await this.page.fill('input[name=username]', person.userName);
    await this.page.fill('input[name=password]', person.password);
    await this.#submit('form[action$="/actions/sign-in/password"]');
    if (this.path === '/start/second-factor') {
      await this.page.fill('input[name=code]', codeAt(person.otpauth, Date.now()));
      await this.#submit('form[action$="/actions/sign-in/code"]');
    }
  }

  async #submit(form) {
    const button = this.page.locator(form).locator('button:not([type=button])').first();
    await Promise.all([this.page.waitForNavigation({ waitUntil: 'networkidle' }), button.click()]);
  }

  /** Cookies to open further windows with: a one-time code works once, so each person signs in once. */
  async state() {
    return this.context.storageState();
  }

  /** Every rule of WCAG 2.2 AA that a program can check, and axe's own good practice. */
  async accessibility() {
    // axe is a script too; the page has been parsed and drawn without any by now.
    await this.#allowScripts(true);
    await this.page.evaluate(axe);
    const { violations } = await this.page.evaluate((tags) => window.axe.run(document, { runOnly: tags }), rules);
    await this.#allowScripts(false);
    return violations.map(({ id, help, nodes }) => `${id}: ${help} at ${nodes.map((node) => node.target).join(', ')}`);
  }

  /** Whether the page is wider than the window, which makes a telephone's owner scroll sideways. */
  async overflows() {
    return this.page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
  }

  async picture(name) {
    mkdirSync(screens, { recursive: true });
    await this.page.screenshot({ path: join(screens, `${name}.png`), fullPage: true });
  }

  async close() {
    await this.context.close();
  }
}
