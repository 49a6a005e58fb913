#!/usr/bin/env python3
"""Golden files of the cross-entropies, in float64: losses and gradients.

Run without arguments; needs numpy and torch.
"""
import torch
from torch.nn import functional as F

import golden_format

T, B, CLASSES = 4, 3, 5
IGNORE = 2


def with_gradient(loss, y):
    gradient, = torch.autograd.grad(loss, y)
    return loss, gradient


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(11)
    y = (3 * torch.randn(T, B, CLASSES)).requires_grad_()
    weights = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.0])

    target = torch.randint(0, CLASSES, (T, B, 1))
    tensors = {"y": y, "target": target, "weights": weights}
    cases = {"plain": {}, "weighted": {"weight": weights}, "ignored": {"ignore_index": IGNORE},
             "both": {"weight": weights, "ignore_index": IGNORE}}
    for name, options in cases.items():
        for reduction in ("mean", "sum"):
            loss = F.cross_entropy(y.reshape(-1, CLASSES), target.reshape(-1), reduction=reduction, **options)
            key = f"{name}_{reduction}"
            tensors[key], tensors["d_" + key] = with_gradient(loss, y)
    golden_format.write(
        "softmax_cross_entropy.txt", "make_losses.py",
        ["F.cross_entropy of y (T,B,classes), target (T,B,1) class numbers, weights one a class",
         f"<options>_<reduction>: the loss, d_: its gradient; ignored: ignore_index={IGNORE}; both: and weights"],
        tensors)

    target = torch.rand(T, B, CLASSES)
    target[:2] = target[:2].round()
    tensors = {"y": y, "target": target}
    for name, weight in {"plain": 1.0, "weighted": 2.5}.items():
        for reduction in ("mean", "sum"):
            loss = F.binary_cross_entropy_with_logits(y, target, reduction=reduction, pos_weight=torch.tensor(weight))
            key = f"{name}_{reduction}"
            tensors[key], tensors["d_" + key] = with_gradient(loss, y)
    golden_format.write(
        "binary_cross_entropy.txt", "make_losses.py",
        ["F.binary_cross_entropy_with_logits of y and target (T,B,F); weighted: pos_weight=2.5",
         "<options>_<reduction>: the loss, d_: its gradient"],
        tensors)


main()
