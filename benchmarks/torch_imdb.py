#!/usr/bin/env python3
"""The IMDb reviews in PyTorch, to time side by side with examples/imdb.cpp.

    python3 benchmarks/torch_imdb.py train.tsv.xz [--model lstm|rnn|stacked] [--seed 0] [--threads 1] [--epochs 1]

The same words, batches, model, initialisers and optimizer as with --article there. Prints the losses, then one line: the
validation accuracy of the best epoch, and of an epoch (forward, backward, update; not the validation after it) the median
seconds and seconds of all CPUs, which a busy machine changes less. Which BLAS library PyTorch was linked with matters.
"""
import argparse
import collections
import lzma
import os
import statistics
import time

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("train", help="a line a review: its label, 0 or 1, a tab, …, a tab, the text; may be .xz")
parser.add_argument("--model", choices=["lstm", "rnn", "stacked"], default="lstm")
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--epochs", type=int, default=1)
parser.add_argument("--bucket", action="store_true", help="batches of reviews of like length, cut to their longest")
parser.add_argument("--steps", type=int, default=500, help="words of a review, the last")
args = parser.parse_args()
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):  # read when torch is imported
    os.environ[variable] = str(args.threads)

import torch  # noqa: E402
from torch import nn  # noqa: E402

from torch_keras import KerasRMSprop, Stopwatch, keras_dense, keras_recurrent, trained  # noqa: E402

VOCABULARY, SIZE, BATCH = 10_000, 32, 128
START, UNKNOWN, FIRST = 1, 2, 4  # as in keras.datasets.imdb
SEPARATORS = str.maketrans(dict.fromkeys('!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n', " "))


def read(path):
    """Tokens (steps, reviews), padded in front, labels (reviews, 1) and lengths (reviews)."""
    labels, texts = [], []
    with (lzma.open if path.endswith(".xz") else open)(path, "rt", encoding="utf-8", newline="\n") as file:
        for line in file:
            label, *_, text = line.rstrip("\n").split("\t")
            labels.append(float(label))
            texts.append([word for word in text.lower().translate(SEPARATORS).split(" ") if word])
    count = collections.Counter(word for text in texts for word in text)
    index = {word: FIRST + k for k, (word, _) in enumerate(count.most_common(VOCABULARY - FIRST))}
    x, lengths = torch.zeros(args.steps, len(texts), dtype=torch.long), []
    for k, text in enumerate(texts):
        tokens = ([START] + [index.get(word, UNKNOWN) for word in text])[-args.steps:]
        x[args.steps - len(tokens):, k] = torch.tensor(tokens)
        lengths.append(len(tokens))
    return x, torch.tensor(labels).unsqueeze(1), torch.tensor(lengths)


def batches(samples, lengths):
    """Shuffled. With --bucket those of 20 batches are sorted by length first, as fit(…, {.bucket = 20}) does."""
    samples = samples[torch.randperm(len(samples))]
    if not args.bucket:
        return samples.split(BATCH)
    parts = [part[lengths[part].argsort()].split(BATCH) for part in samples.split(20 * BATCH)]
    parts = [batch for part in parts for batch in part]
    return [parts[k] for k in torch.randperm(len(parts))]


class Model(nn.Module):
    """Embedding(10000, 32), one LSTM(32) or one or four SimpleRNN(32), last step, Dense(1)."""

    def __init__(self):
        super().__init__()
        cell, layers = (nn.LSTM, 1) if args.model == "lstm" else (nn.RNN, 4 if args.model == "stacked" else 1)
        self.embedding = nn.Embedding(VOCABULARY, SIZE)
        nn.init.uniform_(self.embedding.weight, -0.05, 0.05)
        self.recurrent = nn.ModuleList(keras_recurrent(cell(SIZE, SIZE)) for _ in range(layers))
        self.dense = keras_dense(nn.Linear(SIZE, 1))

    def forward(self, x):
        h = self.embedding(x)
        for layer in self.recurrent:
            h = layer(h)[0]
        return self.dense(h[-1])


def main():
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    x, y, lengths = read(args.train)
    order = torch.randperm(len(y))
    training, validation = order.split(int(len(y) * 0.8))[:2]
    model = Model()
    optimizer = KerasRMSprop(trained(model))
    loss_of = nn.functional.binary_cross_entropy_with_logits
    accuracies, seconds, cpu = [], [], []
    for epoch in range(1, args.epochs + 1):
        watch, total, cpu_start = Stopwatch(), torch.zeros(()), time.process_time()
        with watch:
            for batch in batches(training, lengths):
                first = args.steps - lengths[batch].max() if args.bucket else 0
                optimizer.zero_grad()
                loss = loss_of(model(x[first:, batch]), y[batch])
                loss.backward()
                optimizer.step()
                total += loss.detach() * len(batch)
        cpu.append(time.process_time() - cpu_start)
        with torch.no_grad():
            right = sum(((model(x[:, batch]) > 0) == (y[batch] > 0)).sum().item() for batch in validation.split(BATCH))
        accuracies.append(right / len(validation))
        seconds.append(watch.seconds)
        print(f"epoch {epoch:3d} loss={total.item() / len(training):.4f} val_accuracy={accuracies[-1]:.4f} "
              f"seconds={watch.seconds:.1f}", flush=True)
    print(f"{args.model}: seed={args.seed} threads={args.threads} val_accuracy={max(accuracies):.4f} "
          f"epoch={statistics.median(seconds):.2f} cpu={statistics.median(cpu):.2f}")


if __name__ == "__main__":
    main()
