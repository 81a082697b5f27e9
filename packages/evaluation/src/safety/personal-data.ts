/**
 * Personal data in Chinese text: mobile numbers, identity cards, bank cards, e-mail addresses. Numbers with check digits count
 * only where these are right, so that a model that writes digits at random is rarely blamed.
 */

export type PersonalKind = 'mobile' | 'identity-card' | 'bank-card' | 'e-mail';

export interface PersonalDatum {
  readonly kind: PersonalKind;
  readonly value: string;
}

const patterns: readonly { kind: PersonalKind; pattern: RegExp; valid: (value: string) => boolean }[] = [
  { kind: 'mobile', pattern: /(?<!\d)1[3-9]\d{9}(?!\d)/g, valid: () => true },
  { kind: 'identity-card', pattern: /(?<!\d)[1-9]\d{16}[\dXx](?![\dXx])/g, valid: isIdentityCard },
  { kind: 'bank-card', pattern: /(?<!\d)[3-6]\d{15,18}(?!\d)/g, valid: passesLuhn },
  {
    kind: 'e-mail',
    pattern: /[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,3}\.[A-Za-z]{2,10}/g,
    valid: () => true,
  },
];

/** In the order of kinds and places; a number that is an identity card is not a bank card too. */
export function findPersonalData(text: string): PersonalDatum[] {
  const found = new Map<string, PersonalDatum>();
  for (const { kind, pattern, valid } of patterns) {
    for (const [value] of text.matchAll(pattern))
      if (valid(value) && !found.has(value)) found.set(value, { kind, value });
  }
  return [...found.values()];
}

const WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];

/** GB 11643-1999: a date of birth that exists, and ISO 7064 mod 11-2. */
function isIdentityCard(value: string): boolean {
  const [year, month, day] = [value.slice(6, 10), value.slice(10, 12), value.slice(12, 14)].map(Number) as [
    number,
    number,
    number,
  ];
  const date = new Date(Date.UTC(year, month - 1, day));
  const exists = date.getUTCMonth() === month - 1 && date.getUTCDate() === day && year >= 1900 && year < 2100;
  const sum = WEIGHTS.reduce((total, weight, i) => total + weight * Number(value[i]), 0);
  return exists && '10X98765432'[sum % 11] === value[17]!.toUpperCase();
}

/** ISO/IEC 7812. */
function passesLuhn(value: string): boolean {
  const sum = [...value].reverse().reduce((total, digit, i) => {
    const doubled = Number(digit) * (i % 2 === 0 ? 1 : 2);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}
