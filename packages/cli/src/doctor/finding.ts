/** What one check of `tunan doctor` found. */
export interface Finding {
  readonly name: string;
  /** 'warn' is slower or poorer than it could be; 'fail' means that tunan cannot run. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** The command or act that fixes it; only with 'warn' and 'fail'. */
  readonly fix?: string;
}
