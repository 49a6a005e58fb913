#!/usr/bin/env python3
"""The noisy sine, the two waves and sine to cosine in PyTorch, to time side by side with the library's examples.

    python3 benchmarks/torch_experiments.py --experiment keras|waves|cosine [--seed 0] [--threads 1] [--epochs N]

Prints the losses, then one line with test_mse and three times in seconds: train (forward, backward, update), fit (train
and the evaluation after each epoch) and whole (data, model, fit, test; not the imports). Initialisers and epsilons are
those of the originals, Keras and DeZero, not PyTorch's own. Which BLAS library PyTorch was linked with decides
the times more than anything else.
"""
import argparse
import os

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--experiment", choices=["keras", "waves", "cosine"], required=True)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--epochs", type=int, help="default: keras 15, waves 20, cosine 100")
parser.add_argument("--quiet", action="store_true", help="only the last line")
args = parser.parse_args()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read when torch is imported
    os.environ[variable] = str(args.threads)

import math  # noqa: E402

import torch  # noqa: E402
from torch import nn  # noqa: E402

from torch_keras import KerasAdam, KerasRMSprop, Stopwatch, keras_dense, keras_recurrent, trained  # noqa: E402


class KerasLSTM(nn.Module):
    """LSTM(1 -> 300), last step, Dense(300 -> 1) with Keras' initialisers and one trained bias."""

    def __init__(self, hidden=300):
        super().__init__()
        self.lstm = keras_recurrent(nn.LSTM(1, hidden))
        self.dense = keras_dense(nn.Linear(hidden, 1))

    def forward(self, x):
        return self.dense(self.lstm(x)[0][-1])


class DeZeroRNN(nn.Module):
    """SimpleRNN(1 -> 100), Dense(100 -> 1) at every step with DeZero's initialisers and one trained bias."""

    def __init__(self, hidden=100):
        super().__init__()
        self.rnn = nn.RNN(1, hidden)
        self.dense = nn.Linear(hidden, 1)
        for weight in (self.rnn.weight_ih_l0, self.rnn.weight_hh_l0, self.dense.weight):
            nn.init.normal_(weight, std=math.sqrt(1 / weight.shape[1]))
        for bias in (self.rnn.bias_ih_l0, self.rnn.bias_hh_l0, self.dense.bias):
            nn.init.zeros_(bias)
        self.rnn.bias_hh_l0.requires_grad_(False)

    def forward(self, x, state=None):
        y, state = self.rnn(x, state)
        return self.dense(y), state


def uniform(count, bound):
    return torch.empty(count).uniform_(-bound, bound)


def windows(series, steps):
    """x (steps, windows, 1), the columns contiguous in time, and the value after each window (windows, 1)."""
    return series.unfold(0, steps, 1)[:-1].T.unsqueeze(2).contiguous(), series[steps:].unsqueeze(1)


def report(epoch, **losses):
    if not args.quiet:
        print(f"epoch {epoch:3d}", *(f"{name}={value:.5f}" for name, value in losses.items()), flush=True)


@torch.no_grad()
def evaluate(model, x, y, batch_size):
    total = sum(nn.functional.mse_loss(model(xs), ys, reduction="sum")
                for xs, ys in zip(x.split(batch_size, dim=1), y.split(batch_size)))
    return total.item() / len(y)


def fit(model, optimizer, x, y, epochs, batch_size, validation_split, train, whole_fit):
    """Keras' fit: the last part of the windows for validation after each epoch, the others shuffled."""
    count = int(len(y) * (1 - validation_split))
    x_validation, y_validation = x[:, count:], y[count:]
    x, y = x[:, :count], y[:count]
    for epoch in range(1, epochs + 1):
        with whole_fit:
            with train:
                total = torch.zeros(())
                for batch in torch.randperm(count).split(batch_size):
                    optimizer.zero_grad()
                    loss = nn.functional.mse_loss(model(x[:, batch]), y[batch])
                    loss.backward()
                    optimizer.step()
                    total += loss.detach() * len(batch)
            validation = evaluate(model, x_validation, y_validation, batch_size)
        report(epoch, loss=total.item() / count, val_loss=validation)


def keras(epochs, train, whole_fit):
    """Noisy sine: 30 steps in, 1 ahead; RMSprop, batch 600."""
    t = torch.arange(4001)
    series = torch.sin(2 * math.pi * t / 80 + uniform(4001, 0.05))
    split = round(0.9 * 4001)
    x, y = windows(series[:split], 30)
    x_test, y_test = windows(series[split:], 30)
    model = KerasLSTM()
    fit(model, KerasRMSprop(trained(model)), x, y, epochs or 15, 600, 0.05, train, whole_fit)
    return evaluate(model, x_test, y_test, 600)


def waves(epochs, train, whole_fit):
    """Two waves to learn, eight to predict: window 10; Adam, batch 32."""
    def noisy_sine(start, stop):
        t = torch.arange(start, stop, 0.1, dtype=torch.float64).float()
        return torch.sin(t) + uniform(len(t), 0.1)

    x, y = windows(noisy_sine(0, 4 * math.pi), 10)
    start = 4 * math.pi + 0.1
    x_test, y_test = windows(noisy_sine(start, start + 16 * math.pi), 10)
    model = KerasLSTM()
    fit(model, KerasAdam(trained(model)), x, y, epochs or 20, 32, 0.1, train, whole_fit)
    return evaluate(model, x_test, y_test, 32)


def cosine(epochs, train, whole_fit):
    """Sine to cosine: one sequence, truncated BPTT over chunks of 30, the loss summed over a chunk; Adam."""
    series = torch.sin(torch.linspace(0, 2 * math.pi, 1000)) + uniform(1000, 0.05)
    test = torch.cos(torch.linspace(0, 4 * math.pi, 1000))
    x, y = series[:-1].view(-1, 1, 1), series[1:].view(-1, 1, 1)
    x_test, y_test = test[:-1].view(-1, 1, 1), test[1:].view(-1, 1, 1)
    chunks = list(zip(x.split(30), y.split(30)))
    model = DeZeroRNN()
    optimizer = KerasAdam(trained(model), eps=1e-8)
    test_mse = math.nan
    for epoch in range(1, (epochs or 100) + 1):
        with whole_fit:
            with train:
                state, total = None, torch.zeros(())
                for xs, ys in chunks:
                    optimizer.zero_grad()
                    prediction, state = model(xs, state)
                    loss = nn.functional.mse_loss(prediction, ys, reduction="sum")
                    loss.backward()
                    optimizer.step()
                    state = state.detach()
                    total += loss.detach()
            with torch.no_grad():
                test_mse = nn.functional.mse_loss(model(x_test)[0], y_test).item()
        report(epoch, train=total.item() / len(y), test=test_mse)
    return test_mse


def main():
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    train, whole_fit, whole = Stopwatch(), Stopwatch(), Stopwatch()
    with whole:
        test_mse = globals()[args.experiment](args.epochs, train, whole_fit)
    print(f"{args.experiment}: seed={args.seed} threads={args.threads} test_mse={test_mse:.5f} "
          f"train={train.seconds:.2f} fit={whole_fit.seconds:.2f} whole={whole.seconds:.2f}")


if __name__ == "__main__":
    main()
