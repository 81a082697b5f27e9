/** The client's side of the open API, for our own server and those of other makers. */
export {
  type ServedChat,
  type ServedChatPart,
  type ServedChoice,
  type ServedCompletion,
  type ServedEmbeddings,
  type ServedLogprobs,
  type ServedModel,
  type ServedPart,
  servedChatPartSchema,
  servedCompletionSchema,
  servedEmbeddingsSchema,
  servedModelsSchema,
  servedPartSchema,
} from './answers.ts';
export {
  Endpoint,
  type EndpointAddress,
  isEndpointUrl,
  type Send,
  type SendAnswer,
  type SendRequest,
} from './endpoint.ts';
export { EndpointError, type EndpointErrorKind } from './endpoint-error.ts';
export { type ChatInput, type CompletionInput, type EmbeddingsInput, OpenApi } from './open-api.ts';
export { answerer, cleanAnswer, Example, Yuan, type YuanAnswerer, type YuanForm, type YuanSampling } from './yuan.ts';
export { type YuanAddress, yuanEndpoint } from './yuan-endpoint.ts';
