# What the launcher is made of. Sourced by ../../ryegrass, which sets HOME_DIR, STATE, DATA and VERSION.

say() { echo "ryegrass: $*" >&2; }
fail() { say "$*"; exit 1; }
wants_help() { local a; for a in "$@"; do case "$a" in --help | -h) return 0 ;; esac; done; return 1; }

names_data() { local a; for a in "$@"; do case "$a" in --data | --data=*) return 0 ;; esac; done; return 1; }

# --- the JDK -----------------------------------------------------------------------------------

is_jdk_25() {
  [ -x "$1/bin/java" ] && [ -x "$1/bin/javac" ] && grep -q '^JAVA_VERSION="25' "$1/release" 2>/dev/null
}

find_jdk() {
  local candidate on_path
  on_path="$(command -v javac 2>/dev/null || true)"
  [ -n "$on_path" ] && on_path="$(dirname "$(dirname "$(readlink -f "$on_path")")")"
  for candidate in "${JAVA_HOME:-}" "$on_path" /usr/lib/jvm/*; do
    if [ -n "$candidate" ] && is_jdk_25 "$candidate"; then
      JAVA_HOME="$candidate"
      export JAVA_HOME
      return
    fi
  done
  fail "no JDK 25 found in JAVA_HOME, on the PATH or under /usr/lib/jvm; install one (for example temurin-25-jdk) or set JAVA_HOME to it"
}

# --- the build ---------------------------------------------------------------------------------

# One line that changes whenever a file that the build reads is added, edited or removed.
fingerprint() {
  (cd "$HOME_DIR" && find pom.xml .mvn dist/launcher dist/v1 base protocol core cloud cli demo bench examples runtimes tests/crash \
    \( -name target -o -name node_modules -o -name __pycache__ -o -name '*.pyc' \) -prune -o -type f -printf '%p %s %T@\n' 2>/dev/null \
    | LC_ALL=C sort | sha256sum | cut -d' ' -f1)
}

show_progress() {
  local line
  while IFS= read -r line; do
    case "$line" in
      *"[INFO] Building "*"["*"]"*) say "build ${line##*Building }" ;;
      *"[ERROR]"*) echo "$line" >&2 ;;
      *"Tests run:"*"Time elapsed"*) echo "  ${line#*] }" >&2 ;;
    esac
  done
}

maven() {
  command -v mvn >/dev/null || fail "Maven is missing; install it (apt-get install maven)"
  (cd "$HOME_DIR" && mvn -B -ntp -Dstyle.color=never "$@") 2>&1 | tee -a "$STATE/build.log" | show_progress
}

build() {
  [ -n "${RYEGRASS_NO_BUILD:-}" ] && return 0
  mkdir -p "$STATE" 2>/dev/null || fail "cannot write $STATE; build once as the owner of $HOME_DIR"
  local now
  now="$(fingerprint)"
  [ "$(cat "$STATE/fingerprint" 2>/dev/null)" = "$now" ] && return 0
  exec 8>"$STATE/build.lock"
  flock -n 8 || { say "another build runs in $HOME_DIR; waiting for it"; flock -w 1800 8 || fail "the other build did not end in 30 minutes"; }
  if [ "$(cat "$STATE/fingerprint" 2>/dev/null)" != "$now" ]; then
    find_jdk
    say "building (the first time fetches libraries and AWS's service models, 91 MB; later builds do not)"
    : >"$STATE/build.log"
    rm -rf "$HOME_DIR"/{core/app,cloud/app,cli,demo,bench}/target/lib # a library that left must not linger
    maven package -DskipTests || fail "the build failed; the whole log is $STATE/build.log"
    build_runtimes
    make_aot_caches
    fingerprint >"$STATE/fingerprint"
  fi
  exec 8>&-
}

# What runs beside functions and is no Java: the library of C functions, where there is a C compiler (without it the core
# refuses such functions, by name), and the Python runtime compiled for the system's interpreters, which saves each start of a
# function some milliseconds.
build_runtimes() {
  local python
  if can_compile_c; then
    bash "$HOME_DIR/runtimes/c/build.sh" >>"$STATE/build.log" 2>&1 || say "runtimes/c could not be built (see $STATE/build.log); functions that are C executables will be refused"
  else
    say "there is no C compiler here, so functions that are C executables will be refused; to have them: sudo apt-get install -y gcc libc6-dev, then ./ryegrass build"
  fi
  for python in /usr/bin/python[23].* /usr/local/bin/python[23].*; do
    case "$python" in *[0-9]) "$python" -m compileall -q "$HOME_DIR/runtimes/python" >>"$STATE/build.log" 2>&1 || true ;; esac
  done
}

can_compile_c() { printf '#include <stdio.h>\nint main(void) { return 0; }\n' | cc -x c -fsyntax-only - >/dev/null 2>&1; }

# --- starting a program ------------------------------------------------------------------------

module_of() { case "$1" in core) echo core/app ;; cloud) echo cloud/app ;; demo) echo demo ;; bench | bench-mqtt | bench-nucleus | bench-cloud | bench-lambda | bench-groups) echo bench ;; provision | adopt | install | uninstall | cli | import | groups | fleet) echo cli ;; mqtt) echo core/app ;; crash) echo tests/crash ;; esac; }
main_of() {
  case "$1" in
    core) echo io.ryegrass.coreapp.CoreMain ;;
    cloud) echo io.ryegrass.cloudapp.CloudMain ;;
    demo) echo io.ryegrass.demo.DemoMain ;;
    bench) echo io.ryegrass.bench.StartBenchMain ;;
    bench-mqtt) echo io.ryegrass.bench.mqtt.MqttBenchMain ;;
    bench-nucleus) echo io.ryegrass.bench.nucleus.NucleusBenchMain ;;
    bench-cloud) echo io.ryegrass.bench.cloud.CloudBenchMain ;;
    bench-lambda) echo io.ryegrass.bench.lambda.LambdaBenchMain ;;
    bench-groups) echo io.ryegrass.bench.groups.GroupsBenchMain ;;
    provision) echo io.ryegrass.cli.ProvisionMain ;;
    adopt) echo io.ryegrass.cli.v1.AdoptMain ;;
    import) echo io.ryegrass.cli.v1.ImportMain ;;
    groups) echo io.ryegrass.cli.v1.GroupsMain ;;
    install) echo io.ryegrass.cli.install.InstallMain ;;
    uninstall) echo io.ryegrass.cli.install.UninstallMain ;;
    cli) echo io.ryegrass.cli.device.CliMain ;;
    fleet) echo io.ryegrass.cli.fleet.FleetMain ;;
    mqtt) echo io.ryegrass.mqtt.program.MqttMain ;;
    crash) echo io.ryegrass.crashtests.CrashMain ;;
  esac
}

# The class path in one fixed order: an AOT cache is only good for the class path it was made with.
class_path() {
  local module="$1" jars
  jars="$(cd "$HOME_DIR/$module/target" && { ls ryegrass-*-"$VERSION".jar; ls lib/*.jar; } | LC_ALL=C sort | sed "s|^|$HOME_DIR/$module/target/|" | paste -sd:)"
  echo "$jars"
}

jvm_options() {
  case "$1" in
    # The heap is for 10,000 clients in mutual TLS (12 KB each) and 100 MB of queued messages; a small young generation
    # and tight free ratios let it be small as long as there are few. The first compiler alone is fast enough (decision 015)
    # and leaves 25 MB less behind. What the compilers freed
    # goes back to the system (15 MB).
    mqtt) echo "-XX:TieredStopAtLevel=1 --add-opens=java.base/sun.nio.ch=ALL-UNNAMED -Dio.netty.tryReflectionSetAccessible=true -XX:+UseSerialGC -XX:+UseCompactObjectHeaders -Xms16m -Xmx320m -Xmn12m -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=20 -Xss512k -XX:ReservedCodeCacheSize=48m -XX:MaxMetaspaceSize=96m -XX:TrimNativeHeapInterval=5000" ;;
    bench-mqtt | bench-nucleus | bench-lambda | bench-groups) echo "-XX:+UseSerialGC -Xmx1g -Dslf4j.internal.verbosity=ERROR" ;;
    bench-cloud) echo "-XX:+UseSerialGC -Xmx2g -Dslf4j.internal.verbosity=ERROR" ;; # the TLS of 10,000 clients
    # Decisions 008 and 019. The AOT cache is mapped where it was made for: nothing in it has to be rewritten, and half of
    # it stays a file that the system can drop. What the compiler freed goes back to the system.
    core) echo "-Dio.netty.allocator.type=unpooled -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+UseCompactObjectHeaders -Xms8m -Xmx96m -Xmn3m -XX:MinHeapFreeRatio=5 -XX:MaxHeapFreeRatio=15 -Xss512k -XX:MaxMetaspaceSize=96m -XX:ReservedCodeCacheSize=24m -XX:TrimNativeHeapInterval=5000 -XX:+UnlockDiagnosticVMOptions -XX:ArchiveRelocationMode=0" ;;
    # The heap is for 10,000 cores (docs/bench-cloud.md) with room for calls on top, in a container of 1.5 GB; it grows only with them.
    cloud) echo "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -XX:+UseCompactObjectHeaders -Xms32m -Xmx640m -Xmn16m -XX:MinHeapFreeRatio=10 -XX:MaxHeapFreeRatio=30" ;;
    *) echo "-XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m" ;;
  esac
  echo "-Dstdout.encoding=UTF-8 -Dstderr.encoding=UTF-8 -Drx2.computation-threads=1 -Drx2.purge-enabled=false --enable-native-access=ALL-UNNAMED --sun-misc-unsafe-memory-access=allow"
  echo "-Dryegrass.home=$HOME_DIR -Dryegrass.runtimes=$HOME_DIR/runtimes"
}

aot_option() {
  local cache="$STATE/aot/$1.aot"
  [ -f "$cache" ] && echo "-XX:AOTCache=$cache -Xlog:aot*=off -Xlog:cds*=off"
  return 0
}

run_java() {
  local program="$1" module
  shift
  module="$(module_of "$program")"
  find_jdk
  build
  export RYEGRASS_DATA="$DATA"
  # The cloud without --data lives in the data folder that 'provision' and 'aws' look for as well.
  if [ "$program" = cloud ] && ! names_data "$@"; then set -- --data "$DATA" "$@"; fi
  # Components and functions written in Java find a java even where only JAVA_HOME says where it is.
  export PATH="$PATH:$JAVA_HOME/bin"
  # The daemon of a V1 folder is known by the name under which 'ps' lists it.
  local name=()
  if [ -n "${RYEGRASS_PROCESS_NAME:-}" ]; then name=(-a "$RYEGRASS_PROCESS_NAME"); unset RYEGRASS_PROCESS_NAME; fi
  # shellcheck disable=SC2046
  exec "${name[@]}" "$JAVA_HOME/bin/java" $(jvm_options "$program") $(aot_option "$program") ${RYEGRASS_JVM_OPTIONS:-} \
    -cp "$(class_path "$module")" "$(main_of "$program")" "$@"
}

# --- the AOT caches: a real cloud and a real core run once, and leave what they loaded -----------

# The command line lists the components of a core without a cloud, once.
train_cli() {
  local root core done_with=1 i
  root="$(mktemp -d "${TMPDIR:-/tmp}/ryegrass-train-XXXXXX")"
  # shellcheck disable=SC2046
  "$JAVA_HOME/bin/java" $(jvm_options core) -cp "$(class_path core/app)" "$(main_of core)" --root "$root" >"$STATE/train-cli.log" 2>&1 &
  core=$!
  for ((i = 0; i < 150; i++)); do
    grep -q ready "$STATE/train-cli.log" 2>/dev/null && break
    sleep 0.2
  done
  # shellcheck disable=SC2046
  "$JAVA_HOME/bin/java" $(jvm_options cli) "-XX:AOTCacheOutput=$STATE/aot/cli.aot" -cp "$(class_path cli)" "$(main_of cli)" \
    --ggcRootPath "$root" component list >>"$STATE/train-cli.log" 2>&1 && done_with=0
  kill "$core" 2>/dev/null
  wait "$core" 2>/dev/null || true
  rm -rf "$root"
  [ $done_with -eq 0 ] && [ -s "$STATE/aot/cli.aot" ]
}

make_aot_caches() {
  local work aot="$STATE/aot"
  rm -rf "$aot"
  mkdir -p "$aot"
  work="$(mktemp -d "${TMPDIR:-/tmp}/ryegrass-train-XXXXXX")"
  say "training the start of cloud, core and mqtt (AOT cache)"
  # shellcheck disable=SC2046
  if "$JAVA_HOME/bin/java" $(jvm_options demo) -cp "$(class_path demo)" "$(main_of demo)" --dir "$work" --train "$aot" \
    >"$STATE/train.log" 2>&1 && [ -s "$aot/cloud.aot" ] && [ -s "$aot/core.aot" ]; then
    rm -rf "$work"
  else
    say "the training run failed (see $STATE/train.log and $work/logs); programs start without an AOT cache, more slowly"
    rm -rf "$aot"
    return
  fi
  train_cli || { say "the training run of cli failed (see $STATE/train-cli.log); it starts without an AOT cache, more slowly"; rm -f "$aot/cli.aot"; }
  train_mqtt || { say "the training run of mqtt failed (see $STATE/train-mqtt.log); it starts without an AOT cache, more slowly"; rm -f "$aot/mqtt.aot"; }
}

# A broker with every kind of listener runs once; a client that is nothing but this shell connects, subscribes,
# publishes and leaves, so that the cache holds what the first client needs.
train_mqtt() {
  local work pid port ready tls=()
  work="$(mktemp -d "${TMPDIR:-/tmp}/ryegrass-train-XXXXXX")"
  if openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=train \
    -keyout "$work/key.pem" -out "$work/cert.pem" >"$STATE/train-mqtt.log" 2>&1; then
    tls=(--tls-port 0 --wss 0 --cert "$work/cert.pem" --key "$work/key.pem")
  fi
  # shellcheck disable=SC2046
  "$JAVA_HOME/bin/java" $(jvm_options mqtt) -XX:AOTCacheOutput="$STATE/aot/mqtt.aot" -XX:-AOTClassLinking -cp "$(class_path "$(module_of mqtt)")" \
    "$(main_of mqtt)" --port 0 --ws 0 "${tls[@]}" --anonymous --data "$work/data" >"$work/ready" 2>>"$STATE/train-mqtt.log" &
  pid=$!
  for _ in $(seq 100); do grep -q '^mqtt broker ready' "$work/ready" 2>/dev/null && break; sleep 0.1; done
  ready="$(grep '^mqtt broker ready' "$work/ready")"
  port="$(sed -n 's/.* port=\([0-9]*\).*/\1/p' <<<"$ready")"
  if [ -n "$port" ]; then
    (
      exec 3<>"/dev/tcp/127.0.0.1/$port"
      printf '\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01t' >&3    # CONNECT as t
      printf '\x82\x06\x00\x01\x00\x01t\x01' >&3                   # SUBSCRIBE t, QoS 1
      printf '\x32\x06\x00\x01t\x00\x02x\xc0\x00' >&3               # PUBLISH t, QoS 1; PINGREQ
      timeout 2 head -c 21 <&3 >/dev/null
      printf '\xe0\x00' >&3                                        # DISCONNECT
    ) 2>>"$STATE/train-mqtt.log"
    port="$(sed -n 's/.* tls=\([0-9]*\).*/\1/p' <<<"$ready")"
    if [ -n "$port" ]; then
      printf '\x10\x0d\x00\x04MQTT\x04\x02\x00\x3c\x00\x01s\xe0\x00' \
        | timeout 3 openssl s_client -quiet -connect "127.0.0.1:$port" >>"$STATE/train-mqtt.log" 2>&1
    fi
  fi
  kill "$pid" 2>/dev/null
  wait "$pid"
  rm -rf "$work"
  [ -s "$STATE/aot/mqtt.aot" ]
}

