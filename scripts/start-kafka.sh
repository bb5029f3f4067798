#!/usr/bin/env bash
# Starts a Kafka broker of one node for tests and waits until it answers. Needs Java 17, and Maven for the first start.
#
#   scripts/start-kafka.sh [PORT] [VERSION]      by default 9092 and 4.3.1; the port after PORT is the controller's
#
# Prints "PID PORT DATA" on one line. `kill PID` stops it, `kill -9 PID` is a crash; DATA is then the caller's to remove.
#
#   NCF_KAFKA_JARS   folder that keeps the jars, 230 MB; by default ~/.cache/ncf-stream/kafka
#   NCF_KAFKA_DATA   folder for records and logs; by default a new temporary one. One used before is gone on with.
#   NCF_KAFKA_PROPERTIES   file of the broker's settings that are not as below: to ask for passwords, or to be one of several
#   NCF_KAFKA_CLUSTER   id of the cluster, 22 characters of base64url, the same for all its brokers; by default a new one
#   NCF_KAFKA_SCRAM   a user that may log in by SCRAM from the first start on, as name=USER,password=PASSWORD
set -euo pipefail

port=${1:-9092}
version=${2:-4.3.1}
controller=$((port + 1))
jars=${NCF_KAFKA_JARS:-$HOME/.cache/ncf-stream/kafka}/kafka-$version
data=${NCF_KAFKA_DATA:-$(mktemp -d)}
mkdir -p "$data"

if [ ! -e "$jars/.complete" ]; then
  echo "fetching the jars of Kafka $version into $jars" >&2
  mkdir -p "$jars"
  pom=$(mktemp -d)
  cat >"$pom/pom.xml" <<XML
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>local</groupId><artifactId>kafka</artifactId><version>1</version><packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>$version</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-simple</artifactId><version>1.7.36</version></dependency>
  </dependencies>
</project>
XML
  mvn -q -B -f "$pom/pom.xml" dependency:copy-dependencies -DincludeScope=runtime -DoutputDirectory="$jars" >&2
  rm -r "$pom"
  touch "$jars/.complete"
fi

cat >"$data/server.properties" <<PROPERTIES
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:$controller
listeners=PLAINTEXT://127.0.0.1:$port,CONTROLLER://127.0.0.1:$controller
advertised.listeners=PLAINTEXT://127.0.0.1:$port
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
inter.broker.listener.name=PLAINTEXT
log.dirs=$data/logs
default.replication.factor=1
auto.create.topics.enable=false
# By default these topics have three replicas, and on one node no group or transaction ever gets a coordinator.
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
# Small and quick to start.
offsets.topic.num.partitions=4
transaction.state.log.num.partitions=4
group.initial.rebalance.delay.ms=0
# Tests of takeovers need not wait for 6 s each.
group.min.session.timeout.ms=1000
log.index.size.max.bytes=1048576
log.cleaner.dedupe.buffer.size=2097152
num.network.threads=2
num.io.threads=4
PROPERTIES
# Of two lines for one setting, the later counts.
[ -z "${NCF_KAFKA_PROPERTIES:-}" ] || cat "$NCF_KAFKA_PROPERTIES" >>"$data/server.properties"

if [ ! -e "$data/logs/meta.properties" ]; then
  # May start with a dash, hence the = below.
  id=${NCF_KAFKA_CLUSTER:-$(head -c16 /dev/urandom | base64 | tr '+/' '-_' | tr -d '=')}
  scram=()
  for mechanism in ${NCF_KAFKA_SCRAM:+SCRAM-SHA-256 SCRAM-SHA-512}; do
    scram+=("--add-scram=$mechanism=[$NCF_KAFKA_SCRAM]")
  done
  java -Xmx128m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -cp "$jars/*" \
    kafka.tools.StorageTool format --cluster-id="$id" -c "$data/server.properties" ${scram[@]+"${scram[@]}"} >"$data/format.log" 2>&1 ||
    { cat "$data/format.log" >&2; exit 1; }
fi

# What listens there already would be taken for the broker. One that was killed just now takes a moment to go.
for waited in $(seq 0 30); do
  (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || break
  if [ "$waited" -eq 30 ]; then
    echo "expected port $port to be free, found that something listens there: stop it, or give another port" >&2
    exit 1
  fi
  sleep 0.1
done

# A session of its own: Ctrl-C in the caller's terminal is not for the broker.
setsid java -Xms64m -Xmx256m -XX:+UseSerialGC \
  -Dorg.slf4j.simpleLogger.logFile="$data/broker.log" -Dorg.slf4j.simpleLogger.defaultLogLevel=warn \
  -cp "$jars/*" kafka.Kafka "$data/server.properties" >"$data/stdout.log" 2>&1 </dev/null &
pid=$!

for _ in $(seq 300); do
  kill -0 "$pid" 2>/dev/null || { echo "the broker ended" >&2; tail -n 30 "$data/stdout.log" "$data/broker.log" >&2; exit 1; }
  # The port opens only once the broker is registered.
  if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
    echo "$pid $port $data"
    exit 0
  fi
  sleep 0.1
done
echo "the broker does not answer on port $port after 30 s; see $data" >&2
kill "$pid"
exit 1
