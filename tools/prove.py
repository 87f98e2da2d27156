#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The long proofs, which do not fit into every run of the tests. Each part ends within an hour.

    prove.py              every part
    prove.py PART...      only these
    prove.py --list       lists the parts
    prove.py --seed N     first seed; default 1
    prove.py --again      runs also the steps that have passed

Each part is a sequence of steps. The steps that passed on this commit are recorded in build/prove, so an interrupted run
resumes. With uncommitted changes nothing is recorded. Each part ends with a line of its seed, its counts and the commit.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "prove"
STATE = BUILD / "passed"


def build(*targets):
    for command, output in (("--preset prove", subprocess.DEVNULL), (f"--build --preset prove --target {' '.join(targets)}", None)):
        if subprocess.run(["cmake", *command.split()], cwd=ROOT, stdout=output).returncode:
            sys.exit(f"./dev prove: `cmake {command}` failed")


def ctest_names(label):
    out = subprocess.run(["ctest", "--test-dir", BUILD, "-N", "-L", label], capture_output=True, text=True, check=True).stdout
    return re.findall(r"Test\s+#\d+: (\S+)", out)


def program(name):
    found = [p for p in BUILD.rglob(name) if p.is_file() and os.access(p, os.X_OK)]
    if not found:
        sys.exit(f"./dev prove: no program {name} in {BUILD}; remove that folder and try again")
    return str(found[0])


def mutants(_):
    """each planted bug is detected by the tests that should detect it"""
    build("gabion_mutants")
    return [(name, ["ctest", "--test-dir", BUILD, "--output-on-failure", "-R", f"^{re.escape(name)}$"]) for name in ctest_names("^mutant$")]


def explore(_):
    """every schedule of every scenario, 20 million executions"""
    build("explore")
    return [("exploration", [program("explore"), "--executions", "20000000"])]


def simulate(seed):
    """20,000 simulations with crashes, duplicates, lost answers and clock jumps"""
    build("simulate")
    step = 2500
    return [(f"seeds from {first}", [program("simulate"), "--first", str(first), "--seeds", str(step)])
            for first in range(seed, seed + 20000, step)]


def model(seed):
    """the breaker against a model of its documentation, 400,000 sequences"""
    build("circuit_sequences")
    step = 100000
    return [(f"sequences from {first}", [program("circuit_sequences"), "--first", str(first), "--sequences", str(step)])
            for first in range(seed, seed + 4 * step, step)]


def crash(seed):
    """real processes killed at every failpoint and at random moments"""
    build("crash")
    every = [("each failpoint", [program("crash"), "--headers", str(ROOT / "include" / "gabion")])]
    return every + [(f"random {s}", [program("crash"), "--random", str(s)]) for s in range(seed, seed + 20)]


def quick(_):
    """the quick tests pass 100 times in a row"""
    build("gabion_quick_tests")
    ctest = ["ctest", "--test-dir", BUILD, "-L", "^quick$", "--output-on-failure", "-j", "2", "--repeat", "until-fail:20"]
    return [(f"repeats {20 * i + 1} to {20 * i + 20}", ctest) for i in range(5)]


def headers(_):
    """each public header compiles by itself"""
    return [("self-contained", ["python3", ROOT / "tests" / "repo" / "header_checks.py", "g++", "self-contained"])]


PARTS = {part.__name__: part for part in (mutants, explore, simulate, model, crash, quick, headers)}


def commit():
    """The commit under test; "unknown" outside a git checkout, and with "-changed" if a tracked file differs from it."""
    head = subprocess.run(["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True).stdout.strip()
    changed = subprocess.run(["git", "status", "--porcelain", "--untracked-files=no"], cwd=ROOT, capture_output=True, text=True).stdout
    return f"{head}-changed" if changed.strip() else head or "unknown"


def prove(name, seed, again, revision):
    state = STATE / f"{revision}-{name}-{seed}.json"
    records = re.fullmatch("[0-9a-f]+", revision)  # any other one does not say what was run
    passed = set(json.loads(state.read_text())) if records and state.exists() and not again else set()
    steps = PARTS[name](seed)
    before, begin = len(passed), time.monotonic()
    for step, command in steps:
        if step in passed:
            continue
        print(f"--- {name}: {step}", flush=True)
        if subprocess.run([str(word) for word in command], cwd=ROOT).returncode:
            print(f"=== {name}: FAILED at {step}; seed {seed}, {len(passed)} of {len(steps)} steps passed, commit {revision}")
            return False
        passed.add(step)
        if records:
            state.parent.mkdir(parents=True, exist_ok=True)
            state.write_text(json.dumps(sorted(passed)))
    resumed = f", {before} of them earlier" if before else ""
    print(f"=== {name}: {len(steps)} steps passed{resumed}; seed {seed}, {time.monotonic() - begin:.0f} s, commit {revision}", flush=True)
    return True


def main():
    parser = argparse.ArgumentParser(prog="./dev prove", description="Runs the long proofs. Each part ends within an hour.")
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"{', '.join(PARTS)}; default: all")
    parser.add_argument("--seed", type=int, default=1, help="first seed; default 1")
    parser.add_argument("--again", action="store_true", help="also run the steps that have passed on this commit")
    parser.add_argument("--list", action="store_true", help="list the parts")
    arguments = parser.parse_args()
    unknown = [p for p in arguments.parts if p not in PARTS]
    if unknown:
        parser.error(f"unknown part: {', '.join(unknown)}; allowed: {', '.join(PARTS)}")
    if arguments.seed < 0:
        parser.error(f"--seed is {arguments.seed}; allowed: 0 and up")
    if arguments.list:
        for name, part in PARTS.items():
            print(f"{name:10} {part.__doc__}")
        return 0
    revision = commit()
    results = [prove(name, arguments.seed, arguments.again, revision) for name in arguments.parts or PARTS]
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
