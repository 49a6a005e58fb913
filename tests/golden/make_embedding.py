#!/usr/bin/env python3
"""Golden file of an embedding trained with sparse gradients, in float64.

Run without arguments; needs torch. Tokens come twice in a step, once in a while and never; 0 is the padding. The
gradient of the output is given, not that of a loss.
"""
import torch

import golden_format

torch.set_default_dtype(torch.float64)
STEPS, T, B, VOCABULARY, SIZE, PADDING = 6, 3, 2, 8, 3, 0
TOKENS = torch.tensor([[(5 * s * s + 3 * k + k // 4) % (VOCABULARY - 1) for k in range(T * B)] for s in range(STEPS)])
START = torch.tensor([[((5 * i + 3 * j) % 11 - 5) / 8 for j in range(SIZE)] for i in range(VOCABULARY)])
DY = torch.tensor([[[((7 * s + 5 * k + 3 * j) % 13 - 6) / 4 for j in range(SIZE)] for k in range(T * B)]
                   for s in range(STEPS)])


def path(optimizer, **options):
    """The table (vocabulary, size) after each step, and the outputs before each."""
    start = START.clone()
    start[PADDING] = 0
    layer = torch.nn.Embedding(VOCABULARY, SIZE, padding_idx=PADDING, sparse=True, _weight=start)
    optimizer = optimizer(layer.parameters(), lr=0.05, **options)
    tables, outputs = [], []
    for tokens, dy in zip(TOKENS, DY):
        optimizer.zero_grad()
        y = layer(tokens.view(T, B))
        y.backward(dy.view(T, B, SIZE))
        optimizer.step()
        tables.append(layer.weight.detach().clone())
        outputs.append(y.detach().view(T * B, SIZE))
    return torch.stack(tables), torch.stack(outputs)


def main():
    sgd, sgd_y = path(torch.optim.SGD)
    adam, adam_y = path(torch.optim.SparseAdam, betas=(0.8, 0.95), eps=0.01)
    golden_format.write("embedding.txt", "make_embedding.py",
                        ["torch.nn.Embedding(8, 3, padding_idx=0, sparse=True), a row of tokens (3,2) a step, dy given",
                         "tables (step, token, number) after each step, outputs (step, column, number) before it",
                         "rate 0.05; SparseAdam: betas 0.8 0.95, eps 0.01"],
                        {"start": START, "tokens": TOKENS, "dy": DY, "sgd": sgd, "sgd_y": sgd_y, "sparse_adam": adam,
                         "sparse_adam_y": adam_y})


if __name__ == "__main__":
    main()
