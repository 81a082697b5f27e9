/** The client's side of the open API, for our own server and those of other makers. */
export {
  type ServedChatPart,
  type ServedChoice,
  type ServedLogprobs,
  type ServedModel,
  type ServedPart,
  servedChatPartSchema,
  servedCompletionSchema,
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
