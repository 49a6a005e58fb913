#!/usr/bin/env python3
"""Golden files for what PyTorch has no layer for, in float64, from the equations alone.

Run without arguments; needs numpy and torch. The same seeds give the same files, to the rounding of the BLAS.

Each cell is written twice from the ONNX operators' equations: in torch operations on the whole batch, so that
autograd gives the gradients, and in NumPy one number at a time, to check the first. Names are make_torch.py's, with
one bias b, and the peepholes P (3,H) in the order i,f,o (coupled: (2,H), i,o). Gate blocks: LSTM i,f,g,o; coupled
LSTM i,g,o; GRU r,z,n.
"""
import math

import numpy as np
import torch

import golden_format

T, B, I, H = 6, 3, 4, 5


def write(file, notes, tensors):
    golden_format.write(file, "make_numpy.py", notes, tensors)


def draw(*shape, scale=1.0):
    """Normal numbers of four decimals: short to print, exact to read."""
    return (scale * torch.randn(*shape)).mul(1e4).round().div(1e4)


def sigmoid(x):
    return 1 / (1 + math.exp(-x))


# --- LSTM with peepholes, with coupled gates, with both; GRU with the reset before the product ---


def lstm_torch(v, coupled):
    """h, c of every step; v holds x, h0, c0, W, U, b and maybe P."""
    h, c, hs = v["h0"], v["c0"], []
    P = v.get("P", torch.zeros(2 if coupled else 3, H))
    for x in v["x"]:
        a = (x @ v["W"].T + h @ v["U"].T + v["b"]).split(H, dim=1)
        if coupled:
            i = torch.sigmoid(a[0] + P[0] * c)
            f = 1 - i
        else:
            i = torch.sigmoid(a[0] + P[0] * c)
            f = torch.sigmoid(a[1] + P[1] * c)
        g = torch.tanh(a[-2])
        c = f * c + i * g
        o = torch.sigmoid(a[-1] + P[-1] * c)
        h = o * torch.tanh(c)
        hs.append(h)
    return {"y": torch.stack(hs), "hT": h, "cT": c}


def lstm_loops(v, coupled):
    """The same, every number by itself."""
    x, h, c, W, U, b = (v[name].detach().numpy() for name in ("x", "h0", "c0", "W", "U", "b"))
    P = v["P"].detach().numpy() if "P" in v else np.zeros((2 if coupled else 3, H))
    block = {"i": 0, "g": 1, "o": 2} if coupled else {"i": 0, "f": 1, "g": 2, "o": 3}
    y = np.zeros((T, B, H))
    for t in range(T):
        h_next, c_next = np.zeros((B, H)), np.zeros((B, H))
        for n in range(B):
            for k in range(H):
                def gate(name):
                    row = block[name] * H + k
                    total = b[row]
                    for j in range(I):
                        total += W[row, j] * x[t, n, j]
                    for j in range(H):
                        total += U[row, j] * h[n, j]
                    return total

                i = sigmoid(gate("i") + P[0, k] * c[n, k])
                f = 1 - i if coupled else sigmoid(gate("f") + P[1, k] * c[n, k])
                c_next[n, k] = f * c[n, k] + i * math.tanh(gate("g"))
                o = sigmoid(gate("o") + P[-1, k] * c_next[n, k])
                h_next[n, k] = o * math.tanh(c_next[n, k])
        h, c = h_next, c_next
        y[t] = h
    return {"y": y, "hT": h, "cT": c}


def gru_torch(v):
    h, hs = v["h0"], []
    (Wr, Wz, Wn), (Ur, Uz, Un), (br, bz, bn) = (v[name].split(H) for name in ("W", "U", "b"))
    for x in v["x"]:
        r = torch.sigmoid(x @ Wr.T + h @ Ur.T + br)
        z = torch.sigmoid(x @ Wz.T + h @ Uz.T + bz)
        n = torch.tanh(x @ Wn.T + (r * h) @ Un.T + bn)
        h = (1 - z) * n + z * h
        hs.append(h)
    return {"y": torch.stack(hs), "hT": h}


