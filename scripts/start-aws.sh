#!/usr/bin/env bash
# Starts a local AWS without docker and waits until it answers: MiniStack for all services (S3, SQS, CloudFormation, Lambdas as Node
# processes, HTTP API, ...), and moto for EC2, as MiniStack ignores launch templates. Needs Python 3.11 with venv, and curl.
#
#   scripts/start-aws.sh [PORT] [MOTO_PORT]     by default 4566, and 1000 more than PORT for moto
#
# Prints "MINISTACK_PID MOTO_PID ENDPOINT MOTO_ENDPOINT LOGS" on one line. `kill PID PID` stops it (-9 if a Lambda hangs); what it
# stores is in memory. Set AWS_ENDPOINT_URL to ENDPOINT, AWS_ENDPOINT_URL_S3 too for the CDK, and AWS_ENDPOINT_URL_EC2 to MOTO_ENDPOINT.
#
#   NCF_AWS_CACHE        folder that keeps the programs, 400 MB; by default ~/.cache/ncf-stream/aws
#   NCF_AWS_LOGS         folder for logs; by default a new temporary one
#   NCF_AWS_NODE_MODULES where the CDK's own Lambdas, which are not bundled, find @aws-sdk; by default this repository's node_modules
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
port=${1:-4566}
moto_port=${2:-$((port + 1000))}
ministack_version=1.5.33
moto_version=5.2.5
cache=${NCF_AWS_CACHE:-$HOME/.cache/ncf-stream/aws}/ministack-$ministack_version-moto-$moto_version
logs=${NCF_AWS_LOGS:-$(mktemp -d)}
mkdir -p "$logs"

if [ ! -e "$cache/.complete" ]; then
  echo "fetching MiniStack $ministack_version and moto $moto_version into $cache" >&2
  # Two environments, as both pin botocore. boto3 is for the CDK's Lambda that sets bucket notifications.
  python3 -m venv "$cache/ministack"
  "$cache/ministack/bin/pip" -q install "ministack==$ministack_version" boto3 cryptography >&2
  python3 -m venv "$cache/moto"
  "$cache/moto/bin/pip" -q install "moto[server,ec2]==$moto_version" >&2
  touch "$cache/.complete"
fi

# What listens there already would be taken for an emulator.
for taken in "$port" "$moto_port"; do
  if (exec 3<>"/dev/tcp/127.0.0.1/$taken") 2>/dev/null; then
    echo "expected port $taken to be free, found that something listens there: stop it, or give another port" >&2
    exit 1
  fi
done

# Sessions of their own: Ctrl-C in the caller's terminal is not for them.
GATEWAY_PORT=$port BIND_HOST=127.0.0.1 MINISTACK_HOST=localhost MINISTACK_REGION=us-east-1 LAMBDA_EXECUTOR=local \
  SFTP_ENABLED=0 IOT_MTLS_ENABLED=0 NODE_PATH=${NCF_AWS_NODE_MODULES:-$here/node_modules} PATH="$cache/ministack/bin:$PATH" \
  setsid "$cache/ministack/bin/ministack" >"$logs/ministack.log" 2>&1 </dev/null &
ministack=$!
setsid "$cache/moto/bin/moto_server" -H 127.0.0.1 -p "$moto_port" >"$logs/moto.log" 2>&1 </dev/null &
moto=$!

for _ in $(seq 300); do
  for pid in $ministack $moto; do
    kill -0 $pid 2>/dev/null && continue
    echo "an emulator ended" >&2
    tail -n 30 "$logs/ministack.log" "$logs/moto.log" >&2
    kill $ministack $moto 2>/dev/null || true
    exit 1
  done
  if curl -fsS "http://127.0.0.1:$port/_ministack/health" >/dev/null 2>&1 && (exec 3<>"/dev/tcp/127.0.0.1/$moto_port") 2>/dev/null; then
    echo "$ministack $moto http://127.0.0.1:$port http://127.0.0.1:$moto_port $logs"
    exit 0
  fi
  sleep 0.2
done
echo "no answer on ports $port and $moto_port after 60 s; see $logs" >&2
kill $ministack $moto
exit 1
