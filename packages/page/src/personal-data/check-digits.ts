/** Numbers that prove themselves: identity numbers of the mainland, Hong Kong and Taiwan, and bank cards. */

/** Codes of the provinces and regions of GB/T 2260; 81 to 83 are residents from Hong Kong, Macao and Taiwan. */
const REGIONS = new Set(
  '11 12 13 14 15 21 22 23 31 32 33 34 35 36 37 41 42 43 44 45 46 50 51 52 53 54 61 62 63 64 65 71 81 82 83'.split(' '),
);

export function isRegion(number: string): boolean {
  return REGIONS.has(number.slice(0, 2));
}

/** GB 11643: a day of birth that exists, weights 2^(17-i) mod 11, ISO 7064 MOD 11-2. */
export function isIdentityNumber(number: string): boolean {
  if (!isRegion(number) || !isDay(number.slice(6, 14))) return false;
  let sum = 0;
  for (let i = 0; i < 17; i++) sum += Number(number[i]) * (2 ** (17 - i) % 11);
  return '10X98765432'[sum % 11] === number[17]!.toUpperCase();
}

function isDay(digits: string): boolean {
  const [year, month, day] = [Number(digits.slice(0, 4)), Number(digits.slice(4, 6)), Number(digits.slice(6))];
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** One or two letters, six digits, the check digit in brackets: a place before them for a single letter counts as 36. */
export function isHongKongNumber(number: string): boolean {
  const parts = /^([A-Z]{1,2})(\d{6})\(?([\dA])\)?$/.exec(number);
  if (parts === null) return false;
  const characters = [...parts[1]!.padStart(2, ' '), ...parts[2]!, parts[3]!];
  const values = characters.map((character) => (character === ' ' ? 36 : Number.parseInt(character, 36)));
  return values.reduce((sum, value, i) => sum + value * (9 - i), 0) % 11 === 0;
}

/** A letter for the county, 1 or 2 for the sex, seven digits and one that checks. */
export function isTaiwanNumber(number: string): boolean {
  const county = 'ABCDEFGHJKLMNPQRSTUVXYWZIO'.indexOf(number[0]!) + 10;
  let sum = Math.floor(county / 10) + 9 * (county % 10) + Number(number[9]);
  for (let i = 1; i < 9; i++) sum += Number(number[i]) * (9 - i);
  return sum % 10 === 0;
}

/** ISO/IEC 7812. */
export function isLuhn(digits: string): boolean {
  let sum = 0;
  for (let i = 0; i < digits.length; i++) {
    const digit = Number(digits[digits.length - 1 - i]);
    sum += i % 2 === 0 ? digit : digit < 5 ? 2 * digit : 2 * digit - 9;
  }
  return sum % 10 === 0;
}
