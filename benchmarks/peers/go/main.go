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
    calls   = 500_000
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

func main() {
    measure("gobreaker", func() execute {
        breaker := gobreaker.NewCircuitBreaker[int](gobreaker.Settings{
            Timeout: time.Hour,
            ReadyToTrip: func(c gobreaker.Counts) bool {
                return c.Requests >= 100 && c.TotalFailures*2 >= c.Requests
            },
        })
        return breaker.Execute
    })
    measure("failsafe-go", func() execute {
        breaker := circuitbreaker.NewBuilder[int]().WithFailureThresholdRatio(50, 100).WithDelay(time.Hour).Build()
        return failsafe.With[int](breaker).Get
    })
}
