/** Whether files of a folder can all be there: no two have one name, and none is where a folder of another is. */

/** The first path that stands for two things, and how; null when none does. */
export function clashAmong(files: readonly { relpath: string }[]): string | null {
  const paths = inOrder(files.map(({ relpath }) => relpath));
  for (const [index, path] of paths.entries()) {
    const before = paths[index - 1] ?? "";
    if (path === before) return `${JSON.stringify(path)} twice`;
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const folder = path.slice(0, end);
      if (before[end] === "/" && before.startsWith(folder)) break; // A folder that was looked at with the one before.
      if (isAmong(folder, paths, index)) return `${JSON.stringify(folder)} as a file and as a folder`;
    }
  }
  return null;
}

function inOrder(paths: string[]): string[] {
  return paths.every((path, index) => index === 0 || (paths[index - 1] as string) <= path) ? paths : paths.sort();
}

/** Whether it is one of those before `end`: between it and what is below it are only names that begin with it. */
function isAmong(name: string, ordered: readonly string[], end: number): boolean {
  let index = end - 1;
  while (index >= 0 && ordered[index] !== name && ordered[index]?.startsWith(name)) index -= 1;
  return ordered[index] === name;
}
