#!/usr/bin/env python3
"""The example amp in PyTorch, to set side by side: the same recording, net, segments, loss and schedule.

    build/sine/examples/amp demo --out amp --no-plots            # leaves amp-dry.wav and amp-wet.wav
    python3 benchmarks/torch_amp.py amp-dry.wav amp-wet.wav [--epochs 100] [--seed 1] [--threads 1]

Prints the losses, the seconds of the training and, as amp does, esr=... of what was held out, in the best epoch. Reads WAV
files of floats or of 16 bits; --channel and --control are amp's. Which BLAS library PyTorch was linked with decides the time more than anything else.
"""
import argparse
import os

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("dry")
parser.add_argument("wet")
parser.add_argument("--channel", type=int, default=1)
parser.add_argument("--control", type=int, default=0)
parser.add_argument("--hidden", type=int, default=16)
parser.add_argument("--epochs", type=int, default=100)
parser.add_argument("--batch-size", type=int, default=16)
parser.add_argument("--segment", type=int, default=8192)
parser.add_argument("--warm-up", type=int, default=1024)
parser.add_argument("--truncate", type=int, default=1024)
parser.add_argument("--learning-rate", type=float, default=1e-2)
parser.add_argument("--validation", type=float, default=0.2)
parser.add_argument("--seed", type=int, default=1)
parser.add_argument("--threads", type=int, default=1)
args = parser.parse_args()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read when torch is imported
    os.environ[variable] = str(args.threads)

import copy  # noqa: E402
import math  # noqa: E402
import struct  # noqa: E402
import time  # noqa: E402

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torch import nn  # noqa: E402

from torch_keras import keras_dense, keras_recurrent, trained  # noqa: E402


def samples(path):
    data = open(path, "rb").read()
    at, kind, numbers = 12, None, None
    while at + 8 <= len(data):
        name, size = data[at:at + 4], struct.unpack("<I", data[at + 4:at + 8])[0]
        if name == b"fmt ":
            kind = struct.unpack("<HH", data[at + 8:at + 12]) + struct.unpack("<H", data[at + 22:at + 24])
        if name == b"data":
            numbers = data[at + 8:at + 8 + size]
        at += 8 + size + size % 2
    if kind is None or (kind[0], kind[2]) not in ((3, 32), (1, 16)) or numbers is None:
        raise SystemExit(f"{path}: expected a WAV file of floats or of 16 bits")
    numbers = np.frombuffer(numbers, "<f4") if kind[2] == 32 else np.frombuffer(numbers, "<i2") / np.float32(32768)
    return numbers.reshape(-1, kind[1]).astype(np.float32)


def segments(dry, wet, first, last):
    """x, target, counts: steps x segments; as examples/support/recording.hpp."""
    steps, starts = args.warm_up + args.segment, range(first, last, args.segment)
    at = np.array([[s - args.warm_up + t for s in starts] for t in range(steps)])
    there = (at >= 0) & (at < last)
    counts = there & (np.arange(steps)[:, None] >= args.warm_up)
    at = np.clip(at, 0, last - 1)
    return [torch.tensor(np.where(there[:, :, None], dry[at], 0).astype(np.float32)),
            torch.tensor(np.where(counts, wet[at], 0).astype(np.float32))[:, :, None],
            torch.tensor(counts.astype(np.float32))[:, :, None]]


def loss_and_energy(y, target, counts, esr=0.75, dc=0.25, tap=0.85, epsilon=1e-5):
    d = (y - target) * counts

    def emphasised(x):
        return torch.cat((x[:1], x[1:] - tap * x[:-1])) * counts

    number = counts.sum(0)
    energy = emphasised(target).square().sum() + epsilon * number.sum()
    plain = target.square().sum() + epsilon * number.sum()
    offset = (d.sum(0).square() / number.clamp(min=1)).sum()
    return esr * emphasised(d).square().sum() / energy + dc * offset / plain, energy


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = keras_recurrent(nn.LSTM(2 if args.control else 1, args.hidden))
        self.dense = keras_dense(nn.Linear(args.hidden, 1))

    def forward(self, x, state=None):
        y, state = self.lstm(x, state)
        return self.dense(y), state


torch.set_num_threads(args.threads)
torch.manual_seed(args.seed)
dry, wet = samples(args.dry), samples(args.wet)[:, 0]
dry = dry[:, [channel - 1 for channel in (args.channel, args.control) if channel > 0]]
held_out = len(dry) - int(len(dry) * args.validation)
x, target, counts = segments(dry, wet, 0, held_out)
x_validation, target_validation, counts_validation = segments(dry, wet, held_out, len(dry))
net = Net()
optimizer = torch.optim.Adam(trained(net), lr=args.learning_rate)
best, best_loss, start, wall = None, math.inf, time.process_time(), time.time()
for epoch in range(args.epochs):
    for group in optimizer.param_groups:
        group["lr"] = args.learning_rate * (1 + math.cos(math.pi * epoch / args.epochs)) / 2
    total = weight = 0
    for chosen in torch.randperm(x.shape[1]).split(args.batch_size):
        state = None
        for t in range(0, x.shape[0], args.truncate):
            part = slice(t, t + args.truncate)
            if not counts[part][:, chosen].any():
                with torch.no_grad():
                    _, state = net(x[part][:, chosen], state)
                continue
            y, state = net(x[part][:, chosen], state)
            state = tuple(s.detach() for s in state)
            loss, energy = loss_and_energy(y, target[part][:, chosen], counts[part][:, chosen])
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained(net), 1)
            optimizer.step()
            total, weight = total + loss.item() * energy.item(), weight + energy.item()
    with torch.no_grad():
        validation = loss_and_energy(net(x_validation)[0], target_validation, counts_validation)[0].item()
    if validation < best_loss:
        best, best_loss = copy.deepcopy(net.state_dict()), validation
    print(f"epoch {epoch + 1}/{args.epochs}  loss {total / weight:.5f}  validation {validation:.5f}  "
          f"{time.process_time() - start:.1f} s", flush=True)
print(f"trained in {time.process_time() - start:.1f} s of a processor, {time.time() - wall:.1f} s in all")
net.load_state_dict(best)
with torch.no_grad():
    y = net(torch.tensor(dry)[:, None])[0].numpy()[held_out:, 0, 0].astype(np.float64)
error, signal = wet[held_out:] - y, wet[held_out:].astype(np.float64)
print(f"esr={(error ** 2).sum() / (signal ** 2).sum():.6f}")
