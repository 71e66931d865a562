declare const __EXPVER_VERSION__: string | undefined;

/** The package's version; the build puts it in. */
export const VERSION: string = typeof __EXPVER_VERSION__ === "string" ? __EXPVER_VERSION__ : "0.0.0-dev";

/** The dvc whose files, output and exit codes `expver data` has. */
export const DVC_VERSION = "3.67.1";
