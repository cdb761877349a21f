#!/usr/bin/env bash
# Builds target/lib/libaws-greengrass-core-sdk-c.so with the system's C compiler, unless it is newer than its sources.
# CC and CFLAGS may be set, as for a cross compiler.
set -euo pipefail
cd "$(dirname "$(readlink -f "${BASH_SOURCE[0]}")")"
library=target/lib/libaws-greengrass-core-sdk-c.so
if [ -f "$library" ] && [ -z "$(find include src build.sh -newer "$library" -print -quit)" ]; then
  exit 0
fi
mkdir -p target/lib
new="$(mktemp target/lib/.build-XXXXXX)"
trap 'rm -f "$new"' EXIT
# shellcheck disable=SC2086
"${CC:-cc}" -std=gnu11 -Wall -Wextra ${CFLAGS:--O2} -fPIC -shared -pthread -Iinclude -o "$new" src/*.c \
  -Wl,--version-script=src/symbols.map -Wl,-soname,libaws-greengrass-core-sdk-c.so -Wl,-z,relro,-z,now,--no-undefined
chmod 755 "$new"
mv "$new" "$library"
