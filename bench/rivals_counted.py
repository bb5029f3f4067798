"""Popularity, nearest neighbours, naive Bayes over attributes and their hybrid as their formulas are written, in numpy, and
implicit's cosine neighbours: what rivals.ts compares with.

usage: rivals_counted.py FOLDER USERS ITEMS

FOLDER holds what rivals_solved.py reads, the users' times in float64 (times, as items), and attributes.json, a list of names
for each item. Commands and answers are those of rivals_solved.py.
"""
import json
import sys
import time
from pathlib import Path

import numpy as np
import scipy.sparse

folder, users, items = Path(sys.argv[1]), *map(int, sys.argv[2:4])
offsets, columns, cases, candidates = (np.fromfile(folder / name, np.int32) for name in ("offsets", "items", "cases", "candidates"))
times = np.fromfile(folder / "times", np.float64)
candidates = candidates.reshape(len(cases), -1)
histories = [columns[offsets[u] : offsets[u + 1]] for u in range(users)]
names = json.loads((folder / "attributes.json").read_text())
listed = sorted({name for own in names for name in own})
has = np.array([[name in own for name in listed] for own in names], float)
rng = np.random.default_rng(1)


def rows(lists, recency=0.0):
    """A row for each list, with (1 + newer items)^-recency where it has an item."""
    x = np.zeros((len(lists), items))
    for row, history in zip(x, lists):
        row[history] = np.arange(len(history), 0, -1.0) ** -recency
    return x


def greatest(scores, count):
    """Keeps the `count` greatest of each row; of equal ones the first."""
    if count >= scores.shape[1]:
        return scipy.sparse.csr_array(scores)
    kept = scipy.sparse.lil_array(scores.shape)
    for r, row in enumerate(scores):
        best = np.sort(np.argsort(-row, kind="stable")[:count])
        kept.rows[r], kept.data[r] = best.tolist(), row[best].tolist()
    return kept.tocsr()


def popularity(settings, asked):
    days = settings["halfLifeDays"]
    weights = np.ones(len(columns)) if days is None else 2.0 ** ((times - times.max()) / (days * 86_400_000))
    return np.tile(np.bincount(columns, weights, items), (len(asked), 1))


def item_similarities(lists, settings):
    together = np.zeros((items, items))
    for history in lists:
        places = np.arange(len(history))
        apart = np.abs(places[:, None] - places[None, :])
        together[np.ix_(history, history)] += (1.0 + apart) ** -settings["fitRecency"]
    np.fill_diagonal(together, 0)
    norms = np.sqrt(rows(lists).sum(0) + settings["shrinkage"])
    norms[norms == 0] = 1
    together /= np.outer(norms, norms)
    return greatest(together, settings["neighbours"])


def item_knn(settings, asked):
    return rows(asked, settings["recency"]) @ item_similarities(histories, settings)


def implicit_item_knn(settings, asked):
    from implicit.nearest_neighbours import CosineRecommender

    observed = scipy.sparse.csr_matrix((np.ones(len(columns)), columns, offsets), shape=(users, items))
    # An item is among its own neighbours there.
    model = CosineRecommender(K=settings["neighbours"] + 1, num_threads=1)
    model.fit(observed, show_progress=False)
    return rows(asked) @ model.similarity


def user_knn(settings, asked):
    others = rows(histories)
    weighted = rows(asked, settings["recency"])
    lengths = others.sum(1) + settings["shrinkage"]
    overlap = (rows(asked) @ others.T) < others.sum(1)
    similarity = weighted @ others.T / np.sqrt(((weighted**2).sum(1) + settings["shrinkage"])[:, None] * lengths[None, :])
    nearest = greatest(np.where(overlap, similarity, 0), settings["neighbours"])
    return nearest.power(settings["amplification"]) @ others / (others.sum(0) + 1) ** settings["discount"]


def content_based(settings, asked):
    shares = (has.sum(0) + 1) / (items + 2)
    weights = rows(asked, settings["recency"])
    own = (weights @ has + settings["prior"] * shares) / (weights.sum(1, keepdims=True) + settings["prior"])
    return np.log(own / shares) @ has.T + np.log((1 - own) / (1 - shares)) @ (1 - has).T


def hybrid(settings, asked):
    """As docs say; what it draws, it draws by itself."""
    of = lambda part: {name.split(".")[1]: value for name, value in settings.items() if name.startswith(part + ".")}

    def blended(lists, similarities, counts):
        scores = rows(lists, of("collaborative")["recency"]) @ similarities
        spread = scores.std(1, keepdims=True)
        c = (scores - scores.mean(1, keepdims=True)) / np.where(spread > 0, spread, 1)
        t = content_based(of("content"), lists)
        p = np.tile(np.log1p(counts), (len(lists), 1))
        lengths = np.array([[len(history)] for history in lists])
        user, item = lengths / (lengths + 10), np.tile(counts / (counts + 5), (len(lists), 1))
        return np.stack([p, p * user, c, c * user, c * item, t, t * user, t * item, item], -1)

    shorter, taken = [], []
    for u, history in enumerate(histories):
        own = times[offsets[u] : offsets[u + 1]]
        latest = int(np.argmax(own == own[-1])) if len(history) > 1 else None
        taken.append(-1 if latest is None else history[latest])
        shorter.append(history if latest is None else np.delete(history, latest))
    learners = [u for u in range(users) if taken[u] >= 0]
    similarities, counts = item_similarities(shorter, of("collaborative")), rows(shorter).sum(0)
    pairs = []
    for u in learners:
        unseen = np.setdiff1d(np.arange(items), np.append(shorter[u], taken[u]))
        drawn = rng.choice(unseen, settings["negatives"])
        lengths = [m for m in (0, 1, 2, 4, 8, 16, 32, 64) if m < len(shorter[u])] + [len(shorter[u])]
        x = blended([shorter[u][len(shorter[u]) - m :] for m in lengths], similarities, counts)
        pairs.append((x[:, taken[u]][:, None] - x[:, drawn]).reshape(-1, x.shape[-1]))
    x = np.concatenate(pairs)
    scale = np.sqrt((x**2).mean(0))
    x /= scale
    weights = np.zeros(x.shape[1])
    for _ in range(20):
        missed = 1 / (1 + np.exp(x @ weights))
        curvature = (x * (missed * (1 - missed))[:, None]).T @ x + settings["ridge"] * np.eye(len(weights))
        weights += np.linalg.solve(curvature, x.T @ missed - settings["ridge"] * weights)
    similarities, counts = item_similarities(histories, of("collaborative")), rows(histories).sum(0)
    return np.concatenate([blended([history], similarities, counts) @ (weights / scale) for history in asked])


models = {
    "popularity": popularity,
    "decayed-popularity": popularity,
    "item-knn": item_knn,
    "item-knn-recency": item_knn,
    "implicit-item-knn": implicit_item_knn,
    "user-knn": user_knn,
    "user-knn-recency": user_knn,
    "content-based": content_based,
    "hybrid": hybrid,
}
for line in sys.stdin:
    settings = json.loads(line)
    started = time.perf_counter()
    scores = models[settings["model"]](settings, [histories[u] for u in cases])
    chosen = np.take_along_axis(scores, np.maximum(candidates, 0), axis=1)
    chosen[candidates < 0] = np.nan
    chosen.astype(np.float64).tofile(folder / "scores")
    print(json.dumps({"seconds": time.perf_counter() - started}), flush=True)
