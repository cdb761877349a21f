#!/usr/bin/env bash
# Adds up the reports of the test runner and prints its closing line; lists what did not run, and why.
set -euo pipefail
cd "$1"
find . -path '*/target/surefire-reports/TEST-*.xml' -print0 | xargs -0 -r awk '
  function text(name) { return match($0, " " name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 3, RLENGTH - length(name) - 4) : "" }
  function report(reason) { rows = rows "  not run: " test " (" reason ")\n"; waiting = 0 }
  # Counted one by one: the sums of classes that run for each of several databases leave tests out.
  /^ *<(failure|error)[ >]/ { failed++ }
  /^ *<skipped[ \/>]/ { skipped++ }
  /<testcase / { tests++; test = text("classname") ": " text("name") }
  /<skipped/ { waiting = 1; if (text("message") != "") report(text("message")) }
  waiting && match($0, /due to: \[[^]]*/) { report(substr($0, RSTART + 9, RLENGTH - 9)) }
  waiting && match($0, /Assumption failed: [^\]]*/) { report(substr($0, RSTART + 19, RLENGTH - 19)) }
  waiting && /<\/skipped>|<skipped[^>]*\/>/ { report("no reason given") }
  END { printf "%s%d passed, %d failed, %d skipped\n", rows, tests - failed - skipped, failed, skipped; exit !(tests > 0 && failed == 0) }'
