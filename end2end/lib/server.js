// The built binary with the demo organisation, on a free port and in a scratch folder of its own.

import { spawn } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));
const binary = process.env.VESTIBULE_BIN ?? join(root, 'target/debug/vestibule');

/** Starts the server; gives its address, its people and a way to end it. */
export async function startDemo(environment = {}) {
  if (!existsSync(binary)) throw new Error(`${binary} is missing: cargo build --bin vestibule`);
  const folder = mkdtempSync(join(tmpdir(), 'vestibule-end2end-'));
  const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('VESTIBULE_'));
  const child = spawn(binary, ['serve', '--demo'], {
    cwd: folder,
    env: {
      ...Object.fromEntries(inherited),
      VESTIBULE_DATA_DIR: folder,
      VESTIBULE_LISTEN: '127.0.0.1:0',
      VESTIBULE_OPS_LISTEN: 'off',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const log = join(folder, 'stderr.log');
  child.stderr.pipe(createWriteStream(log));
  const ended = new Promise((resolve) => child.once('exit', resolve));

  const port = await new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const found = line.match(/^listening on http:\/\/\S*:(\d+)/);
      if (found) resolve(Number(found[1]));
    });
    ended.then((code) => reject(new Error(`the server ended (${code}): ${readFileSync(log, 'utf8')}`)));
  });

  return {
    url: `http://localhost:${port}`,
    people: readPeople(join(folder, 'demo-users.txt')),
    log: () => readFileSync(log, 'utf8'),
    async stop() {
      child.kill('SIGTERM');
      await ended;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Each line: user name, password, and the address of the authenticator entry if there is one. */
function readPeople(path) {
  const people = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line.includes('\t'))
    .map((line) => line.split('\t'))
    .map(([userName, password, otpauth]) => [userName, { userName, password, otpauth: otpauth || null }]);
  return new Map(people);
}
