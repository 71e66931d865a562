/** What S3 calls bytes and their versions. */
import type { HttpAnswer } from "../../../platform/http.ts";
import { isVersionAware } from "../../dvc-options.ts";
import type { Found } from "../server.ts";

export type VersionNames = ReturnType<typeof versionNames>;

/** Versions are spoken of with a remote that is said to keep them: DVC writes them down for no other. */
export function versionNames(options: ReadonlyMap<string, string>) {
  const isAware = isVersionAware(options);
  return {
    /** As a header of the answer says it; a bucket that keeps no versions any more says `null`. */
    of({ headers }: HttpAnswer): Pick<Found, "tag" | "version"> {
      const version = isAware ? String(headers["x-amz-version-id"] ?? "null") : "null";
      return { tag: bareTag(headers.etag), ...(version === "null" ? {} : { version }) };
    },
    ask: (version: string | undefined): Record<string, string> => (version === undefined ? {} : { versionId: version }),
    /** Statuses of a version nobody has: what is no name of one, and what is a deletion. */
    refusals: (version: string | undefined): number[] => (version === undefined ? [] : [400, 405]),
  };
}

export function bareTag(tag: string | undefined): string | undefined {
  return tag?.replace(/^"+|"+$/g, "");
}
