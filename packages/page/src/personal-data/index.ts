/**
 * What of a text is personal data: one definition for the stage that masks it and for the check of what a model writes.
 *
 * @module @tunan/page/personal-data
 */
export { findPersonalData, type PersonalDatum } from './find-personal-data.ts';
export { PERSONAL_DATA, type PersonalDataKind } from './kinds.ts';
export { findDecidedPersonalData } from './undecided.ts';
