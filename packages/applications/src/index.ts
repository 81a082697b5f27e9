/**
 * Applications: their files, their prompts, and runs whose answers are checked.
 *
 * @module @tunan/applications
 */
/** @public */
export { examplesAgainstChecks, type FailingExample, runChecks, split } from './checks/run-checks.ts';
/** @public */
export { AppError, type AppErrorCode } from './errors.ts';
/** @public */
export { fillInputs, type Inputs, withDefaults } from './inputs.ts';
/** @public */
export { inputText, type PromptMessage, promptMessages, promptText } from './prompt.ts';
/** @public */
export { type MeasuredApp, qualityPlace, readQuality, writeQuality } from './quality-file.ts';
/** @public */
export { APP_ENDINGS, checkApp, parseYaml, readApp, writeYaml } from './read-app.ts';
/** @public */
export { type AppEngine, type AppOutcome, type AppRunOptions, collectRun, requireFit, runApp } from './run-app.ts';
