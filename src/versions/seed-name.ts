/** Which parameter is the seed: what repetitions of one experiment differ in. */
const SEED = /(^|[._-])(seed|random_?(seed|state))$/i;

export function seedName(params: Iterable<string>): string | undefined {
  return [...params].find((name) => SEED.test(name));
}
