#!/usr/bin/env bash
# Installs ONNX Runtime for Node (CPU) from npm, for the tests of exported models and bench/scoring.ts: 290 MB, so it is no
# dependency of the package. Its binaries lie in the package; its install script, which would fetch those for GPUs, is not run.
#
#   scripts/install-onnxruntime.sh [FOLDER]      by default ~/.cache/ncf-stream/onnxruntime
#
# Prints FOLDER, for NCF_ONNXRUNTIME. One that is complete is left as it is.
set -euo pipefail

version=1.30.0
folder=${1:-$HOME/.cache/ncf-stream/onnxruntime}
complete=$folder/.complete-$version

if [ ! -e "$complete" ]; then
  mkdir -p "$folder"
  cd "$folder"
  echo '{ "private": true }' >package.json
  npm install --silent --ignore-scripts --no-audit --no-fund "onnxruntime-node@$version" >&2
  touch "$complete"
fi
echo "$folder"
