/**
 * Key of our own in the metadata of a GGUF: which weights it was made of, or trained beside, by their hash (weightsSha256 of @tunan/model).
 * Others pass over keys that they do not know.
 */
export const WEIGHTS_SHA256 = 'tunan.weights_sha256';