# --- what the machine must have ------------------------------------------------------------------

apt_package() {
  case "$1" in
    aws) echo awscli ;; mosquitto_pub) echo mosquitto-clients ;; runc) echo runc ;; cc) echo gcc libc6-dev ;; python3) echo python3 ;; openssl) echo openssl ;;
    setpriv | taskset) echo util-linux ;; *) echo "$1" ;;
  esac
}

require() { # COMMAND...: installs what is missing when root, else names the one command that does
  local missing=() packages=() c
  for c in "$@"; do
    if [ "$c" = cc ]; then can_compile_c; else command -v "$c" >/dev/null 2>&1; fi && continue
    missing+=("$c")
    read -ra c <<<"$(apt_package "$c")"
    packages+=("${c[@]}")
  done
  [ ${#missing[@]} -eq 0 ] && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "installing ${packages[*]} (for: ${missing[*]})"
    { apt-get -o DPkg::Lock::Timeout=600 update && apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends "${packages[@]}"; } \
      >"${TMPDIR:-/tmp}/ryegrass-apt.log" 2>&1 || fail "apt-get could not install ${packages[*]}; see ${TMPDIR:-/tmp}/ryegrass-apt.log"
  else
    fail "missing: ${missing[*]}; install with: sudo apt-get install -y --no-install-recommends ${packages[*]}"
  fi
}

prepare_demo() {
  require aws python3
  [ "$(id -u)" -eq 0 ] && require runc
  return 0
}

# The tests of the cloud's store start servers of their own; a cluster of the machine is neither made nor touched.
# Without PostgreSQL what needs it is skipped, and says so.
offer_postgresql() { # WHAT is skipped without it
  compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null && return 0
  if [ "$(id -u)" -eq 0 ] && command -v apt-get >/dev/null; then
    say "installing postgresql, without which $1 skipped"
    if [ ! -e /etc/postgresql-common ]; then
      mkdir -p /etc/postgresql-common/createcluster.d
      echo 'create_main_cluster = false' >/etc/postgresql-common/createcluster.d/no-main-cluster.conf
    fi
    { apt-get -o DPkg::Lock::Timeout=600 update && apt-get -o DPkg::Lock::Timeout=600 install -y --no-install-recommends postgresql; } \
      >"${TMPDIR:-/tmp}/ryegrass-apt.log" 2>&1 && return 0
    say "apt-get could not install postgresql (see ${TMPDIR:-/tmp}/ryegrass-apt.log); $1 skipped"
  else
    say "$1 skipped; to run it, install it with: sudo apt-get install -y --no-install-recommends postgresql"
  fi
}

doctor() {
  local c
  find_jdk
  echo "jdk        $JAVA_HOME"
  for c in mvn node python3 cc aws mosquitto_pub runc openssl; do
    if command -v "$c" >/dev/null 2>&1; then echo "$c $(command -v "$c")"; else echo "$c missing: apt-get install -y $(apt_package "$c")"; fi
  done | column -t
}

# --- tests ---------------------------------------------------------------------------------------

# A folder in memory for what the tests write and wait for, where there is room and programs start from it.
memory_folder() {
  local free folder
  free="$(df -Pk /dev/shm 2>/dev/null | awk 'NR == 2 { print $4 }')"
  [ "${free:-0}" -ge 2097152 ] || return 0
  awk '/^MemAvailable:/ { exit $2 < 4194304 }' /proc/meminfo || return 0
  folder="$(mktemp -d /dev/shm/rg-XXXX)" || return 0
  printf '#!/bin/sh\n' >"$folder/starts" && chmod 755 "$folder" "$folder/starts"
  if "$folder/starts" 2>/dev/null; then rm "$folder/starts"; echo "$folder"; else rm -rf "$folder"; fi
}

run_tests() {
  # as root, components are run only as somebody who was named
  export RYEGRASS_COMPONENT_DEFAULT_USER="${RYEGRASS_COMPONENT_DEFAULT_USER:-$(id -un)}"
  prepare_demo
  require openssl mosquitto_pub cc
  [ "$(id -u)" -ne 0 ] || (require crun) || say "what tests containers by crun is skipped"
  offer_postgresql "what tests the cloud's store on it is"
  find_jdk
  mkdir -p "$STATE"
  : >"$STATE/build.log"
  build_runtimes
  local outcome=0 memory
  memory="$(memory_folder)"
  # shellcheck disable=SC2064 # now, not then
  trap "rm -rf ${memory:-}" EXIT
  find "$HOME_DIR" -path '*/target/surefire-reports/*.xml' -delete
  # Two modules at a time: tests wait more than they compute.
  maven verify -Pexamples --fail-at-end -T 2 ${memory:+"-Dtests.memory=$memory"} || outcome=$?
  if [ $outcome -eq 0 ]; then
    make_aot_caches
    fingerprint >"$STATE/fingerprint"
    RYEGRASS_NO_BUILD=1 maven -f tests/acceptance/pom.xml verify || outcome=$?
  else
    say "the acceptance tests did not run, because what they need failed above"
  fi
  bash "$HOME_DIR/dist/launcher/summary.sh" "$HOME_DIR" || outcome=1
  [ $outcome -eq 0 ] || say "tests failed; the whole log is $STATE/build.log"
  return $outcome
}

# --- the AWS CLI against our cloud ---------------------------------------------------------------

run_aws() {
  local api region
  if [ "${1:-}" = --data ]; then DATA="${2:?--data needs a folder}"; shift 2; fi
  command -v aws >/dev/null || fail "the AWS CLI is missing; install it with: apt-get install -y awscli"
  [ -r "$DATA/endpoints.json" ] || fail "no cloud has run with data folder $DATA; start one with './ryegrass cloud --data $DATA', or name its folder with --data or RYEGRASS_DATA"
  api="$(sed -n 's/.*"apiUrl" *: *"\([^"]*\)".*/\1/p' "$DATA/endpoints.json")"
  region="$(sed -n 's/.*"region" *: *"\([^"]*\)".*/\1/p' "$DATA/endpoints.json")"
  AWS_SHARED_CREDENTIALS_FILE="$DATA/credentials" AWS_CONFIG_FILE=/dev/null AWS_DEFAULT_REGION="$region" AWS_PAGER='' \
    AWS_EC2_METADATA_DISABLED=true exec env -u AWS_ACCESS_KEY_ID -u AWS_SECRET_ACCESS_KEY -u AWS_SESSION_TOKEN -u AWS_PROFILE \
    aws --endpoint-url "$api" "$@"
}

# The other brokers of 'bench mqtt': built when they are asked for, on class paths of their own.
prepare_bench_mqtt() {
  local peers=ryegrass,mosquitto,hivemq,moquette peer folder jar previous=
  for peer in "$@"; do [ "$previous" = --peers ] && peers="$peer"; previous="$peer"; done
  require openssl taskset
  case ",$peers," in *,mosquitto,*) [ -x /usr/sbin/mosquitto ] || require mosquitto ;; esac
  find_jdk
  mkdir -p "$STATE"
  for peer in hivemq moquette; do
    case ",$peers," in *",$peer,"*) ;; *) continue ;; esac
    folder="bench/peer-$peer"
    jar="$HOME_DIR/$folder/target/peer-$peer-1.jar"
    if [ ! -f "$jar" ] || [ -n "$(find "$HOME_DIR/$folder/pom.xml" "$HOME_DIR/$folder/src" -newer "$jar" -print -quit)" ]; then
      say "building $folder, the broker $peer to compare with"
      rm -rf "$HOME_DIR/$folder/target"
      maven -f "$folder/pom.xml" package || fail "$folder could not be built (see $STATE/build.log); leave it out with: --peers ryegrass,mosquitto"
    fi
  done
}

# AWS's runtime interface clients, to be held against ours: what cannot be had here is printed as missing.
prepare_bench_lambda() {
  local folder="$HOME_DIR/bench/ric"
  find_jdk
  mkdir -p "$STATE"
  if [ ! -d "$folder/target/lib" ]; then
    say "fetching AWS's runtime interface client for Java, to compare with"
    maven -f bench/ric/pom.xml package || say "it could not be fetched (see $STATE/build.log); the comparison is left out"
  fi
  if [ ! -d "$folder/node_modules/aws-lambda-ric" ] && [ ! -e "$folder/node.failed" ] && command -v npm >/dev/null; then
    say "building AWS's runtime interface client for Node.js, to compare with (some minutes, once)"
    (cd "$folder" && npm install --no-package-lock --no-audit --no-fund) >"$STATE/ric-node.log" 2>&1 \
      || { rm -rf "$folder/node_modules"; touch "$folder/node.failed"; say "it could not be built (see $STATE/ric-node.log; it wants cmake, make, g++, autoconf, automake and libtool); remove $folder/node.failed to try again"; }
  fi
}

run_bench() {
  case "${1:-}" in
    start) shift; wants_help "$@" || prepare_demo; run_java bench "$@" ;;
    mqtt) shift; wants_help "$@" || prepare_bench_mqtt "$@"; run_java bench-mqtt "$@" ;;
    nucleus) shift; wants_help "$@" || { prepare_demo; require openssl; }; run_java bench-nucleus "$@" ;;
    cloud) shift; wants_help "$@" || offer_postgresql "the case postgresql is"; run_java bench-cloud "$@" ;;
    lambda) shift; wants_help "$@" || { prepare_demo; require openssl; prepare_bench_lambda; }; run_java bench-lambda "$@" ;;
    groups) shift; run_java bench-groups "$@" ;;
    --help | -h | '')
      echo "usage: ./ryegrass bench start [--runs N]       start times, memory and the way of a deployment"
      echo "       ./ryegrass bench nucleus [--quick] ...  a core from outside: starts, deployments, IPC, memory; 'bench nucleus --help' tells more"
      echo "       ./ryegrass bench cloud [--quick] ...    a cloud from outside: start, API, shadows, 10,000 cores; 'bench cloud --help' tells more"
      echo "       ./ryegrass bench lambda [--quick] ...   functions on a core: calls, cold starts, memory; 'bench lambda --help' tells more"
      echo "       ./ryegrass bench groups [--quick] ...   a large group of V1: its API calls, its compilation, a core that applies and changes it; 'bench groups --help' tells more"
      echo "       ./ryegrass bench mqtt [--quick] ...     the MQTT engine beside other brokers; 'bench mqtt --help' tells more"
      echo "All print 'name value unit' lines."
      [ -n "${1:-}" ] ;;
    *) say "there is no benchmark '$1'; './ryegrass bench --help' lists them"; exit 2 ;;
  esac
}

