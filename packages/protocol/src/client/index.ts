/** The client's side of the open API, for our own server and those of other makers. */
export {
  type ServedChoice,
  type ServedLogprobs,
  type ServedModel,
  type ServedPart,
  servedCompletionSchema,
  servedModelsSchema,
  servedPartSchema,
} from './answers.ts';
export { Endpoint, type EndpointAddress, isEndpointUrl } from './endpoint.ts';
export { EndpointError, type EndpointErrorKind } from './endpoint-error.ts';
