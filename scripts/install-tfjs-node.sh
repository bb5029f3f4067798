#!/usr/bin/env bash
# Installs TensorFlow.js for Node (CPU) from npm and PyPI alone, for the tests of the tfjs backend. Needs Python 3 with pip and a
# C++ compiler. The package's own install script downloads libtensorflow from elsewhere; here it comes out of PyPI's wheel.
#
#   scripts/install-tfjs-node.sh [FOLDER]      by default ~/.cache/ncf-stream/tfjs-node
#
# Prints FOLDER, for NCF_TFJS_NODE. One that is complete is left as it is.
#
#   TF_PACKAGE, TF_VERSION   PyPI's package and version; by default tensorflow-cpu 2.12.1. `tensorflow` is the CUDA build.
#   NODEDIR                  prefix with include/node; by default Node's own, /usr or /usr/local
set -euo pipefail

cache=$HOME/.cache/ncf-stream
folder=${1:-$cache/tfjs-node}
tf_package=${TF_PACKAGE:-tensorflow-cpu}
tf_version=${TF_VERSION:-2.12.1}
tfjs_version=4.22.0
python_tag=311
napi=8
wheels=$cache/wheels
complete=$folder/.complete-$tfjs_version-$tf_package-$tf_version

if [ -e "$complete" ]; then
  echo "$folder"
  exit 0
fi
if [ -z "${NODEDIR:-}" ]; then
  for prefix in "$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")" /usr /usr/local; do
    [ -f "$prefix/include/node/node_api.h" ] && NODEDIR=$prefix && break
  done
fi
[ -n "${NODEDIR:-}" ] || { echo "expected Node's headers (node_api.h) below Node, /usr or /usr/local; name their prefix in NODEDIR" >&2; exit 1; }

mkdir -p "$folder" "$wheels"
cd "$folder"
echo '{ "private": true, "overrides": { "tar": "^7.5.3" } }' >package.json
npm install --silent --ignore-scripts --no-audit --no-fund "@tensorflow/tfjs-node@$tfjs_version" >&2
package=$folder/node_modules/@tensorflow/tfjs-node

wheel() { find "$wheels" -name "${tf_package//-/_}-$tf_version-cp$python_tag-*x86_64.whl" | head -n 1; }
if [ -z "$(wheel)" ]; then
  python3 -m pip download -q "$tf_package==$tf_version" --no-deps --only-binary=:all: \
    --python-version "${python_tag:0:1}.${python_tag:1}" -d "$wheels" >&2
fi
rm -rf "$package/deps"
# libtensorflow_cc.so.2 is free of Python from 2.12 on, and exports the whole C API.
python3 - "$(wheel)" "$package/deps" <<'PYTHON'
import os, shutil, sys, zipfile
wheel, deps = sys.argv[1:]
headers = tuple('tensorflow/include/' + part for part in (
    'tensorflow/c/', 'tsl/', 'tensorflow/tsl/', 'xla/tsl/', 'tensorflow/core/platform/'))
libraries = ('tensorflow/libtensorflow_cc.so.2', 'tensorflow/libtensorflow_framework.so.2')
archive = zipfile.ZipFile(wheel)
for info in archive.infolist():
    name = info.filename
    if name in libraries or name.endswith('.so.1') or ('.libs/' in name and not info.is_dir()):
        target = os.path.join(deps, 'lib', os.path.basename(name))
    elif name.startswith(headers) and name.endswith('.h'):
        target = os.path.join(deps, 'include', name.removeprefix('tensorflow/include/'))
    else:
        continue
    os.makedirs(os.path.dirname(target), exist_ok=True)
    with archive.open(info) as source, open(target, 'wb') as out:
        shutil.copyfileobj(source, out, 1 << 22)
PYTHON
ln -sf libtensorflow_cc.so.2 "$package/deps/lib/libtensorflow.so"
ln -sf libtensorflow_framework.so.2 "$package/deps/lib/libtensorflow_framework.so"

gyp=$(npm root -g)/npm/node_modules/node-gyp/bin/node-gyp.js
[ -f "$gyp" ] || gyp=$(npm root -g)/node-gyp/bin/node-gyp.js
(cd "$package" && node "$gyp" rebuild --silent --nodedir="$NODEDIR" --napi_build_version=$napi \
  --module_name=tfjs_binding --module_path="$package/lib/napi-v$napi" >&2)
TF_CPP_MIN_LOG_LEVEL=2 node -e '
const tf = require("@tensorflow/tfjs-node");
if (tf.matMul([[1, 2], [3, 4]], [[1], [1]]).dataSync().join() !== "3,7") throw new Error("TensorFlow.js computes wrongly");
console.error(`TensorFlow.js ${tf.version["tfjs-core"]} with libtensorflow ${tf.backend().binding.TF_Version}`);
' >&2
touch "$complete"
echo "$folder"
