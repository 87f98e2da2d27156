// SPDX-License-Identifier: MIT

// The scenarios of README.md on gobreaker and failsafe-go. Prints library, scenario and ns per call, parted by tabs.
package main

import (
    "errors"
    "fmt"
    "sync"
    "time"

    "github.com/failsafe-go/failsafe-go"
    "github.com/failsafe-go/failsafe-go/circuitbreaker"
    "github.com/sony/gobreaker/v2"
)

const (
    calls   = 300_000
    repeats = 12
)

var errDown = errors.New("down")
var sink int

type execute func(f func() (int, error)) (int, error)

func good() (int, error) { return 1, nil }
func bad() (int, error)  { return 0, errDown }

func loop(call execute, failEvery int) {
    sum := 0
    for i := 1; i <= calls; i++ {
        f := good
        if failEvery != 0 && i%failEvery == 0 {
            f = bad
        }
        v, _ := call(f)
        sum += v
    }
    sink = sum
}

func best(body func()) float64 {
    least := time.Duration(1 << 62)
    for r := 0; r < repeats; r++ {
        start := time.Now()
        body()
        if took := time.Since(start); took < least {
            least = took
        }
    }
    return float64(least.Nanoseconds()) / calls
}

func twoThreads(call execute) {
    var done sync.WaitGroup
    for t := 0; t < 2; t++ {
        done.Add(1)
        go func() {
            defer done.Done()
            sum := 0
            for i := 0; i < calls; i++ {
                v, _ := call(good)
                sum += v
            }
            if sum != calls {
                panic("a call was rejected")
            }
        }()
    }
    done.Wait()
}

// permits makes all calls by hand: a permit, then the verdict. It answers how many were allowed.
func permits(call func() bool) int {
    allowed := 0
    for i := 0; i < calls; i++ {
        if call() {
            allowed++
        }
    }
    return allowed
}

func measurePermits(library string, closed func() bool, open func() bool) {
    fmt.Printf("%s\tpermit_success\t%.1f\n", library, best(func() {
        if permits(closed) != calls {
            panic("a call was rejected")
        }
    }))
    fmt.Printf("%s\tpermit_rejection\t%.1f\n", library, best(func() {
        if permits(open) != 0 {
            panic("a call was allowed")
        }
    }))
}

func measure(library string, make func() execute) {
    call := make()
    fmt.Printf("%s\tclosed_success\t%.1f\n", library, best(func() { loop(call, 0) }))
    call = make()
    fmt.Printf("%s\tclosed_10_percent\t%.1f\n", library, best(func() { loop(call, 10) }))
    if v, err := call(good); v != 1 || err != nil {
        panic("it should be closed")
    }
    call = make()
    for i := 0; i < 1000; i++ {
        _, _ = call(bad)
    }
    if _, err := call(good); err == nil || errors.Is(err, errDown) {
        panic("it should be open")
    }
    fmt.Printf("%s\topen_rejection\t%.1f\n", library, best(func() { loop(call, 0) }))
    call = make()
    fmt.Printf("%s\ttwo_threads\t%.1f\n", library, best(func() { twoThreads(call) }))
}

func settings() gobreaker.Settings {
    return gobreaker.Settings{
        Timeout: time.Hour,
        ReadyToTrip: func(c gobreaker.Counts) bool {
            return c.Requests >= 100 && c.TotalFailures*2 >= c.Requests
        },
    }
}

func gobreakerPermits() (closed func() bool, open func() bool) {
    allow := func(breaker *gobreaker.TwoStepCircuitBreaker[int], result error) func() bool {
        return func() bool {
            done, err := breaker.Allow()
            if err != nil {
                return false
            }
            done(result)
            return true
        }
    }
    failing := gobreaker.NewTwoStepCircuitBreaker[int](settings())
    permits(allow(failing, errDown))
    return allow(gobreaker.NewTwoStepCircuitBreaker[int](settings()), nil), allow(failing, nil)
}

func failsafeBreaker() circuitbreaker.CircuitBreaker[int] {
    return circuitbreaker.NewBuilder[int]().WithFailureThresholdRatio(50, 100).WithDelay(time.Hour).Build()
}

func failsafePermits() (closed func() bool, open func() bool) {
    acquire := func(breaker circuitbreaker.CircuitBreaker[int]) func() bool {
        return func() bool {
            if !breaker.TryAcquirePermit() {
                return false
            }
            breaker.RecordSuccess()
            return true
        }
    }
    opened := failsafeBreaker()
    opened.Open()
    return acquire(failsafeBreaker()), acquire(opened)
}

func main() {
    measure("gobreaker", func() execute { return gobreaker.NewCircuitBreaker[int](settings()).Execute })
    closed, open := gobreakerPermits()
    measurePermits("gobreaker", closed, open)
    measure("failsafe-go", func() execute { return failsafe.With[int](failsafeBreaker()).Get })
    closed, open = failsafePermits()
    measurePermits("failsafe-go", closed, open)
}
