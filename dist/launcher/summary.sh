#!/usr/bin/env bash
# Adds up the reports of the test runner and prints its closing line; lists what did not run, and why.
set -euo pipefail
cd "$1"
find . -path '*/target/surefire-reports/TEST-*.xml' -print0 | xargs -0 -r awk '
  function number(name,   m) { return match($0, name "=\"[0-9]+\"") ? substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 3) + 0 : 0 }
  /<testsuite / { tests += number(" tests"); failed += number(" failures") + number(" errors"); skipped += number(" skipped") }
  /<testcase / { if (match($0, / name="[^"]*"/)) test = substr($0, RSTART + 7, RLENGTH - 8); if (match($0, /classname="[^"]*"/)) test = substr($0, RSTART + 11, RLENGTH - 12) ": " test }
  /<skipped/ { reason = match($0, /message="[^"]*"/) ? substr($0, RSTART + 9, RLENGTH - 10) : "no reason given"; rows = rows "  not run: " test " (" reason ")\n" }
  END { printf "%s%d passed, %d failed, %d skipped\n", rows, tests - failed - skipped, failed, skipped; exit !(tests > 0 && failed == 0) }'
