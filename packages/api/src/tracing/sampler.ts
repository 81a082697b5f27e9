/** Which traces are sent, by the variables of OpenTelemetry: OTEL_TRACES_SAMPLER and, of ratios, OTEL_TRACES_SAMPLER_ARG. */
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  type Sampler,
  TraceIdRatioBasedSampler,
} from '@opentelemetry/sdk-trace';
import { ApiError } from '../errors/errors.ts';

const SAMPLERS: Readonly<Record<string, (ratio: number) => Sampler>> = {
  always_on: () => new AlwaysOnSampler(),
  always_off: () => new AlwaysOffSampler(),
  traceidratio: (ratio) => new TraceIdRatioBasedSampler(ratio),
  parentbased_always_on: () => new ParentBasedSampler({ root: new AlwaysOnSampler() }),
  parentbased_always_off: () => new ParentBasedSampler({ root: new AlwaysOffSampler() }),
  parentbased_traceidratio: (ratio) => new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
};

/** An empty variable is an absent one, as OpenTelemetry has it. @throws ApiError API_TRACES */
export function readSampler({ OTEL_TRACES_SAMPLER, OTEL_TRACES_SAMPLER_ARG }: NodeJS.ProcessEnv): Sampler {
  const name = OTEL_TRACES_SAMPLER || 'parentbased_always_on';
  const sampler = Object.hasOwn(SAMPLERS, name) ? SAMPLERS[name] : undefined;
  if (sampler === undefined) {
    const names = Object.keys(SAMPLERS);
    throw new ApiError('API_TRACES', {
      en: `OTEL_TRACES_SAMPLER is '${name}': choose one of ${names.join(', ')}`,
      zh: `OTEL_TRACES_SAMPLER 为“${name}”：可取 ${names.join('、')}`,
    });
  }
  const given = OTEL_TRACES_SAMPLER_ARG?.trim() || '1';
  const ratio = Number(given);
  if (!name.endsWith('traceidratio') || (ratio >= 0 && ratio <= 1)) return sampler(ratio);
  throw new ApiError('API_TRACES', {
    en: `OTEL_TRACES_SAMPLER_ARG is '${given}': give the share of traces that are sent, from 0 to 1`,
    zh: `OTEL_TRACES_SAMPLER_ARG 为“${given}”：请给出发送的追踪所占比例，从 0 到 1`,
  });
}
