/** Options every command has. */
export interface Face {
  json: boolean;
  dryRun: boolean;
  yes: boolean;
  /** Fingerprint of the plan to apply. */
  plan?: string;
  debug: boolean;
}
