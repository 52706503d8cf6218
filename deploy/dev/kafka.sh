#!/usr/bin/env bash
# A real Kafka for tests and for trying things out: one or three KRaft nodes on loopback, on free ports, out of Maven's jars.
# Needs Java 17 and Maven (deploy/dev/setup.sh servers), no container.
#
#   kafka.sh start [NODES]       1 or 3; waits until they serve, prints KAFKA_BROKERS=…; does nothing for nodes that run
#   kafka.sh stop [N]            one node or all, in order; the data stay
#   kafka.sh kill N              SIGKILL
#   kafka.sh restart N           starts a node that was stopped or killed, and waits for it
#   kafka.sh freeze N, thaw N    a node that hangs, and that goes on
#   kafka.sh topic NAME [PARTITIONS]
#   kafka.sh tool CLASS …        a tool of org.apache.kafka.tools, with the brokers given to it
#   kafka.sh wipe                all nodes and their data are gone
#
# WHITTLE_KAFKA_DIR   folder of the data (servers/kafka in cargo's target folder); one cluster a folder
# WHITTLE_KAFKA_OWNER process id; once that process is gone, so is the cluster
# WHITTLE_KAFKA_CONF  further lines for server.properties; they win
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
dir=${WHITTLE_KAFKA_DIR:-${CARGO_TARGET_DIR:-$here/../../target}/servers/kafka}
version=$(sed -n '/kafka-tools/,/version/s|.*<version>\(.*\)</version>|\1|p' "$here/kafka-jars.xml")
jars=${XDG_CACHE_HOME:-$HOME/.cache}/whittle/kafka-$version
patience=120

fail() { printf 'kafka.sh: %s\n' "$*" >&2; exit 1; }

# ---- what is needed -------------------------------------------------------------------------------------------------------

need_java() {
  local major
  command -v java >/dev/null 2>&1 || fail 'Java is missing: deploy/dev/setup.sh servers'
  major=$(java -version 2>&1 | grep -oE '"[0-9]+' | head -1 | tr -d '"')
  [ "${major:-0}" -ge 17 ] || fail "Java 17 or newer is needed, this is ${major:-unknown}"
}

# The jars are the same for all clusters of this user. Whoever comes second waits for whoever fetches them.
need_jars() {
  [ ! -e "$jars/whole" ] || return 0
  command -v mvn >/dev/null 2>&1 || fail 'Maven is missing: deploy/dev/setup.sh servers'
  mkdir -p "$jars"
  exec 7> "$jars/lock"
  flock 7
  if [ ! -e "$jars/whole" ]; then
    printf 'kafka.sh: fetching Kafka %s\n' "$version" >&2
    mvn --quiet --batch-mode --file "$here/kafka-jars.xml" org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies \
      -DincludeScope=runtime -DoutputDirectory="$jars" >"$jars/fetch.log" 2>&1 || { tail -n 15 "$jars/fetch.log" >&2; fail 'the jars cannot be fetched'; }
    touch "$jars/whole"
  fi
  exec 7>&-
}

# A short run with Kafka's jars.
kafka_java() {
  java -Xmx192m -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Dlevel=warn -Dlog4j2.configurationFile="$dir/log.properties" -cp "$jars/*" "$@"
}

# ---- one node -------------------------------------------------------------------------------------------------------------

# A recorded id counts only if that process still is this node: ids are used again, and a killed child may linger as a zombie.
pid_of() {
  local pid
  pid=$(cat "$dir/$1/pid" 2>/dev/null) || return 1
  grep -qaF "$dir/$1/server.properties" "/proc/$pid/cmdline" 2>/dev/null || return 1
  printf '%s\n' "$pid"
}

