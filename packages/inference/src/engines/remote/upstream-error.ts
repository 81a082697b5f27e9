/**
 * What a failure of the server behind means for those in front. Callers are told what to do and no addresses; the cause, for the
 * log of whoever runs both, has them.
 */
import type { Said } from '@tunan/files';
import { EndpointError, type EndpointErrorKind } from '@tunan/protocol/client';
import { InferenceError, type InferenceErrorCode } from '../../errors.ts';

const DOWN: Said = {
  en: 'the server that runs this model does not answer: try again in a while',
  zh: '运行此模型的服务没有应答：请稍后再试',
};
const SLOW: Said = {
  en: 'the server that runs this model takes too long: try again in a while, or ask for fewer tokens',
  zh: '运行此模型的服务耗时过长：请稍后再试，或减少词元数',
};
const UNFIT: Said = {
  en: 'the server that runs this model gives no usable answer: tell the operator, whose log says why',
  zh: '运行此模型的服务没有给出可用的应答：请告知运营者，其日志记有原因',
};
const BUSY: Said = {
  en: 'the server that runs this model is busy: try again in a while',
  zh: '运行此模型的服务正忙：请稍后再试',
};
const NO_CHAT: Said = {
  en: 'the server that runs this model has no conversations, it continues texts: call POST /v1/completions',
  zh: '运行此模型的服务没有对话，只能续写文本：请调用 POST /v1/completions',
};
/** Where a busy server does not say when to come back. */
const RETRY_AFTER_SECONDS = 1;

/** Of a failure while a request runs. What is no failure of the server behind stays as it is. */
export function requestError(error: unknown): Error {
  if (!(error instanceof EndpointError)) return error instanceof Error ? error : new Error(String(error));
  const { answered } = error;
  switch (error.kind) {
    case 'busy': {
      const retryAfter = error.retryAfterSeconds ?? RETRY_AFTER_SECONDS;
      return new InferenceError('INFERENCE_QUEUE_FULL', BUSY, { cause: error, retryAfter });
    }
    case 'down':
    case 'failed':
      return new InferenceError('INFERENCE_UPSTREAM_DOWN', DOWN, { cause: error });
    case 'slow':
      return new InferenceError('INFERENCE_UPSTREAM_SLOW', SLOW, { cause: error });
    case 'unknown':
      // So says a server that does not have the address.
      if (answered?.code === 'unknown_url')
        return new InferenceError('INFERENCE_BAD_OPTION', NO_CHAT, { cause: error, option: 'model' });
      return new InferenceError('INFERENCE_UPSTREAM_UNFIT', UNFIT, { cause: error });
    case 'key':
    case 'malformed':
      return new InferenceError('INFERENCE_UPSTREAM_UNFIT', UNFIT, { cause: error });
    case 'refused': {
      const said = (answered?.message ?? error.message).replace(/\s+/g, ' ');
      const long = answered?.code === 'context_length_exceeded';
      return new InferenceError(
        long ? 'INFERENCE_PROMPT_TOO_LONG' : 'INFERENCE_BAD_OPTION',
        { en: said, zh: `运行此模型的服务拒绝：${said}` },
        { cause: error, ...(typeof answered?.param === 'string' && { option: answered.param }) },
      );
    }
  }
}

const CODES: Readonly<Partial<Record<EndpointErrorKind, InferenceErrorCode>>> = {
  slow: 'INFERENCE_UPSTREAM_SLOW',
  key: 'INFERENCE_UPSTREAM_UNFIT',
  unknown: 'INFERENCE_UPSTREAM_UNFIT',
  malformed: 'INFERENCE_UPSTREAM_UNFIT',
  refused: 'INFERENCE_UPSTREAM_UNFIT',
};

const ADVICE: Readonly<Partial<Record<EndpointErrorKind, Said>>> = {
  key: { en: 'give its key in TUNAN_UPSTREAM_KEY', zh: '请在 TUNAN_UPSTREAM_KEY 中给出其密钥' },
  unknown: {
    en: 'write the address up to and with the version, such as http://127.0.0.1:8000/v1',
    zh: '地址请写到版本号为止，例如 http://127.0.0.1:8000/v1',
  },
  malformed: { en: 'give the address of an OpenAI-compatible server', zh: '请给出 OpenAI 兼容服务的地址' },
};
const LOOK: Said = {
  en: 'look whether that server runs, then start again',
  zh: '请查看该服务是否在运行，再重新启动',
};

/** Of a failure while the engine is opened, for whoever starts it. */
export function connectError(error: unknown): unknown {
  if (!(error instanceof EndpointError)) return error;
  const advice = ADVICE[error.kind] ?? LOOK;
  return new InferenceError(
    CODES[error.kind] ?? 'INFERENCE_UPSTREAM_DOWN',
    { en: `${error.message}; ${advice.en}`, zh: `${error.chinese}；${advice.zh}` },
    { cause: error },
  );
}
