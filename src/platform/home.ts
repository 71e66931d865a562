import { homedir } from "node:os";

/** The user's folder. In a container a user id may have no name, and HOME not be set: then it is the folder that Debian gives users who have none. */
export function homeFolder(env: Readonly<Record<string, string | undefined>> = process.env): string {
  if (env.HOME) return env.HOME;
  try {
    return homedir();
  } catch {
    return "/nonexistent";
  }
}
