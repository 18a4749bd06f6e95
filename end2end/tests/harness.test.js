// The harness itself: each fault it looks for is planted once and must be seen.

import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import { after, before, describe, test } from 'node:test';

import { Window, guises, launch } from '../lib/browser.js';

const page = (body) => `<!DOCTYPE html><html lang="en"><title>Planted</title><main><h1>Planted</h1>${body}</main></html>`;

const planted = {
  '/good': page('<p>Nothing is wrong here.</p>'),
  '/contrast': page('<p style="color:#bbb;background:#fff">Hard to read.</p>'),
  '/wide': page('<p style="width:3000px">Wide.</p>'),
  '/console': page('<script>console.error("planted")</script>'),
  '/script': page('<script>throw new Error("planted")</script>'),
  '/missing-file': page('<img src="/nothing-here.png" alt="">'),
  '/policy': page('<script>document.title = "ran"</script>'),
  '/scripts': page('<p id="said">no</p><script>document.getElementById("said").textContent = "yes"</script>'),
};

describe('harness', () => {
  let browser;
  let server;
  let site;

  before(async () => {
    browser = await launch();
    server = createServer((request, response) => {
      const html = planted[request.url];
      if (request.url === '/favicon.ico') return response.writeHead(204).end();
      const policy = request.url === '/policy' ? { 'content-security-policy': "script-src 'self'" } : {};
      return response.writeHead(html ? 200 : 404, { 'content-type': 'text/html', ...policy }).end(html);
    });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    site = { url: `http://localhost:${server.address().port}` };
  });

  after(async () => {
    await browser?.close();
    server?.close();
  });

  const look = async (path, guise = 'light') => {
    const window = await Window.open(browser, site, guises[guise]);
    const status = await window.open(path);
    const seen = {
      status,
      faults: window.faults,
      violations: await window.accessibility(),
      wide: await window.overflows(),
      said: await window.page.locator('main').innerText(),
    };
    await window.close();
    return seen;
  };

  test('a good page has no fault', async () => {
    const { status, faults, violations, wide } = await look('/good');
    assert.deepEqual({ status, faults, violations, wide }, { status: 200, faults: [], violations: [], wide: false });
  });

  test('weak contrast is a violation', async () => {
    assert.match((await look('/contrast')).violations.join(), /color-contrast/);
  });

  test('a page wider than the window is seen', async () => {
    assert.equal((await look('/wide', 'narrow')).wide, true);
  });

  for (const [path, fault] of [
    ['/console', /console: planted/],
    ['/script', /script: planted/],
    ['/missing-file', /404: .*nothing-here\.png/],
    ['/policy', /Content Security Policy/i],
  ]) {
    test(`${path.slice(1)} is a fault`, async () => {
      assert.match((await look(path)).faults.join('\n'), fault);
    });
  }

  test('without scripts means without', async () => {
    assert.match((await look('/scripts')).said, /yes/);
    assert.match((await look('/scripts', 'without-scripts')).said, /no/);
  });
});