def gru_loops(v):
    x, h, W, U, b = (v[name].detach().numpy() for name in ("x", "h0", "W", "U", "b"))
    y = np.zeros((T, B, H))
    for t in range(T):
        h_next = np.zeros((B, H))
        for s in range(B):
            def gate(block, k, state):
                row = block * H + k
                from_x = sum(W[row, j] * x[t, s, j] for j in range(I))
                return b[row] + from_x + sum(U[row, j] * state[j] for j in range(H))

            r = [sigmoid(gate(0, k, h[s])) for k in range(H)]
            for k in range(H):
                z = sigmoid(gate(1, k, h[s]))
                n = math.tanh(gate(2, k, [r[j] * h[s, j] for j in range(H)]))
                h_next[s, k] = (1 - z) * n + z * h[s, k]
        h = h_next
        y[t] = h
    return {"y": y, "hT": h}


def cell(file, notes, gates, peepholes, forward, loops):
    inputs = {"x": draw(T, B, I), "h0": draw(B, H)}
    if gates != "rzn":
        inputs["c0"] = draw(B, H)
    G = len(gates)
    inputs.update({"W": draw(G * H, I, scale=0.5), "U": draw(G * H, H, scale=0.5), "b": draw(G * H, scale=0.5)})
    if peepholes:
        inputs["P"] = draw(peepholes, H, scale=0.5)
    for tensor in inputs.values():
        tensor.requires_grad_()

    outputs = forward(inputs)
    for name, expected in loops(inputs).items():
        np.testing.assert_allclose(outputs[name].detach().numpy(), expected, rtol=0, atol=1e-14)
    upstream = {"d" + name: draw(*tensor.shape) for name, tensor in outputs.items()}
    sum((outputs[name[1:]] * gradient).sum() for name, gradient in upstream.items()).backward()
    write(file, notes, {**inputs, **outputs, **upstream, **{f"grad_{n}": t.grad for n, t in inputs.items()}})


def cells():
    cell("peephole.txt", ["LSTM with peepholes; blocks i,f,g,o; P in the order i,f,o; o sees the new c"],
         "ifgo", 3, lambda v: lstm_torch(v, False), lambda v: lstm_loops(v, False))
    cell("coupled.txt", ["LSTM with f = 1 - i; blocks i,g,o"],
         "igo", 0, lambda v: lstm_torch(v, True), lambda v: lstm_loops(v, True))
    cell("coupled_peephole.txt", ["LSTM with f = 1 - i and peepholes; blocks i,g,o; P in the order i,o"],
         "igo", 2, lambda v: lstm_torch(v, True), lambda v: lstm_loops(v, True))
    cell("gru_reset_before.txt", ["GRU, n = tanh(W x + U (r * h) + b); blocks r,z,n"], "rzn", 0, gru_torch, gru_loops)


# --- Keras' optimizers ---


def keras_rmsprop(w, gradients, rate, rho, eps, momentum=0.0, centered=False):
    """keras.optimizers.RMSprop: epsilon is added under the root, and the rate multiplies before the momentum."""
    v, mean, buffer, path = np.zeros_like(w), np.zeros_like(w), np.zeros_like(w), []
    for g in gradients:
        v = rho * v + (1 - rho) * g * g
        mean = rho * mean + (1 - rho) * g
        step = rate * g / np.sqrt((v - mean * mean if centered else v) + eps)
        buffer = momentum * buffer + step
        w = w - buffer
        path.append(w)
    return np.array(path)


def keras_adam(w, gradients, rate, beta1, beta2, eps):
    """keras.optimizers.Adam: the corrections are in the rate, so epsilon is compared with the uncorrected root."""
    m, v, path = np.zeros_like(w), np.zeros_like(w), []
    for t, g in enumerate(gradients, start=1):
        m = m + (1 - beta1) * (g - m)
        v = v + (1 - beta2) * (g * g - v)
        alpha = rate * math.sqrt(1 - beta2**t) / (1 - beta1**t)
        w = w - alpha * m / (np.sqrt(v) + eps)
        path.append(w)
    return np.array(path)


def keras_optimizers():
    rate, rho, beta1, beta2, eps, momentum = 0.01, 0.9, 0.9, 0.999, 1e-7, 0.5
    w = draw(6).numpy()
    gradients = draw(10, 6).numpy() * [1, 1e2, 1e-2, 1e-4, 1e-6, 0]
    gradients[5, :2] = 0
    gradients = np.array([[float(f"{g:.4g}") + 0.0 for g in row] for row in gradients])
    write("keras_optimizers.txt",
          ["w0 (6): the start; gradients (10,6), of sizes at which the place of epsilon matters; the rest (10,6):",
           "w after each step of RMSprop, w -= rate g / sqrt(v + eps), and of Adam, w -= alpha m / (sqrt(v) + eps)",
           "with alpha = rate sqrt(1 - beta2^t) / (1 - beta1^t)"],
          {"learning_rate": rate, "rho": rho, "beta_1": beta1, "beta_2": beta2, "epsilon": eps, "momentum": momentum,
           "w0": w, "gradients": gradients,
           "rmsprop": keras_rmsprop(w, gradients, rate, rho, eps),
           "rmsprop_momentum": keras_rmsprop(w, gradients, rate, rho, eps, momentum),
           "rmsprop_centered_momentum": keras_rmsprop(w, gradients, rate, rho, eps, momentum, centered=True),
           "adam": keras_adam(w, gradients, rate, beta1, beta2, eps)})


