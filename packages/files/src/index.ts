export { LockHeldError, LockLostError, ProcessLock } from './process-lock.ts';
