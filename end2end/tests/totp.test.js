// The codes that the other tests sign in with, against the table in appendix B of RFC 6238.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { base32, codeAt } from '../lib/totp.js';

const secret = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ'; // "12345678901234567890"

test('base32 is read as RFC 4648 has it', () => {
  assert.equal(base32(secret).toString(), '12345678901234567890');
  assert.equal(base32('mzxw 6===').toString(), 'foo');
  assert.throws(() => base32('a1'));
});

test('codes are those of the RFC', () => {
  for (const [seconds, code] of [[59, '94287082'], [1111111109, '07081804'], [20000000000, '65353130']]) {
    assert.equal(codeAt(`otpauth://totp/x?secret=${secret}&digits=8`, seconds * 1000), code);
  }
});
