// SPDX-License-Identifier: MIT
package peers;

import io.github.resilience4j.circuitbreaker.CallNotPermittedException;
import io.github.resilience4j.circuitbreaker.CircuitBreaker;
import io.github.resilience4j.circuitbreaker.CircuitBreakerConfig;
import java.time.Duration;
import java.util.concurrent.TimeUnit;

/** The scenarios of README.md on resilience4j, its count window of 100 calls and, besides, its time window of 10 seconds. */
public final class Resilience4j {
  private static final RuntimeException DOWN = new RuntimeException("down", null, false, false) {};

  private static CircuitBreaker breaker(CircuitBreakerConfig.SlidingWindowType window, int size) {
    return CircuitBreaker.of("peer", CircuitBreakerConfig.custom()
        .slidingWindowType(window)
        .slidingWindowSize(size)
        .minimumNumberOfCalls(100)
        .failureRateThreshold(50)
        .waitDurationInOpenState(Duration.ofHours(1))
        .build());
  }

  private static boolean call(CircuitBreaker breaker, boolean fails) {
    try {
      return breaker.executeSupplier(() -> {
        if (fails) throw DOWN;
        return 1;
      }) == 1;
    } catch (CallNotPermittedException rejected) {
      return false;
    } catch (RuntimeException failed) {
      return false;
    }
  }

  /** The same by hand, as its permits are used: no lambda, no exception. */
  private static boolean permit(CircuitBreaker breaker) {
    if (!breaker.tryAcquirePermission()) return false;
    breaker.onSuccess(1, TimeUnit.MICROSECONDS);
    return true;
  }

  public static void main(String[] arguments) throws InterruptedException {
    final int all = Loop.CALLS;
    for (var window : CircuitBreakerConfig.SlidingWindowType.values()) {
      final boolean count = window == CircuitBreakerConfig.SlidingWindowType.COUNT_BASED;
      final String name = count ? "resilience4j" : "resilience4j, time window";
      final int size = count ? 100 : 10;
      final CircuitBreaker closed = breaker(window, size);
      Loop.report(name, "closed_success", n -> n == all, fails -> call(closed, fails), 0, false);
      final CircuitBreaker failing = breaker(window, size);
      Loop.report(name, "closed_10_percent", n -> n == all - all / 10, fails -> call(failing, fails), 10, false);
      final CircuitBreaker open = breaker(window, size);
      open.transitionToOpenState();
      Loop.report(name, "open_rejection", n -> n == 0, fails -> call(open, fails), 0, false);
      final CircuitBreaker shared = breaker(window, size);
      Loop.report(name, "two_threads", n -> n == all, fails -> call(shared, fails), 0, true);
    }
    final CircuitBreaker open = breaker(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED, 100);
    open.transitionToOpenState();
    Loop.report("resilience4j", "permit_rejection", n -> n == 0, fails -> permit(open), 0, false);
    final CircuitBreaker closed = breaker(CircuitBreakerConfig.SlidingWindowType.COUNT_BASED, 100);
    Loop.report("resilience4j", "permit_success", n -> n == all, fails -> permit(closed), 0, false);
  }
}
