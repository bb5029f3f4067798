"""Recomputes HR@10 and NDCG@10 from scores and compares them with the report. Shares no code with ncf-stream.

usage: recompute-metrics.py PER_USER_FILE REPORT_JSON

Each line of the file: {"model", "userId", "testItemId", "candidates": [ids], "scores": [numbers]}.
Ties count as a random order would on average. Exit code 1 where a number differs by more than 1e-9.
"""
import json
import math
import sys

report = json.load(open(sys.argv[2], encoding="utf-8"))
distinct = report.get("protocol", {}).get("candidateDraw", "distinct") == "distinct"
sums = {}
for line in open(sys.argv[1], encoding="utf-8"):
    row = json.loads(line)
    if len(row["scores"]) != len(row["candidates"]) or distinct and len(set(row["candidates"])) != len(row["candidates"]):
        sys.exit(f"user {row['userId']}: repeated candidates, or not one score for each")
    mine = row["scores"][row["candidates"].index(row["testItemId"])]
    above = sum(score > mine for score in row["scores"])
    tied = sum(score == mine for score in row["scores"]) - 1
    ranks = range(above + 1, above + tied + 2)
    hit = sum(rank <= 10 for rank in ranks) / len(ranks)
    gain = sum(1 / math.log2(rank + 1) for rank in ranks if rank <= 10) / len(ranks)
    totals = sums.setdefault(row["model"], [0, [], [], 0, 0])
    totals[0] += 1
    totals[1].append(hit)
    totals[2].append(gain)
    totals[3] += ranks[0] <= 10
    totals[4] += ranks[-1] <= 10

reported = {model["name"]: model for model in report["models"]}
wrong = sums.keys() ^ reported.keys()
for name in sums.keys() & reported.keys():
    cases, hits, gains, optimistic, pessimistic = sums[name]
    found = {"cases": cases, "hrAt10": math.fsum(hits) / cases, "ndcgAt10": math.fsum(gains) / cases,
             "hrAt10Optimistic": optimistic / cases, "hrAt10Pessimistic": pessimistic / cases}
    print(name, *(f"{key} {value:.6f}" for key, value in found.items()))
    wrong |= {f"{name}.{key}" for key, value in found.items() if not abs(value - reported[name][key]) <= 1e-9}
sys.exit(f"the report says otherwise: {', '.join(sorted(wrong))}" if wrong or not sums else 0)
