// SPDX-License-Identifier: MIT

// The scenarios of README.md on opossum. Prints library, scenario and ns per call, parted by tabs.
import CircuitBreaker from 'opossum';

const calls = 50_000;
const repeats = 8;
const down = new Error('down');
const action = async (fails) => {
  if (fails) throw down;
  return 1;
};

const make = () => new CircuitBreaker(action, {
  timeout: false, rollingPercentilesEnabled: false, errorThresholdPercentage: 50, resetTimeout: 3_600_000, volumeThreshold: 100,
});

async function loop(breaker, failEvery) {
  let sum = 0;
  for (let i = 1; i <= calls; ++i) {
    try {
      sum += await breaker.fire(failEvery !== 0 && i % failEvery === 0);
    } catch {}
  }
  return sum;
}

async function best(body, expected) {
  let least = Infinity;
  for (let r = 0; r < repeats; ++r) {
    const start = process.hrtime.bigint();
    const sum = await body();
    least = Math.min(least, Number(process.hrtime.bigint() - start));
    if (sum !== expected) throw new Error(`expected ${expected} successes, not ${sum}`);
  }
  return least / calls;
}

const report = (scenario, ns) => console.log(`opossum\t${scenario}\t${ns.toFixed(1)}`);

const closed = make();
report('closed_success', await best(() => loop(closed, 0), calls));
const failing = make();
report('closed_10_percent', await best(() => loop(failing, 10), calls - calls / 10));
const open = make();
open.open();
report('open_rejection', await best(() => loop(open, 0), 0));
for (const breaker of [closed, failing, open]) breaker.shutdown();
