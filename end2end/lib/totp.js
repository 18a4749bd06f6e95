// One-time codes as RFC 6238 has them: what an authenticator app computes from the address behind the QR code.

import { createHmac } from 'node:crypto';

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** The bytes of a base32 text; padding and spaces do not matter. */
export function base32(text) {
  const digits = text.toUpperCase().replace(/[\s=]/g, '');
  const bytes = [];
  let held = 0;
  let bits = 0;
  for (const digit of digits) {
    const value = alphabet.indexOf(digit);
    if (value < 0) throw new Error(`${digit} is no base32 digit`);
    held = (held << 5) | value;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

/** The code of an otpauth address at a time in milliseconds. */
export function codeAt(otpauth, milliseconds) {
  const asked = new URL(otpauth).searchParams;
  const digits = Number(asked.get('digits') ?? 6);
  const step = BigInt(Math.floor(milliseconds / 1000 / Number(asked.get('period') ?? 30)));
  const counter = Buffer.alloc(8);
  counter.writeBigUInt64BE(step);
  const mac = createHmac((asked.get('algorithm') ?? 'SHA1').toLowerCase(), base32(asked.get('secret')))
    .update(counter)
    .digest();
  const offset = mac[mac.length - 1] & 0x0f;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 10 ** digits).padStart(digits, '0');
}
