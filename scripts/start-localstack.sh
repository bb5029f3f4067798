#!/usr/bin/env bash
# Starts LocalStack's own core without docker and token, for S3, SQS and EC2, and waits until it answers. (Its Lambdas need docker.)
# Needs Python 3.11 with venv, and curl.
#
#   scripts/start-localstack.sh [PORT]     by default 4577
#
# Prints "PID ENDPOINT DATA" on one line. `kill PID` stops it (-9 if it hangs); DATA is then the caller's to remove.
#
#   NCF_LOCALSTACK_CACHE   folder that keeps the program, 400 MB; by default ~/.cache/ncf-stream/localstack
#   NCF_LOCALSTACK_DATA    folder for data and log; by default a new temporary one
set -euo pipefail

port=${1:-4577}
version=4.6.0
cache=${NCF_LOCALSTACK_CACHE:-$HOME/.cache/ncf-stream/localstack}/localstack-$version
data=${NCF_LOCALSTACK_DATA:-$(mktemp -d)}
mkdir -p "$data"

if [ ! -e "$cache/.complete" ]; then
  echo "fetching LocalStack $version into $cache" >&2
  python3 -m venv "$cache"
  # The last four are the versions of its time; newer ones lack what it imports.
  "$cache/bin/pip" -q install "localstack-core[runtime]==$version" "cbor2<5.9" cryptography==45.0.7 pyopenssl==25.1.0 service_identity==24.2.0 >&2
  # Its server ignores the host in GATEWAY_LISTEN and would listen on every interface.
  sed -i.original "s|TCP4ServerEndpoint(reactor, host_and_port.port)|TCP4ServerEndpoint(reactor, host_and_port.port, interface=host_and_port.host)|" \
    "$cache"/lib/python3*/site-packages/localstack/runtime/server/twisted.py
  touch "$cache/.complete"
fi

cd "$data"
# A session of its own: Ctrl-C in the caller's terminal is not for it.
LOCALSTACK_VOLUME_DIR=$data FILESYSTEM_ROOT=$data/files GATEWAY_LISTEN=127.0.0.1:$port SERVICES=s3,sqs,ec2,sts,iam \
  DISABLE_EVENTS=1 SKIP_SSL_CERT_DOWNLOAD=1 OVERRIDE_IN_DOCKER=0 DNS_ADDRESS=0 \
  setsid "$cache/bin/python" -m localstack.runtime.main >"$data/log" 2>&1 </dev/null &
pid=$!

for _ in $(seq 300); do
  kill -0 "$pid" 2>/dev/null || { echo "LocalStack ended" >&2; tail -n 30 "$data/log" >&2; exit 1; }
  if curl -fsS "http://127.0.0.1:$port/_localstack/health" >/dev/null 2>&1; then
    echo "$pid http://127.0.0.1:$port $data"
    exit 0
  fi
  sleep 0.2
done
echo "no answer on port $port after 60 s; see $data/log" >&2
kill "$pid"
exit 1