is_open() { (: <>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

broker_port() { sed -n "${1}p" "$dir/ports" | cut -d' ' -f1; }
nodes() { if [ -e "$dir/ports" ]; then wc -l <"$dir/ports"; else echo 0; fi; }
brokers() { cut -d' ' -f1 "$dir/ports" | sed 's/^/127.0.0.1:/' | paste -sd,; }

check_node() { [[ ${1:-} =~ ^[123]$ ]] && [ "$1" -le "$(nodes)" ] || fail "there is no node '${1:-}'"; }

spawn() {
  need_java; need_jars
  pid_of "$1" >/dev/null && return 0
  : >"$dir/$1/log"
  (
    cd "$dir/$1"
    # shellcheck disable=SC2016
    setsid sh -c 'echo $$ >pid; exec "$@"' sh java -Xms256m -Xmx256m -XX:+UseG1GC -XX:TieredStopAtLevel=1 -Dlog4j2.configurationFile="$dir/log.properties" -Dkafka.logs.dir="$dir/$1" \
      -cp "$jars/*" kafka.Kafka "$dir/$1/server.properties" </dev/null >log 2>&1 8>&- &
  )
}

await() {
  local until=$((SECONDS + patience)) seen=
  while ! { grep -q 'Kafka Server started' "$dir/$1/log" && is_open "$(broker_port "$1")"; }; do
    if pid_of "$1" >/dev/null; then seen=1; elif [ -n "$seen" ]; then tail -n 20 "$dir/$1/log" >&2; fail "node $1 ended"; fi
    [ $SECONDS -lt $until ] || { tail -n 20 "$dir/$1/log" >&2; fail "node $1 does not serve after $patience s"; }
    sleep 0.1
  done
}

# Ends nodes by a signal, and by SIGKILL where that is not obeyed: the last of three finds nobody left to say goodbye to.
end() {
  local signal=$1 node pid until=$((SECONDS + 12))
  shift
  for node in "$@"; do
    if pid=$(pid_of "$node"); then kill -"$signal" "$pid" 2>/dev/null || :; kill -CONT "$pid" 2>/dev/null || :; fi
  done
  for node in "$@"; do
    while pid=$(pid_of "$node"); do
      [ $SECONDS -lt $until ] || kill -KILL "$pid" 2>/dev/null || :
      sleep 0.05
    done
  done
}

# ---- the cluster ----------------------------------------------------------------------------------------------------------

# Ports below those that the kernel gives to outgoing connections, which would otherwise take one of a node that is down.
choose_ports() {
  local wanted=$(($1 * 2)) chosen=() port
  while [ ${#chosen[@]} -lt $wanted ]; do
    port=$((16000 + RANDOM % 16000))
    is_open $port || [[ " ${chosen[*]} " == *" $port "* ]] || chosen+=("$port")
  done
  printf '%s %s\n' "${chosen[@]}"
}

random_id() { head -c 16 /dev/urandom | base64 | tr '+/' 'AB' | tr -d '='; }

configure() {
  local node=$1 count=$2 own ctl voters
  own=$(broker_port "$node")
  ctl=$(sed -n "${node}p" "$dir/ports" | cut -d' ' -f2)
  voters=$(cut -d' ' -f2 "$dir/ports" | sed 's/^/127.0.0.1:/' | paste -sd,)
  cat <<P
node.id=$node
process.roles=broker,controller
controller.quorum.bootstrap.servers=$voters
controller.listener.names=INNER
listeners=OUTER://127.0.0.1:$own,INNER://127.0.0.1:$ctl
advertised.listeners=OUTER://127.0.0.1:$own,INNER://127.0.0.1:$ctl
listener.security.protocol.map=OUTER:PLAINTEXT,INNER:PLAINTEXT
inter.broker.listener.name=OUTER
log.dirs=$dir/$node/data
# Topics are made by the program, as in most clusters.
auto.create.topics.enable=false
default.replication.factor=$count
min.insync.replicas=$((count / 2 + 1))
offsets.topic.replication.factor=$count
offsets.topic.num.partitions=3
transaction.state.log.replication.factor=$count
transaction.state.log.min.isr=$((count / 2 + 1))
transaction.state.log.num.partitions=2
num.network.threads=2
num.io.threads=3
# Its buffer alone would be half of the heap.
log.cleaner.dedupe.buffer.size=4194304
# Quicker than a cluster in use, since tests wait for each of these: a node that is gone, a member that is gone, a heartbeat.
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
group.consumer.min.session.timeout.ms=1000
group.consumer.session.timeout.ms=6000
group.consumer.min.heartbeat.interval.ms=200
group.consumer.heartbeat.interval.ms=500
${WHITTLE_KAFKA_CONF:-}
P
}

form() {
  local count=$1 node voters=() cluster jobs=()
  cluster=$(random_id)
  choose_ports "$count" >"$dir/ports"
  cat >"$dir/log.properties" <<'P'
appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1}: %m%n
rootLogger.level = ${sys:level:-info}
rootLogger.appenderRef.out.ref = out
P
  if [ "$count" = 1 ]; then
    voters=(--standalone)
  else
    for ((node = 1; node <= count; node++)); do
      voters+=("$node@127.0.0.1:$(sed -n "${node}p" "$dir/ports" | cut -d' ' -f2):$(random_id)")
    done
    voters=(--initial-controllers "$(IFS=,; echo "${voters[*]}")")
  fi
  for ((node = 1; node <= count; node++)); do
    mkdir -p "$dir/$node"
    configure "$node" "$count" >"$dir/$node/server.properties"
    kafka_java kafka.tools.StorageTool format -t "$cluster" "${voters[@]}" -c "$dir/$node/server.properties" >"$dir/$node/log" 2>&1 &
    jobs+=($!)
  done
  for node in "${!jobs[@]}"; do
    wait "${jobs[$node]}" || { tail -n 10 "$dir/$((node + 1))/log" >&2; rm -f "$dir/ports"; fail 'a node cannot be made'; }
  done
}

# Servers outlive the shell that starts them; this keeps them from outliving whoever uses them.
watch_owner() {
  [ -n "${WHITTLE_KAFKA_OWNER:-}" ] || return 0
  # shellcheck disable=SC2016
  WHITTLE_KAFKA_DIR=$dir setsid bash -c 'while kill -0 "$1" 2>/dev/null; do sleep 1; done; exec "$2" wipe' - \
    "$WHITTLE_KAFKA_OWNER" "$here/kafka.sh" </dev/null >/dev/null 2>&1 8>&- &
}

start() {
  local count=${1:-} node
  need_java; need_jars
  exec 8>"$dir.lock"
  flock 8
  if [ "$(nodes)" = 0 ]; then
    [[ ${count:=1} =~ ^[13]$ ]] || fail 'a cluster has 1 or 3 nodes'
    form "$count"
    watch_owner
  fi
  [ -z "$count" ] || [ "$count" = "$(nodes)" ] || fail "the cluster in $dir has $(nodes) nodes; wipe it first"
  for ((node = 1; node <= $(nodes); node++)); do spawn "$node"; done
  for ((node = 1; node <= $(nodes); node++)); do await "$node"; done
  printf 'KAFKA_BROKERS=%s\n' "$(brokers)"
}

command=${1:-}
shift || :
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
case $command in
  start) start "${1:-}" ;;
  stop) if [ -n "${1:-}" ]; then check_node "$1"; end TERM "$1"; else end TERM $(seq "$(nodes)"); fi ;;
  kill) check_node "${1:-}"; end KILL "$1" ;;
  restart) check_node "${1:-}"; end TERM "$1"; spawn "$1"; await "$1" ;;
  freeze) check_node "${1:-}"; kill -STOP "$(pid_of "$1" || fail "node $1 does not run")" ;;
  thaw) check_node "${1:-}"; kill -CONT "$(pid_of "$1" || fail "node $1 does not run")" ;;
  topic)
    need_java; need_jars
    kafka_java org.apache.kafka.tools.TopicCommand --bootstrap-server "$(brokers)" --create --if-not-exists --topic "${1:?the name of a topic}" --partitions "${2:-6}" ;;
  tool)
    need_java; need_jars
    class=${1:?a class of org.apache.kafka.tools}; shift
    kafka_java "org.apache.kafka.tools.$class" --bootstrap-server "$(brokers)" "$@" ;;
  wipe) end KILL $(seq "$(nodes)"); rm -rf "$dir" "$dir.lock" ;;
  *) sed -n '2,18s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2; exit 2 ;;
esac
