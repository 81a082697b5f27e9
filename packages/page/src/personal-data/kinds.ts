/** Kinds of personal data, as recipes, corpora and safety reports name them. */
export const PERSONAL_DATA = [
  'mobile',
  'landline',
  'identity-card',
  'bank-card',
  'email',
  'account',
  'address',
  'passport',
  'plate',
] as const;

export type PersonalDataKind = (typeof PERSONAL_DATA)[number];