# The crash tests start and kill the programs by themselves: what follows '--' is how.
crash_mqtt() {
  # shellcheck disable=SC2046
  run_java crash mqtt "$@" -- "$JAVA_HOME/bin/java" $(jvm_options mqtt) $(aot_option mqtt) \
    -cp "$(class_path "$(module_of mqtt)")" "$(main_of mqtt)"
}

crash_core() {
  export RYEGRASS_COMPONENT_DEFAULT_USER="${RYEGRASS_COMPONENT_DEFAULT_USER:-$(id -un)}"
  wants_help "$@" || require openssl
  # shellcheck disable=SC2046
  run_java crash core "$@" -- "$JAVA_HOME/bin/java" $(jvm_options core) $(aot_option core) \
    -cp "$(class_path "$(module_of core)")" "$(main_of core)"
}

crash_usage() {
  echo "usage: ./ryegrass crash [--rounds N] [--seed S]         kill everything: mqtt, then core, N times each"
  echo "       ./ryegrass crash mqtt [--rounds N] [--seed S]    the MQTT engine; 'crash mqtt --help' tells more"
  echo "       ./ryegrass crash core [--rounds N] [--seed S]    the core; 'crash core --help' tells more"
}

run_crash() {
  local outcome=0
  case "${1:-}" in
    mqtt | core)
      local what="$1"
      shift
      find_jdk
      build
      "crash_$what" "$@" ;;
    --help | -h) crash_usage ;;
    '') crash_usage >&2; exit 2 ;;
    --*)
      find_jdk
      build
      (crash_mqtt "$@") || outcome=$?
      [ $outcome -eq 2 ] && exit 2
      (crash_core "$@") || outcome=$?
      exit $outcome ;;
    *) say "there is no crash test '$1'"; crash_usage >&2; exit 2 ;;
  esac
}
