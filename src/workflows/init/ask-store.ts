/** `init --ask`: what the repository cannot answer about its data, asked at the terminal; the answers are what the options say. */
import type { Place } from "../../config/project.ts";
import { ExpverError } from "../../errors.ts";
import type { Context } from "../../platform/context.ts";
import { readDvcConfig } from "../../store/settings/dvc-config.ts";
import type { Input } from "../contract.ts";

/** The same input with answers in it; what was typed, or is configured, is not asked. Throws E_USAGE without a terminal. */
export async function askStore(place: Place, context: Context, input: Input): Promise<Input> {
  const { ask } = context;
  if (ask === undefined) {
    throw new ExpverError("E_USAGE", "--ask asks at a terminal, and there is none", {
      hint: "Say it with options: expver init --remote URL --cache PATH",
    });
  }
  const { defaultRemote, cache } = readDvcConfig(place);
  const answers: Input = { ...input };
  const put = async (name: string, question: string) => {
    if (answers[name] !== undefined) return;
    const answer = (await ask(question)).trim();
    if (answer !== "") answers[name] = answer;
  };
  if (defaultRemote === null) {
    await put(
      "remote",
      "Where is data pushed to? s3://BUCKET/FOLDER, gs://…, azure://…, ssh://HOST/FOLDER, or a folder; empty: nowhere yet",
    );
  }
  await put("cache", `Where are its bytes kept? A folder that several repositories share; empty: in ${cache.dir}`);
  if (answers.cache !== undefined && answers.cache !== "shared" && answers.group !== true) {
    answers.group = /^y(es)?$/i.test((await ask("May other people of its group write there too? [y/N]")).trim());
  }
  await put("link", `How are inputs put into the worktree? reflink, hardlink, symlink, copy; empty: ${cache.linkTypes.join(", else ")}`);
  return answers;
}
