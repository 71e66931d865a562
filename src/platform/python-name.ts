/** Packages of Python have many spellings and one normal name (PEP 503): `Foo.Bar` is `foo-bar`. */
export function pythonName(name: string): string {
  return name.toLowerCase().replace(/[-_.]+/g, "-");
}
