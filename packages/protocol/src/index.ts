/**
 * Schemas and types of tunan's open API, the contract between server, page and clients.
 *
 * Knows nothing of HTTP servers or models; depends on zod alone.
 *
 * @module @tunan/protocol
 */

export {
  type AccountBody,
  type ApiKeyBody,
  type ApplicationBody,
  type ApplicationInput,
  type AuditAction,
  type AuditEventBody,
  type AuditList,
  accountListSchema,
  accountMadeSchema,
  accountSchema,
  apiKeyListSchema,
  apiKeyMadeSchema,
  apiKeySchema,
  applicationApprovedSchema,
  applicationListSchema,
  applicationMadeSchema,
  applicationRequestSchema,
  applicationSchema,
  auditListSchema,
  auditQuerySchema,
  codeRequestSchema,
  keyRequestSchema,
  type LimitBody,
  type LimitState,
  limitListSchema,
  limitNameSchema,
  limitSchema,
  limitStateListSchema,
  type MadeAccountBody,
  type MadeKeyBody,
  memberRequestSchema,
  type OrganisationBody,
  organisationListSchema,
  organisationSchema,
  passwordRequestSchema,
  rejectionSchema,
  roleRequestSchema,
  rotationRequestSchema,
  type SecondFactorBody,
  type SessionBody,
  secondFactorSchema,
  sessionSchema,
  signInRequestSchema,
  type UsageList,
  usageListSchema,
} from './accounts.ts';
export type { Aigc } from './aigc.ts';
/** @public */
export {
  APP_GROUPS,
  APP_LIMITS,
  APP_MEASURES,
  type App,
  type AppExample,
  type AppField,
  type AppGroup,
  type AppInput,
  type AppMeasure,
  appNameSchema,
  appSchema,
  templateNames,
} from './apps/app.ts';
/** @public */
export { type AppCheck, RHYME_BOOKS, type RhymeBook, VERSE_FORMS, type VerseForm } from './apps/checks.ts';
/** @public */
export {
  type AppAttempt,
  type AppBody,
  type AppFinding,
  type AppList,
  type AppQuality,
  type AppRun,
  type AppRunInput,
  type AppRunPart,
  type AppRunRequest,
  type AppSummary,
  type AppTurn,
  type AppVersionList,
  appBodySchema,
  appFileQuerySchema,
  appListSchema,
  appMakeSchema,
  appQualitySchema,
  appRunPartSchema,
  appRunRequestSchema,
  appRunSchema,
  appSaveSchema,
  appSharingSchema,
  appVersionListSchema,
  appVersionSchema,
} from './apps/run.ts';
export {
  type Batch,
  type BatchLine,
  batchLineSchema,
  batchListSchema,
  batchRequestSchema,
  batchSchema,
  fileDeletedSchema,
  fileListSchema,
  fileSchema,
  MOST_BATCH_LINES,
  type StoredFile,
} from './batches.ts';
export {
  type ChatCompletion,
  type ChatCompletionChunk,
  type ChatLogprobs,
  chatCompletionSchema,
} from './chat-completion.ts';
export { type ChatRequest, chatRequestSchema, messagesOf } from './chat-request.ts';
export {
  type Completion,
  type CompletionChoice,
  type CompletionLogprobs,
  completionSchema,
  type FinishReason,
  type PromptLogprobs,
  type Usage,
} from './completion.ts';
export {
  type CompletionRequest,
  type CompletionRequestInput,
  completionRequestSchema,
  ignoredFields,
  LIMITS,
  promptsOf,
  stopsOf,
} from './completion-request.ts';
export { constraintOf, type RequestedConstraint } from './constraint-fields.ts';
export {
  type Embeddings,
  type EmbeddingsRequest,
  type EmbeddingsRequestInput,
  embeddingsRequestSchema,
  embeddingsSchema,
} from './embeddings.ts';
export { type ErrorBody, errorBodySchema } from './error-body.ts';
export { type Model, type ModelList, modelListSchema, modelSchema } from './models.ts';
export {
  type Moderations,
  type ModerationsRequest,
  moderationsRequestSchema,
  moderationsSchema,
} from './moderations.ts';
export {
  chatRequestOf,
  type InputItem,
  inputItemListSchema,
  inputItemsQuerySchema,
  type ResponseBody,
  type ResponseMessage,
  type ResponsesRequest,
  responseDeletedSchema,
  responseSchema,
  responsesRequestSchema,
  type SpokenMessage,
  spokenOf,
} from './responses.ts';
export { withoutAliases } from './sampling-fields.ts';
export { describeInvalid, type InvalidInput, type Language, preferredLanguage } from './validation.ts';
export { workerListSchema, workerRequestSchema, workerSchema } from './workers.ts';
export {
  type WorkspaceCorpus,
  type WorkspaceCorpusDetails,
  type WorkspaceEvaluation,
  type WorkspaceEvaluationDetails,
  type WorkspaceLog,
  type WorkspaceRun,
  type WorkspaceRunDetails,
  workspaceCorpusDetailsSchema,
  workspaceCorpusListSchema,
  workspaceEvaluationDetailsSchema,
  workspaceEvaluationListSchema,
  workspaceLogSchema,
  workspaceRunDetailsSchema,
  workspaceRunListSchema,
} from './workspace.ts';
export {
  YUAN_ADDRESS_BYTES,
  YUAN_ERRORS,
  YUAN_RESULT,
  YUAN_SUBMIT,
  type YuanErrorCode,
  type YuanReply,
  type YuanSubmit,
  yuanReplySchema,
  yuanResultSchema,
  yuanSubmitSchema,
  yuanTokenText,
} from './yuan.ts';
