#!/usr/bin/env python3
"""A net of PyTorch, trained for a moment, and what the guide reads of it: net.pt, net.onnx and pytorch.csv.

Run in this folder: python3 pytorch.py. Made with PyTorch 1.13 (Debian: python3-torch)."""
import math

import numpy as np
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.rnn = nn.LSTM(1, 12)
        self.linear = nn.Linear(12, 1)

    def forward(self, x):  # (steps, batch, 1), in and out
        return self.linear(self.rnn(x)[0])


def waves(steps, batch, period):
    """Sines that begin anywhere, and of each number the one after it."""
    phase = 2 * math.pi * torch.rand(batch)
    t = torch.arange(steps + 1)[:, None]
    series = torch.sin(2 * math.pi * t / period + phase)[:, :, None]
    return series[:-1], series[1:]


torch.manual_seed(1)
net = Net()
adam = torch.optim.Adam(net.parameters(), lr=1e-2)
for _ in range(300):
    x, target = waves(40, 32, period=25)
    adam.zero_grad()
    nn.functional.mse_loss(net(x), target).backward()
    adam.step()

x, _ = waves(60, 1, period=25)
y = net(x).detach()

torch.save(net.state_dict(), "net.pt")
torch.onnx.export(net, x, "net.onnx", input_names=["x"], output_names=["y"],
                  dynamic_axes={"x": {0: "steps", 1: "batch"}})
np.savetxt("pytorch.csv", np.column_stack([x.flatten(), y.flatten()]), delimiter=",", header="x,y", comments="")
