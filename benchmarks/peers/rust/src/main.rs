// SPDX-License-Identifier: MIT

// The scenarios of README.md on failsafe-rs. Prints library, scenario and ns per call, parted by tabs.
use failsafe::{backoff, failure_policy, CircuitBreaker, Config, Error};
use std::hint::black_box;
use std::time::{Duration, Instant};

const CALLS: u32 = 500_000;
const REPEATS: u32 = 12;

/// The type of the breaker cannot be spelled out, and its permits are not in the trait.
macro_rules! breaker {
    () => {{
        let hour = Duration::from_secs(3600);
        let window = Duration::from_secs(30);
        let policy = failure_policy::success_rate_over_time_window(0.5, 100, window, backoff::constant(hour));
        Config::new().failure_policy(policy).build()
    }};
}

fn answer(fails: bool) -> Result<u32, ()> {
    if black_box(fails) { Err(()) } else { Ok(1) }
}

fn run(breaker: &impl CircuitBreaker, fail_every: u32) -> u32 {
    let mut sum = 0;
    for i in 1..=CALLS {
        let fails = fail_every != 0 && i % fail_every == 0;
        sum += breaker.call(|| answer(fails)).unwrap_or(0);
    }
    black_box(sum)
}

/// The same by hand: a permit, then the verdict. Answers how many were permitted.
macro_rules! permits {
    ($breaker:expr) => {{
        let mut permitted = 0;
        for _ in 0..CALLS {
            if black_box($breaker.is_call_permitted()) {
                $breaker.on_success();
                permitted += 1;
            }
        }
        permitted
    }};
}

fn best(mut body: impl FnMut()) -> f64 {
    let mut least = Duration::MAX;
    for _ in 0..REPEATS {
        let start = Instant::now();
        body();
        least = least.min(start.elapsed());
    }
    least.as_nanos() as f64 / f64::from(CALLS)
}

fn report(scenario: &str, ns: f64) {
    println!("failsafe-rs\t{scenario}\t{ns:.1}");
}

fn main() {
    let closed = breaker!();
    report("closed_success", best(|| assert!(run(&closed, 0) == CALLS)));

    let failing = breaker!();
    report("closed_10_percent", best(|| assert!(run(&failing, 10) == CALLS - CALLS / 10)));

    let first = failure_policy::consecutive_failures(1, backoff::constant(Duration::from_secs(3600)));
    let open = Config::new().failure_policy(first).build();
    let _ = open.call(|| answer(true));
    assert!(matches!(open.call(|| answer(false)), Err(Error::Rejected)));
    report("open_rejection", best(|| assert!(run(&open, 0) == 0)));
    report("permit_rejection", best(|| assert!(permits!(open) == 0)));

    let by_hand = breaker!();
    report("permit_success", best(|| assert!(permits!(by_hand) == CALLS)));

    let shared = breaker!();
    let both = best(|| {
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| assert!(run(&shared, 0) == CALLS));
            }
        });
    });
    report("two_threads", both);
}
