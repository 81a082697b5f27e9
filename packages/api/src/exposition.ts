/** Lines of /metrics in the text format of Prometheus. */

/** One metric with its samples. */
export const described = (name: string, type: string, help: string, samples: readonly string[]): string[] => [
  `# HELP ${name} ${help}`,
  `# TYPE ${name} ${type}`,
  ...samples,
];

/** A metric that has one value. */
export const single = (name: string, type: string, help: string, value: number): string[] =>
  described(name, type, help, [`${name} ${value}`]);
