"""EASE and iALS as their papers write them, in numpy, and implicit's ALS: what rivals.ts compares with.

usage: rivals_solved.py FOLDER USERS ITEMS

FOLDER holds int32 files: offsets, items (training, by user, oldest first), cases (users) and candidates ([cases, width],
-1 for none). Each line {"model": name, ...settings} writes the candidates' scores to FOLDER/scores (float64, NaN for none)
and answers {"seconds": s}.
"""
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np
import scipy.sparse

warnings.filterwarnings("ignore")
folder, users, items = Path(sys.argv[1]), *map(int, sys.argv[2:4])
offsets, columns, cases, candidates = (np.fromfile(folder / name, np.int32) for name in ("offsets", "items", "cases", "candidates"))
candidates = candidates.reshape(len(cases), -1)
histories = [columns[offsets[u] : offsets[u + 1]] for u in range(users)]


def ease(settings):
    x = np.zeros((users, items))
    for u, history in enumerate(histories):
        x[u, history] = 1
    inverse = np.linalg.inv(x.T @ x + settings["regularization"] * np.eye(items))
    weights = -inverse / np.diag(inverse)
    np.fill_diagonal(weights, 0)
    asked = np.zeros((users, items))
    for u, history in enumerate(histories):
        asked[u, history] = np.arange(len(history), 0, -1.0) ** -settings["recency"]
    return asked[cases] @ weights


def ials(settings):
    alpha, width = settings["unobservedWeight"], settings["factors"]
    by_item = [[] for _ in range(items)]
    for u, history in enumerate(histories):
        for item in history:
            by_item[item].append(u)

    def solved(lists, fixed, recency=0):
        penalty = alpha * fixed.T @ fixed
        rows = []
        for listed in lists:
            h = fixed[listed]
            weights = np.arange(len(listed), 0, -1.0) ** -recency
            ridge = settings["regularization"] * (len(listed) + alpha * len(fixed)) ** settings["frequencyExponent"]
            rows.append(np.linalg.solve((weights * h.T) @ h + penalty + ridge * np.eye(width), weights @ h))
        return np.array(rows)

    item_factors = np.fromfile(folder / "initial", np.float64).reshape(items, width)
    for _ in range(settings["iterations"]):
        user_factors = solved(histories, item_factors)
        item_factors = solved(by_item, user_factors)
    return solved([histories[u] for u in cases], item_factors, settings["recency"]) @ item_factors.T


def implicit_als(settings):
    from implicit.cpu.als import AlternatingLeastSquares

    # Its loss gives c (1 - s)^2 to an interaction and s^2 to any other pair. Ours over alpha is that with c = 1 + 1 / alpha and
    # scores and factors scaled, which takes the regularization along.
    alpha = settings["unobservedWeight"]
    confidence = 1 + 1 / alpha
    regularization = settings["regularization"] / alpha * (1 + alpha)
    observed = scipy.sparse.csr_matrix((np.full(len(columns), confidence), columns, offsets), shape=(users, items))
    model = AlternatingLeastSquares(
        factors=settings["factors"], regularization=regularization, alpha=1, iterations=settings["iterations"],
        use_cg=False, num_threads=1, random_state=1, dtype=np.float64,
    )
    model.fit(observed, show_progress=False)
    user_factors = model.recalculate_user(cases, observed[cases])
    return user_factors @ model.item_factors.T


models = {"ease": ease, "ease-recency": ease, "ials": ials, "ials-recency": ials, "implicit-als": implicit_als}
for line in sys.stdin:
    settings = json.loads(line)
    started = time.perf_counter()
    scores = models[settings["model"]](settings)
    chosen = np.take_along_axis(scores, np.maximum(candidates, 0), axis=1)
    chosen[candidates < 0] = np.nan
    chosen.astype(np.float64).tofile(folder / "scores")
    print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
