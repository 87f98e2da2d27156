// SPDX-License-Identifier: MIT
package peers;

import com.netflix.hystrix.HystrixCommand;
import com.netflix.hystrix.HystrixCommandGroupKey;
import com.netflix.hystrix.HystrixCommandKey;
import com.netflix.hystrix.HystrixCommandProperties;
import com.netflix.hystrix.exception.HystrixRuntimeException;

/** The scenarios of README.md on Hystrix: a command for each call, as it asks for; semaphore isolation, no fallback, no log. */
public final class Hystrix {
  private static final RuntimeException DOWN = new RuntimeException("down", null, false, false) {};

  private static HystrixCommand.Setter setter(String key, boolean forcedOpen) {
    return HystrixCommand.Setter.withGroupKey(HystrixCommandGroupKey.Factory.asKey("peers"))
        .andCommandKey(HystrixCommandKey.Factory.asKey(key))
        .andCommandPropertiesDefaults(HystrixCommandProperties.Setter()
            .withExecutionIsolationStrategy(HystrixCommandProperties.ExecutionIsolationStrategy.SEMAPHORE)
            .withExecutionTimeoutEnabled(false)
            .withFallbackEnabled(false)
            .withRequestLogEnabled(false)
            .withRequestCacheEnabled(false)
            .withCircuitBreakerForceOpen(forcedOpen)
            .withCircuitBreakerRequestVolumeThreshold(100)
            .withCircuitBreakerErrorThresholdPercentage(50));
  }

  private static boolean call(HystrixCommand.Setter how, boolean fails) {
    try {
      return new HystrixCommand<Integer>(how) {
        @Override
        protected Integer run() {
          if (fails) throw DOWN;
          return 1;
        }
      }.execute() == 1;
    } catch (HystrixRuntimeException failed) {
      return false;
    }
  }

  public static void main(String[] arguments) throws InterruptedException {
    final int all = Loop.CALLS;
    final var closed = setter("closed", false);
    Loop.report("Hystrix", "closed_success", n -> n == all, fails -> call(closed, fails), 0, false);
    final var failing = setter("failing", false);
    Loop.report("Hystrix", "closed_10_percent", n -> n == all - all / 10, fails -> call(failing, fails), 10, false);
    final var open = setter("open", true);
    Loop.report("Hystrix", "open_rejection", n -> n == 0, fails -> call(open, fails), 0, false);
    final var shared = setter("shared", false);
    Loop.report("Hystrix", "two_threads", n -> n == all, fails -> call(shared, fails), 0, true);
    System.exit(0);
  }
}
