"""Implicit ALS (PyPI `implicit`): the baseline of time-to-quality.ts, on the same training data and candidates.

usage: time_to_quality_als.py FOLDER USERS ITEMS THREADS

FOLDER holds int32 files: offsets, items (training, by user), cases (users) and candidates ([cases, width], the test
item first, -1 for none). Each line {"restart": true} begins a new model; each line {"iterations": n} fits n more
iterations and answers {"seconds": s, "hrAt10": h}, the judging outside the clock.
"""
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse
from implicit.als import AlternatingLeastSquares

warnings.filterwarnings("ignore")
folder, users, items, threads = Path(sys.argv[1]), *map(int, sys.argv[2:5])
offsets, columns, cases, candidates = (np.fromfile(folder / name, np.int32) for name in ("offsets", "items", "cases", "candidates"))
ratings = scipy.sparse.csr_matrix((np.ones(len(columns), np.float32), columns, offsets), shape=(users, items))
candidates = candidates.reshape(len(cases), -1)


def hit_ratio(model):
    """Expected over ties, as in docs/protocol.md."""
    scores = np.einsum("uf,ucf->uc", model.user_factors[cases], model.item_factors[np.maximum(candidates, 0)])
    scores[candidates < 0] = -np.inf
    above = (scores > scores[:, :1]).sum(1)
    tied = (scores == scores[:, :1]).sum(1) - 1
    return float(np.clip((10 - above) / (tied + 1), 0, 1).mean())


model = None
for line in sys.stdin:
    command = json.loads(line)
    if "restart" in command:
        # 64 factors as in `mf`; regularization and alpha from a trial on ml-latest-small's validation split.
        model = AlternatingLeastSquares(factors=64, regularization=10, alpha=5, num_threads=threads, random_state=1, use_gpu=False)
        print("{}", flush=True)
        continue
    model.iterations = command["iterations"]
    started = time.perf_counter()
    model.fit(ratings, show_progress=False)
    seconds = time.perf_counter() - started
    print(json.dumps({"seconds": seconds, "hrAt10": hit_ratio(model)}), flush=True)
