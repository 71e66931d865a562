/** What S3 calls bytes and their versions. */
import { ExpverError } from "../../../errors.ts";
import type { HttpAnswer } from "../../../platform/http.ts";
import { isVersionAware } from "../../settings/dvc-options.ts";
import type { Found } from "../server.ts";

export type VersionNames = ReturnType<typeof versionNames>;

/** Versions are spoken of with a remote that is said to keep them: DVC writes them down for no other. */
export function versionNames(options: ReadonlyMap<string, string>) {
  const isAware = isVersionAware(options);
  return {
    /** As a header of the answer says it. */
    of({ headers }: HttpAnswer): Pick<Found, "tag" | "version"> {
      const version = isAware ? namedVersion(headers["x-amz-version-id"]) : undefined;
      return { tag: bareTag(headers.etag), ...(version === undefined ? {} : { version }) };
    },
    ask: (version: string | undefined): Record<string, string> => (version === undefined ? {} : { versionId: version }),
    /** Statuses of a version of which there is nothing to get: it is a deletion. */
    refusals: (version: string | undefined): number[] => (version === undefined ? [] : [405]),
    /** The answer; null when what was asked for is no name of a version, which is no mistake of the request's. */
    async orNone(asking: Promise<HttpAnswer>, version: string | undefined): Promise<HttpAnswer | null> {
      try {
        return await asking;
      } catch (error) {
        const isNone = error instanceof ExpverError && NO_VERSION.has(String(error.details.s3));
        if (version !== undefined && isNone) return null;
        throw error;
      }
    },
  };
}

const NO_VERSION = new Set(["InvalidArgument", "NoSuchVersion"]);

/** What was written while a bucket kept no versions is called `null`. */
export function namedVersion(said: string | string[] | undefined): string | undefined {
  return said === undefined || said === "null" ? undefined : String(said);
}

export function bareTag(tag: string | undefined): string | undefined {
  return tag?.replace(/^"+|"+$/g, "");
}