# --- The NumPy cells of the articles ---


def wave(offset, scale, *shape):
    """scale sin((offset + k)^2 / 8), k = 0, 1, ... in C order: no pattern, and any language can repeat it."""
    k = offset + np.arange(math.prod(shape), dtype=np.float64)
    return (scale * np.sin(k * k / 8)).reshape(shape)


def simple_rnn():
    steps, inputs, hidden = 100, 32, 64
    x, W = wave(1, 1, steps, inputs), wave(10001, 0.2, hidden, inputs)
    U, b = wave(20001, 0.2, hidden, hidden), wave(30001, 0.1, hidden)
    h, kept = np.zeros(hidden), {}
    for t in range(steps):
        h = np.tanh(np.dot(W, x[t]) + np.dot(U, h) + b)
        if t + 1 in (1, 10, 100):
            kept[f"rnn_h{t + 1}"] = h
    return kept


def lstm_aifo(x, W, U, b):
    """One sequence; W x + U h + b stacked a,i,f,o."""
    hidden = U.shape[1]
    h, c, hs, cs = np.zeros(hidden), np.zeros(hidden), [], []
    for x_t in x:
        net = W @ x_t + U @ h + b
        a = np.tanh(net[:hidden])
        i, f, o = np.split(1 / (1 + np.exp(-net[hidden:])), 3)
        c = a * i + f * c
        h = np.tanh(c) * o
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def lstm_ifog(x, W, b):
    """A batch; [x, h] W + b side by side i,f,o,g."""
    hidden = b.size // 4
    h, c, hs, cs = np.zeros((x.shape[1], hidden)), np.zeros((x.shape[1], hidden)), [], []
    for x_t in x:
        net = np.hstack([x_t, h]) @ W + b
        i, f, o = np.split(1 / (1 + np.exp(-net[:, :3 * hidden])), 3, axis=1)
        g = np.tanh(net[:, 3 * hidden:])
        c = f * c + i * g
        h = o * np.tanh(c)
        hs.append(h)
        cs.append(c)
    return np.array(hs), np.array(cs)


def numpy_cells():
    inputs, hidden, steps, batch = 3, 4, 5, 2
    gates = 4 * hidden
    aifo = {"x": draw(steps, inputs), "W": draw(gates, inputs), "U": draw(gates, hidden), "b": draw(gates)}
    ifog = {"x": draw(steps, batch, inputs), "W": draw(inputs + hidden, gates), "b": draw(gates)}
    tensors = simple_rnn()
    for name, values, step in (("aifo", aifo, lstm_aifo), ("ifog", ifog, lstm_ifog)):
        values = {key: value.numpy() for key, value in values.items()}
        values["h"], values["c"] = step(**values)
        tensors.update({f"{name}_{key}": value for key, value in values.items()})
    write("numpy_cells.txt",
          ["rnn_h1, rnn_h10, rnn_h100: h = tanh(W x + U h + b) after 1, 10, 100 steps from h = 0, 32 in, 64 out, with",
           "x (100,32), W (64,32), U (64,64), b (64) = scale sin((offset + k)^2 / 8), k = 0, 1, ... in C order,",
           "(offset, scale) = x (1, 1), W (10001, 0.2), U (20001, 0.2), b (30001, 0.1)",
           "aifo_*: x (T,I), W (4H,I), U (4H,H), rows stacked a,i,f,o; h and c (T,H) of every step from zero",
           "ifog_*: x (T,B,I), W (I+H,4H) on [x, h], columns side by side i,f,o,g; h and c (T,B,H)"],
          tensors)


def main():
    torch.set_num_threads(1)
    torch.set_default_dtype(torch.float64)
    torch.manual_seed(2)
    cells()
    keras_optimizers()
    numpy_cells()


if __name__ == "__main__":
    main()
