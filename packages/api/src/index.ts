/**
 * The open API of the served models, in OpenAI's words, with Yuan's extensions.
 *
 * @module @tunan/api
 */

export { Accounts, type AccountsOptions, openMigrated } from './accounts/accounts.ts';
export type { Application } from './accounts/applications.ts';
export { type AuditEvent, recordRestore } from './accounts/audit-trail.ts';
/** @public */
export { AccountError, type AccountErrorCode } from './accounts/errors.ts';
export type { ApiKey, MadeKey } from './accounts/keys.ts';
export type { MadeAccount } from './accounts/members.ts';
export { type Account, KINDS, type Organisation, ROLES } from './accounts/people.ts';
export { forgetServerSecret } from './accounts/server-secret.ts';
export { answerBody, generationOf, type RequestBody, readRequestBody } from './answers/request-body.ts';
export type { AppsOptions } from './apps/app-shelf.ts';
export { AppStore } from './apps/app-store.ts';
export { BatchStore } from './batches/batch-store.ts';
export type { ErrorRow } from './errors/error-row.ts';
export { errorRows } from './errors/error-table.ts';
export { ApiError, type ApiErrorCode } from './errors/errors.ts';
/** @public */
export { QuotaError, type QuotaErrorCode } from './quotas/errors.ts';
export { Ledger, type LedgerOptions } from './quotas/ledger.ts';
export { type Limit, Limits } from './quotas/limits.ts';
export { METRICS } from './quotas/metrics.ts';
export { totalOf, type UsageFilter, type UsageRow, usageCsv, usageReport } from './quotas/usage-report.ts';
export type { RequestEntry } from './request-entry.ts';
export { ResponseFolder } from './responses/response-folder.ts';
export { ResponseMemory } from './responses/response-memory.ts';
export type { ContentMark } from './safety/content-mark.ts';
/** @public */
export { SafetyError, type SafetyErrorCode } from './safety/errors.ts';
export { Moderation } from './safety/moderation.ts';
export { Safety, type SafetyOptions } from './safety/safety.ts';
export { requireAddress, type ServeOptions, type Serving, serve } from './serve.ts';
export { buildServer, type Server, type ServerOptions } from './server.ts';
export { restoreBackup, writeBackup } from './storage/backup.ts';
export type { Database } from './storage/database.ts';
/** @public */
export { StorageError, type StorageErrorCode } from './storage/errors.ts';
export { openDatabase } from './storage/open-database.ts';
export { OpenStudy } from './studies/open-study.ts';
export type { PublishedScore } from './workspace/evaluations.ts';
export { Workspace, type WorkspaceOptions } from './workspace/workspace.ts';
export type { YuanAccounts } from './yuan/token-check.ts';
