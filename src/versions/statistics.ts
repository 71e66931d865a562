/** What several measurements of one thing say together. */

export interface Summary {
  n: number;
  mean: number;
  /** Of a sample (n - 1); null for one. */
  deviation: number | null;
  /** Where the mean lies with the confidence asked for, by Student's t; null for one. */
  interval: { low: number; high: number } | null;
}

/** Null without a finite number. `confidence`: between 0 and 1. */
export function summarise(values: readonly number[], confidence: number): Summary | null {
  const n = values.length;
  if (n === 0 || !values.every(Number.isFinite)) return null;
  const mean = meanOf(values);
  if (n === 1) return { n, mean, deviation: null, interval: null };
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1));
  const reach = (studentQuantile((1 + confidence) / 2, n - 1) * deviation) / Math.sqrt(n);
  return { n, mean, deviation, interval: { low: mean - reach, high: mean + reach } };
}

/** Of finite numbers. Each distance first: a plain sum of numbers that are alike loses digits, and their squares more. */
export function meanOf(values: readonly number[]): number {
  const [origin = 0] = values;
  return origin + values.reduce((sum, value) => sum + (value - origin), 0) / values.length;
}

export interface Difference {
  /** Of the means, one's minus the other's, in units of its own error; infinite when neither set has a spread. */
  t: number;
  /** Degrees of freedom, rounded down: the share is rather too small than too large. */
  freedom: number;
  /** How sure it is that one's mean is the higher one: between 0 and 1, one half for equal means. */
  share: number;
}

/** Welch's test: two sets of numbers whose spreads need not be alike. Null when one of them has fewer than two, or a number is not finite. */
export function welch(one: readonly number[], other: readonly number[]): Difference | null {
  const [a, b] = [summarise(one, 0.5), summarise(other, 0.5)];
  if (a === null || b === null || a.deviation === null || b.deviation === null) return null;
  const [left, right] = [a.deviation ** 2 / a.n, b.deviation ** 2 / b.n];
  const difference = a.mean - b.mean;
  const error = left + right;
  if (error === 0) {
    const sign = Math.sign(difference);
    return { t: sign === 0 ? 0 : sign * Number.POSITIVE_INFINITY, freedom: a.n + b.n - 2, share: (1 + sign) / 2 };
  }
  const t = difference / Math.sqrt(error);
  const part = left / error;
  const whole = 1 / (part ** 2 / (a.n - 1) + (1 - part) ** 2 / (b.n - 1));
  // What is whole but for its last digits is not rounded to the one below.
  const freedom = Math.max(1, Math.floor(whole + 1e-9));
  return { t, freedom, share: studentShare(t, freedom) };
}

/** The t with this share of Student's distribution below it, for shares from one half on; by halving, as its integral has no inverse. */
export function studentQuantile(share: number, freedom: number): number {
  let high = 1;
  while (studentShare(high, freedom) < share && high < 1e12) high *= 2;
  let low = 0;
  for (let step = 0; step < 200 && high - low > 1e-14 * high; step += 1) {
    const middle = (low + high) / 2;
    if (studentShare(middle, freedom) < share) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/**
 * The share of Student's distribution below `t`, for whole degrees of freedom: a finite sum in the angle (Abramowitz and Stegun,
 * 26.7.3 and 26.7.4).
 */
export function studentShare(t: number, freedom: number): number {
  const angle = Math.atan(t / Math.sqrt(freedom));
  const [sine, cosine] = [Math.sin(angle), Math.cos(angle)];
  const odd = freedom % 2 === 1;
  let term = odd ? cosine : 1;
  let sum = freedom === 1 ? 0 : term;
  for (let k = odd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= ((k - 1) / k) * cosine ** 2;
    sum += term;
  }
  const inside = odd ? (2 / Math.PI) * (angle + sine * sum) : sine * sum;
  return (1 + inside) / 2;
}
