/** Numbers of things in sentences. */

/** `1 file`, `2 files`, `1 entry`, `2 entries` (told). */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
