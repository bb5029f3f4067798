"""The paper's model in PyTorch, as it would be written: the baseline of training.ts.

usage: training_pytorch.py BATCHES_FILE USER_ROWS ITEM_ROWS THREADS MODE     MODE: eager (Adam(foreach=False)) | fused

Reads batches made beforehand (int32: steps, batch size, then each step's users, items and labels), then answers each
line {"seconds": s} with {"samplesPerSecond": n, "loss": l}, having trained for about s seconds.
"""
import json
import sys
import time

import numpy as np
import torch
import torch.nn as nn

file, user_rows, item_rows, threads, mode = sys.argv[1], *map(int, sys.argv[2:5]), sys.argv[5]
torch.set_num_threads(threads)
torch.manual_seed(1)


class Paper(nn.Module):
    def __init__(self):
        super().__init__()
        self.users, self.items = nn.Embedding(user_rows, 8), nn.Embedding(item_rows, 8)
        layers, inputs = [], 16
        for width in (128, 64, 32):
            layers += [nn.Linear(inputs, width), nn.ReLU(), nn.BatchNorm1d(width), nn.Dropout(0.2)]
            inputs = width
        self.mlp = nn.Sequential(*layers, nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())

    def forward(self, users, items):
        return self.mlp(torch.cat([self.users(users), self.items(items)], 1)).squeeze(1)


stored = np.fromfile(file, np.int32)
steps, size = map(int, stored[:2])
stored = torch.from_numpy(stored[2:].reshape(steps, 3, size))
batches = [(users.long(), items.long(), labels.float()) for users, items, labels in stored]
model, loss_function = Paper().train(), nn.BCELoss()
options = {"fused": True} if mode == "fused" else {"foreach": False}
adam = torch.optim.Adam(model.parameters(), lr=1e-3, **options)
position = 0
for line in sys.stdin:
    limit, done, elapsed = json.loads(line)["seconds"], 0, 0.0
    started = time.perf_counter()
    while elapsed < limit:
        users, items, labels = batches[position % steps]
        position += 1
        adam.zero_grad()
        loss = loss_function(model(users, items), labels)
        loss.backward()
        adam.step()
        value = loss.item()
        done += size
        elapsed = time.perf_counter() - started
    print(json.dumps({"samplesPerSecond": done / elapsed, "loss": value}), flush=True)
