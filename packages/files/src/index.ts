/**
 * Files that processes share and leave behind: whole or not at all, locked, hashed; and what is said where the system refuses them.
 *
 * @module @tunan/files
 */
export { cannotWrite, UserMistake, WriteError, writeProblem } from './errors.ts';
export { fileSha256, fileSha256Sync, updateWithFile } from './file-hash.ts';
export { makeFolder } from './folders.ts';
export { answersSignals, isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';
export { LockHeldError, LockLostError, ProcessLock } from './process-lock.ts';
export type { Said } from './said.ts';
export { systemProblem } from './system-problem.ts';
export { removeFile, removeIfPossible, syncPath, WholeFile, writeWhole } from './whole-file.ts';
