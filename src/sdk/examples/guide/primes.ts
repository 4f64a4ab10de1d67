/** The first `count` primes in order. */
export function firstPrimes(count: number): readonly number[] {
  const primes: number[] = [];
  for (let n = 2; primes.length < count; n++)
    if (primes.every((prime) => prime * prime > n || n % prime !== 0)) primes.push(n);
  return primes;
}
