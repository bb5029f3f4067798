/**
 * What a new instance does: installs Node 22, fetches the worker, runs it, and is switched off when the worker ends, which
 * terminates it. Whatever fails on the way, it is switched off, too, and its log lies in the bucket.
 */

export interface WorkerStart {
  readonly bucket: string;
  /** Where the zipped bundle lies, such as "s3://bucket/key". */
  readonly bundle: string;
  readonly maxAgeSeconds: number;
  /** Of the worker's process. */
  readonly environment: Readonly<Record<string, string>>;
}

/** For all that comes before the worker, which takes some five minutes. */
const startMinutes = 45;
/** For a worker that ends late at its maximum age. */
const graceMinutes = 15;

/** The libraries of CUDA 11 that gpu-worker/cuda-requirements.txt lists: the image has newer ones only. */
const cudaFolders = ["cublas", "cuda_runtime", "cudnn", "cufft", "curand", "cusolver", "cusparse"].map(
  (library) => `/opt/ncf-worker/cuda/nvidia/${library}/lib`,
);

/**
 * A script for cloud-init on Amazon Linux 2023, and on the Deep Learning AMI that is made of it. Its packages are signed by
 * Amazon, which dnf checks; npm compares each package with the lock file, pip with the hashes in cuda-requirements.txt.
 */
export function workerStartScript({ bucket, bundle, maxAgeSeconds, environment }: WorkerStart): string {
  const lastMinute = Math.ceil(maxAgeSeconds / 60) + graceMinutes;
  const variables = Object.entries(environment).map(([name, value]) => `Environment="${name}=${value}"`);
  return `#!/bin/bash
set -euo pipefail
# Before all else: what hangs on the way keeps no instance running.
shutdown -h +${startMinutes}
log="s3://${bucket}/workers/unnamed"
trap 'aws s3 cp --only-show-errors /var/log/cloud-init-output.log "$log/start.log" || true; shutdown -h now; exit 1' ERR TERM
token=$(curl -fsS -X PUT -H "X-aws-ec2-metadata-token-ttl-seconds: 300" http://169.254.169.254/latest/api/token)
instance=$(curl -fsS -H "X-aws-ec2-metadata-token: $token" http://169.254.169.254/latest/meta-data/instance-id)
log="s3://${bucket}/workers/$instance"

dnf install -y -q nodejs22 nodejs22-npm python3-pip
aws s3 cp --only-show-errors "${bundle}" /tmp/worker.zip
mkdir -p /opt/ncf-worker
python3 -m zipfile -e /tmp/worker.zip /opt/ncf-worker
useradd --system --home-dir /opt/ncf-worker ncf-worker
chown -R ncf-worker /opt/ncf-worker

# TensorFlow is of use beside a GPU only; where it cannot be installed, the worker computes with wasm and says so.
if nvidia-smi -L; then
  # CUDA's device of its own, which takes root to make, and rights that the worker cannot get.
  nvidia-modprobe -u -c=0 || true
  (cd /opt/ncf-worker &&
    timeout 900 runuser -u ncf-worker -- env HOME=/opt/ncf-worker npm-22 ci --omit=dev --no-audit --no-fund &&
    timeout 900 runuser -u ncf-worker -- env HOME=/opt/ncf-worker python3 -m pip install -q --no-cache-dir --no-deps \
      --require-hashes --target cuda -r cuda-requirements.txt) ||
    echo "TensorFlow.js could not be installed"
fi

cat >/etc/systemd/system/ncf-worker.service <<UNIT
[Unit]
Description=Worker of ncf-stream
Wants=network-online.target
After=network-online.target
# Not started again here: the launcher sees to jobs that wait, and another instance goes on from the last checkpoint.
SuccessAction=poweroff
FailureAction=poweroff

[Service]
User=ncf-worker
WorkingDirectory=/opt/ncf-worker
Environment="LD_LIBRARY_PATH=${cudaFolders.join(":")}"
${variables.join("\n")}
ExecStart=/usr/bin/node-22 main.mjs
# It stores a checkpoint on SIGTERM.
TimeoutStopSec=100
ExecStopPost=+/bin/bash -c 'journalctl -u ncf-worker --no-pager | aws s3 cp --only-show-errors - $log/worker.log || true'
NoNewPrivileges=yes
ProtectSystem=full
ProtectHome=yes
PrivateTmp=yes
UNIT
systemctl daemon-reload
# In the place of the first: no instance outlives this, whatever becomes of the worker.
shutdown -h +${lastMinute}
systemctl start ncf-worker
`;
}
