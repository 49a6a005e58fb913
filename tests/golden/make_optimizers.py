#!/usr/bin/env python3
"""Golden file of the optimizers, step by step, in float64.

Run without arguments; needs numpy and torch. What Keras does is written in NumPy from its documentation. The gradients
do not come from a model but from a formula; half way the learning rate is halved, because there the momentum buffers
of the two libraries part.
"""
import math

import numpy as np
import torch

import golden_format

STEPS, RATE, RATE_2 = 10, 0.05, 0.025
START = [1.5, -2.0, 0.25, 0.0, -0.75]
GRADIENTS = np.array([[((7 * t + 3 * i) % 11 - 5) / 4 for i in range(5)] for t in range(STEPS)])


def rate(t):
    return RATE if t < STEPS // 2 else RATE_2


def pytorch(optimizer, **options):
    w = torch.nn.Parameter(torch.tensor(START))
    optimizer = optimizer([w], lr=RATE, **options)
    path = []
    for t, gradient in enumerate(GRADIENTS):
        optimizer.param_groups[0]["lr"] = rate(t)
        w.grad = torch.tensor(gradient)
        optimizer.step()
        path.append(w.detach().numpy().copy())
    return np.array(path)


def keras_sgd(momentum, nesterov):
    w, velocity, path = np.array(START), np.zeros(5), []
    for t, g in enumerate(GRADIENTS):
        velocity = momentum * velocity - rate(t) * g
        w = w + (momentum * velocity - rate(t) * g if nesterov else velocity)
        path.append(w)
    return np.array(path)


def keras_rmsprop(rho, eps, momentum=0.0, centered=False):
    w, v, mean, buffer, path = np.array(START), np.zeros(5), np.zeros(5), np.zeros(5), []
    for t, g in enumerate(GRADIENTS):
        v = rho * v + (1 - rho) * g**2
        mean = rho * mean + (1 - rho) * g
        buffer = momentum * buffer + rate(t) * g / np.sqrt(v - (mean**2 if centered else 0) + eps)
        w = w - buffer
        path.append(w)
    return np.array(path)


def keras_adam(beta1, beta2, eps, decay=0.0):
    w, m, v, path = np.array(START), np.zeros(5), np.zeros(5), []
    for t, g in enumerate(GRADIENTS):
        w = w - rate(t) * decay * w
        m = m + (1 - beta1) * (g - m)
        v = v + (1 - beta2) * (g**2 - v)
        alpha = rate(t) * math.sqrt(1 - beta2 ** (t + 1)) / (1 - beta1 ** (t + 1))
        w = w - alpha * m / (np.sqrt(v) + eps)
        path.append(w)
    return np.array(path)


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    optim = torch.optim
    golden_format.write(
        "optimizers.txt", "make_optimizers.py",
        ["start (5); gradients (10,5): ((7 t + 3 i) mod 11 - 5) / 4, t, i = 0, 1, ...",
         f"the rest (10,5): the parameter after each step, {RATE} the rate of the first five, {RATE_2} of the others",
         "PyTorch", "momentum 0.9, weight_decay 0.1; RMSprop: alpha 0.8, eps 0.01, momentum 0.5",
         "Adam: betas 0.8 0.95, eps 0.01, weight_decay 0.1", "keras_*: NumPy, Keras' formulas with the same settings"],
        {"start": np.array(START), "gradients": GRADIENTS,
         "sgd": pytorch(optim.SGD),
         "sgd_weight_decay": pytorch(optim.SGD, weight_decay=0.1),
         "sgd_momentum": pytorch(optim.SGD, momentum=0.9),
         "sgd_momentum_weight_decay": pytorch(optim.SGD, momentum=0.9, weight_decay=0.1),
         "sgd_nesterov": pytorch(optim.SGD, momentum=0.9, nesterov=True),
         "rmsprop": pytorch(optim.RMSprop, alpha=0.8, eps=0.01),
         "rmsprop_weight_decay": pytorch(optim.RMSprop, alpha=0.8, eps=0.01, weight_decay=0.1),
         "rmsprop_momentum": pytorch(optim.RMSprop, alpha=0.8, eps=0.01, momentum=0.5),
         "rmsprop_centered": pytorch(optim.RMSprop, alpha=0.8, eps=0.01, centered=True),
         "rmsprop_centered_momentum": pytorch(optim.RMSprop, alpha=0.8, eps=0.01, centered=True, momentum=0.5),
         "adam": pytorch(optim.Adam, betas=(0.8, 0.95), eps=0.01),
         "adam_l2": pytorch(optim.Adam, betas=(0.8, 0.95), eps=0.01, weight_decay=0.1),
         "adamw": pytorch(optim.AdamW, betas=(0.8, 0.95), eps=0.01, weight_decay=0.1),
         "adam_amsgrad": pytorch(optim.Adam, betas=(0.8, 0.95), eps=0.01, weight_decay=0.1, amsgrad=True),
         "adamw_amsgrad": pytorch(optim.AdamW, betas=(0.8, 0.95), eps=0.01, weight_decay=0.1, amsgrad=True),
         "keras_sgd_momentum": keras_sgd(0.9, False),
         "keras_sgd_nesterov": keras_sgd(0.9, True),
         "keras_rmsprop": keras_rmsprop(0.8, 0.01),
         "keras_rmsprop_momentum": keras_rmsprop(0.8, 0.01, 0.5),
         "keras_rmsprop_centered_momentum": keras_rmsprop(0.8, 0.01, 0.5, True),
         "keras_adam": keras_adam(0.8, 0.95, 0.01),
         "keras_adamw": keras_adam(0.8, 0.95, 0.01, 0.1)})


if __name__ == "__main__":
    main()
