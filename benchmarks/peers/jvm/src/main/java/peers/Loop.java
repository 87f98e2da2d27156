// SPDX-License-Identifier: MIT
package peers;

import java.util.Locale;
import java.util.function.IntPredicate;

/** Warm loops: the first repeats let the compiler finish, the best of the others counts. */
final class Loop {
  static final int CALLS = 100_000;
  private static final int WARM = 8;
  private static final int REPEATS = 8;

  /** One call through a breaker; true if it succeeded. */
  interface Call {
    boolean run(boolean fails);
  }

  static int run(Call call, int failEvery) {
    int good = 0;
    for (int i = 1; i <= CALLS; ++i) {
      if (call.run(failEvery != 0 && i % failEvery == 0)) ++good;
    }
    return good;
  }

  static void report(String library, String scenario, IntPredicate expected, Call call, int failEvery, boolean twoThreads)
      throws InterruptedException {
    long least = Long.MAX_VALUE;
    for (int r = 0; r < WARM + REPEATS; ++r) {
      final long start = System.nanoTime();
      final int good;
      if (twoThreads) {
        final Thread other = new Thread(() -> run(call, failEvery));
        other.start();
        good = run(call, failEvery);
        other.join();
      } else {
        good = run(call, failEvery);
      }
      final long took = System.nanoTime() - start;
      if (!expected.test(good)) throw new IllegalStateException(library + " " + scenario + ": " + good + " calls succeeded");
      if (r >= WARM) least = Math.min(least, took);
    }
    System.out.printf(Locale.ROOT, "%s\t%s\t%.1f%n", library, scenario, (double) least / CALLS);
  }

  private Loop() {}
}
