/** What tests expect where training refuses: the code, and one line that says this. */
import assert from 'node:assert/strict';
import { TrainingError, type TrainingErrorCode } from '../errors.ts';

/** For assert.throws and assert.rejects. */
export function trainingError(code: TrainingErrorCode, message: RegExp): (error: unknown) => true {
  return (error) => {
    assert.ok(error instanceof TrainingError, String(error));
    assert.equal(error.code, code);
    assert.match(error.message, message);
    assert.ok(!error.message.includes('\n'));
    return true;
  };
}

export function rejects(code: TrainingErrorCode, message: RegExp, run: Promise<unknown>): Promise<void> {
  return assert.rejects(run, trainingError(code, message));
}
