#!/usr/bin/env python3
"""Keras models as Keras saves them, with random weights, and what they compute: tests/golden/keras.

Run without arguments; needs numpy and h5py (Debian: python3-h5py). Keras itself isn't needed: files are laid out as
keras/src/saving/saving_lib.py (.keras) and keras/src/legacy/saving/legacy_h5_format.py (.h5) write them, and the outputs
are computed in NumPy, in float64, from the equations in the layers' documentation, with Keras' own layouts of weights.
The net of the guide from-other-libraries is in its folder, docs/guides/from-other-libraries. Each of the others'
x (B,T,F) and y are in keras/outputs.txt as x_<name> (T,B,F) and y_<name> (T,B,F).
"""
import io
import json
import zipfile

import h5py
import numpy as np

import golden_format

FOLDER = golden_format.FOLDER / "keras"
rng = np.random.default_rng(20)


def draw(*shape, scale=0.5):
    return (scale * rng.standard_normal(shape)).astype(np.float32)


# --- functions and layers; x is (B,T,F), weights are lists as Keras' get_weights() ---

FUNCTIONS = {
    "linear": lambda x: x,
    "tanh": np.tanh,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "relu": lambda x: np.maximum(x, 0),
    "relu6": lambda x: np.clip(x, 0, 6),
    "hard_sigmoid_2": lambda x: np.clip(0.2 * x + 0.5, 0, 1),
    "hard_sigmoid_3": lambda x: np.clip(x + 3, 0, 6) / 6,
    "elu": lambda x: np.where(x > 0, x, np.expm1(np.minimum(x, 0))),
    "selu": lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(np.minimum(x, 0))),
    "softsign": lambda x: x / (1 + np.abs(x)),
    "leaky_relu": lambda x: np.where(x > 0, x, 0.2 * x),
    "softmax": lambda x: np.exp(x - x.max(-1, keepdims=True)) / np.exp(x - x.max(-1, keepdims=True)).sum(-1, keepdims=True),
}


def recurrent(x, weights, step, states, return_sequences, go_backwards=False):
    """Keras runs through the reversed input, and returns its outputs in the order in which it made them."""
    if go_backwards:
        x = x[:, ::-1]
    units = weights[1].shape[0]
    state = [np.zeros((len(x), units)) for _ in range(states)]
    outputs = []
    for t in range(x.shape[1]):
        state = step(x[:, t], state)
        outputs.append(state[0])
    return np.stack(outputs, 1) if return_sequences else outputs[-1]


def bias(weights, shape):
    return weights[2].astype(float) if len(weights) > 2 else np.zeros(shape)


def lstm(x, weights, f="tanh", gate="sigmoid", **options):
    kernel, recurrent_kernel = weights[0].astype(float), weights[1].astype(float)
    b, f, gate = bias(weights, kernel.shape[1]), FUNCTIONS[f], FUNCTIONS[gate]

    def step(x, state):
        i, forget, c, o = np.split(x @ kernel + state[0] @ recurrent_kernel + b, 4, -1)
        c = gate(forget) * state[1] + gate(i) * f(c)
        return [gate(o) * f(c), c]

    return recurrent(x, weights, step, 2, **options)


def gru(x, weights, reset_after, f="tanh", gate="sigmoid", **options):
    kernel, recurrent_kernel = weights[0].astype(float), weights[1].astype(float)
    units, f, gate = recurrent_kernel.shape[0], FUNCTIONS[f], FUNCTIONS[gate]
    b = bias(weights, (2, 3 * units) if reset_after else 3 * units)
    b, b_recurrent = b if reset_after else (b, np.zeros(3 * units))

    def step(x, state):
        x_z, x_r, x_h = np.split(x @ kernel + b, 3, -1)
        h_z, h_r, h_h = np.split(state[0] @ recurrent_kernel + b_recurrent, 3, -1)
        z, r = gate(x_z + h_z), gate(x_r + h_r)
        if reset_after:
            candidate = f(x_h + r * h_h)
        else:
            candidate = f(x_h + (r * state[0]) @ recurrent_kernel[:, 2 * units :])
        return [z * state[0] + (1 - z) * candidate]

    return recurrent(x, weights, step, 1, **options)


def simple_rnn(x, weights, f="tanh", **options):
    kernel, recurrent_kernel = weights[0].astype(float), weights[1].astype(float)
    b = bias(weights, kernel.shape[1])
    return recurrent(x, weights, lambda x, h: [FUNCTIONS[f](x @ kernel + h[0] @ recurrent_kernel + b)], 1, **options)


def bidirectional(layer, merge, x, weights, return_sequences, **options):
    half = len(weights) // 2
    y = layer(x, weights[:half], return_sequences=return_sequences, **options)
    y_back = layer(x, weights[half:], return_sequences=return_sequences, go_backwards=True, **options)
    if return_sequences:
        y_back = y_back[:, ::-1]
    return {"concat": np.concatenate([y, y_back], -1), "sum": y + y_back, "ave": (y + y_back) / 2}[merge]


def dense(x, weights, f="linear"):
    return FUNCTIONS[f](x @ weights[0].astype(float) + (weights[1] if len(weights) > 1 else 0))


def conv1d(x, weights, stride=1, dilation=1, causal=False, f="linear"):
    kernel, b = weights
    reach = (len(kernel) - 1) * dilation
    if causal:
        x = np.concatenate([np.zeros((len(x), reach, x.shape[2])), x], 1)
    steps = range(0, x.shape[1] - reach, stride)
    y = [sum(x[:, t + j * dilation] @ kernel[j].astype(float) for j in range(len(kernel))) + b for t in steps]
    return FUNCTIONS[f](np.stack(y, 1))


def batch_normalization(x, weights, epsilon):
    gamma, beta, mean, variance = (w.astype(float) for w in weights)
    return (x - mean) / np.sqrt(variance + epsilon) * gamma + beta


# --- files ---


def keras3(class_name, config, **more):
    return {"module": "keras.layers", "class_name": class_name, "config": config, "registered_name": None} | more


def save_keras(name, model, variables, version="3.5.0", folder=FOLDER):
    """`variables`: path below layers/ -> list of arrays."""
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        for path, arrays in variables.items():
            group = file.create_group(f"layers/{path}/vars")
            group.attrs["name"] = path
            for k, array in enumerate(arrays):
                group[str(k)] = array
    metadata = {"keras_version": version, "date_saved": "2026-01-01@00:00:00"}
    with zipfile.ZipFile(folder / f"{name}.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        for member, content in (
            ("metadata.json", json.dumps(metadata)),
            ("config.json", json.dumps(model)),
            ("model.weights.h5", buffer.getvalue()),
        ):
            archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)  # of a fixed date


def save_h5(name, model, layers, version):
    """`layers`: (layer's name, [(variable's name, array)])."""
    with h5py.File(FOLDER / f"{name}.h5", "w") as file:
        file.attrs["model_config"] = json.dumps(model).encode()
        file.attrs["keras_version"] = version.encode()
        file.attrs["backend"] = b"tensorflow"
        weights = file.create_group("model_weights")
        weights.attrs["layer_names"] = [layer.encode() for layer, _ in layers]
        for layer, variables in layers:
            group = weights.create_group(layer)
            group.attrs["weight_names"] = [variable.encode() for variable, _ in variables]
            for variable, array in variables:
                group.create_dataset(variable, data=array)


outputs = {}


def note(name, x, y):
    y = y if y.ndim == 3 else y[:, None]
    x = x if x.ndim == 3 else x[:, :, None]
    outputs[f"x_{name}"] = x.transpose(1, 0, 2).astype(float)
    outputs[f"y_{name}"] = y.transpose(1, 0, 2)


def convolution():
    """Keras 3, Sequential: what stands before and after a GRU, at every step; float16 and float64 weights."""
    x = draw(2, 19, 2, scale=1)
    conv = [draw(3, 2, 4), draw(4)]
    valid = [draw(2, 4, 3), draw(3)]
    norm = [1 + draw(3, scale=0.1), draw(3), draw(3), 1 + np.abs(draw(3))]
    cell = [draw(3, 15), draw(5, 15), draw(2, 15)]
    out = [draw(5, 2).astype(np.float16), draw(2).astype(np.float64)]
    y = conv1d(x, conv, dilation=2, causal=True, f="selu")
    y = conv1d(y, valid, stride=2)
    y = FUNCTIONS["leaky_relu"](batch_normalization(y, norm, 0.01) * 1.0)
    y = gru(y, cell, True, gate="hard_sigmoid_3", return_sequences=True)
    y = dense(y, out, "hard_sigmoid_3")
    note("convolution", x, y)
    conv_config = {"groups": 1, "data_format": "channels_last", "use_bias": True}
    layers = [
        keras3("InputLayer", {"batch_shape": [None, None, 2], "dtype": "float32", "name": "input_layer"}),
        keras3("Conv1D", conv_config | {"name": "conv1d", "filters": 4, "kernel_size": [3], "strides": [1], "padding": "causal", "dilation_rate": [2], "activation": "selu"}),
        keras3("Conv1D", conv_config | {"name": "conv1d_1", "filters": 3, "kernel_size": [2], "strides": [2], "padding": "valid", "dilation_rate": [1], "activation": "linear"}),
        keras3("BatchNormalization", {"name": "batch_normalization", "axis": -1, "momentum": 0.99, "epsilon": 0.01, "center": True, "scale": True, "synchronized": False}),
        keras3("LeakyReLU", {"name": "leaky_re_lu", "negative_slope": 0.2}),
        keras3("SpatialDropout1D", {"name": "spatial_dropout1d", "rate": 0.1, "seed": None, "dtype": "float32"}),
        keras3("GRU", {"name": "gru", "units": 5, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "use_bias": True, "dropout": 0.1, "recurrent_dropout": 0.1, "reset_after": True, "return_sequences": True, "return_state": False, "go_backwards": False, "stateful": False, "unroll": False, "zero_output_for_mask": False, "seed": None}),
        keras3("TimeDistributed", {"name": "time_distributed", "layer": keras3("Dense", {"name": "dense", "units": 2, "activation": "hard_sigmoid", "use_bias": True})}),
    ]
    model = {"module": "keras", "class_name": "Sequential", "config": {"name": "convolution", "layers": layers}, "registered_name": None}
    variables = {"conv1d": conv, "conv1d_1": valid, "batch_normalization": norm, "leaky_re_lu": [], "spatial_dropout1d": [], "gru/cell": cell, "gru": [], "time_distributed/layer": out}
    save_keras("convolution", model, variables)


def backwards():
    """Keras 2, functional: two layers that go backwards, so that the second turns the steps back; no biases."""
    x = draw(2, 9, 3, scale=1)
    first, second = [draw(3, 16), draw(4, 16)], [draw(4, 3), draw(3, 3), draw(3)]
    both = [draw(3, 12), draw(4, 12), draw(12), draw(3, 12), draw(4, 12), draw(12)]
    out = [draw(8, 3), draw(3)]
    y = lstm(x, first, gate="hard_sigmoid_2", return_sequences=True, go_backwards=True)
    y = simple_rnn(y, second, "relu", return_sequences=True, go_backwards=True)
    y = bidirectional(lambda x, w, **o: gru(x, w, False, "softsign", **o), "concat", y, both, False)
    y = dense(y, out, "softmax")
    note("backwards", x, y)
    old = {"trainable": True, "dtype": "float32"}
    layers = [
        ("InputLayer", {"batch_input_shape": [None, 9, 3], "dtype": "float32", "sparse": False, "ragged": False, "name": "input_1"}, []),
        ("LSTM", old | {"name": "lstm", "units": 4, "activation": "tanh", "recurrent_activation": "hard_sigmoid", "use_bias": False, "return_sequences": True, "go_backwards": True, "stateful": False, "unroll": False, "time_major": False, "implementation": 1}, [[["input_1", 0, 0, {}]]]),
        ("SimpleRNN", old | {"name": "simple_rnn", "units": 3, "activation": "relu", "use_bias": True, "return_sequences": True, "go_backwards": True}, [[["lstm", 0, 0, {}]]]),
        ("Bidirectional", old | {"name": "bidirectional", "merge_mode": "concat", "layer": {"class_name": "GRU", "config": old | {"name": "gru", "units": 4, "activation": "softsign", "recurrent_activation": "sigmoid", "use_bias": True, "reset_after": False, "return_sequences": False, "go_backwards": False}}}, [[["simple_rnn", 0, 0, {"training": None}]]]),
        ("Dense", old | {"name": "dense", "units": 3, "activation": "softmax", "use_bias": True}, [[["bidirectional", 0, 0, {}]]]),
    ]
    layers = [{"class_name": c, "config": config, "name": config["name"], "inbound_nodes": nodes} for c, config, nodes in layers]
    layers[1], layers[3] = layers[3], layers[1]  # the order in the list is of no consequence
    model = {"class_name": "Functional", "config": {"name": "backwards", "layers": layers, "input_layers": [["input_1", 0, 0]], "output_layers": [["dense", 0, 0]]}}
    names = ["kernel:0", "recurrent_kernel:0", "bias:0"]
    save_h5("backwards", model, [
        ("input_1", []),
        ("lstm", list(zip(("lstm/lstm_cell/" + n for n in names), first))),
        ("simple_rnn", list(zip(("simple_rnn/simple_rnn_cell/" + n for n in names), second))),
        ("bidirectional", list(zip((f"bidirectional/{d}_gru/gru_cell_{k}/{n}" for k, d in ((1, "forward"), (2, "backward")) for n in names), both))),
        ("dense", [("dense/kernel:0", out[0]), ("dense/bias:0", out[1])]),
    ], "2.11.0")


def tensor(name, shape):
    return {"class_name": "__keras_tensor__", "config": {"shape": shape, "dtype": "float32", "keras_history": [name, 0, 0]}}


def reversed_text():
    """Keras 3, functional: tokens, a layer that ends at the first step, and two of a class in front of it."""
    tokens = rng.integers(0, 7, (3, 8)).astype(np.float32)
    table = draw(7, 3, scale=1)
    sums, averages = [draw(3, 16), draw(4, 16), draw(16)] * 2, [draw(4, 12), draw(3, 12), draw(12)] * 2
    for k in range(3, 6):
        sums[k], averages[k] = draw(*sums[k].shape), draw(*averages[k].shape)
    last, out = [draw(3, 6), draw(2, 6), draw(2, 6)], [draw(2, 1)]
    y = table[tokens.astype(int)].astype(float)
    y = bidirectional(lstm, "sum", y, sums, True)
    y = bidirectional(lstm, "ave", y, averages, True, f="elu")
    y = gru(y, last, True, return_sequences=False, go_backwards=True)
    y = FUNCTIONS["relu6"](dense(y, out))
    note("reversed_text", tokens, y)
    cell = {"activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "return_sequences": True, "go_backwards": False, "stateful": False, "dropout": 0.0, "recurrent_dropout": 0.0}

    def pair(name, merge, **options):
        forward = keras3("LSTM", cell | {"name": "forward_lstm"} | options)
        backward = keras3("LSTM", cell | {"name": "backward_lstm", "go_backwards": True} | options)
        return keras3("Bidirectional", {"name": name, "merge_mode": merge, "layer": forward, "backward_layer": backward})

    def node(source, shape, **options):
        return [{"args": [tensor(source, shape)], "kwargs": options}]

    rows = [
        (keras3("InputLayer", {"batch_shape": [None, 8], "dtype": "int64", "sparse": False, "name": "input_layer"}), []),
        (keras3("Embedding", {"name": "embedding", "input_dim": 7, "output_dim": 3, "mask_zero": False}), node("input_layer", [None, 8])),
        (pair("bidirectional", "sum", units=4), node("embedding", [None, 8, 3], mask=None, training=False)),
        (pair("bidirectional_1", "ave", units=3, activation="elu"), node("bidirectional", [None, 8, 4], mask=None)),
        (keras3("GRU", cell | {"name": "gru", "units": 2, "reset_after": True, "return_sequences": False, "go_backwards": True}), node("bidirectional_1", [None, 8, 3], mask=None)),
        (keras3("Dense", {"name": "dense", "units": 1, "activation": "linear", "use_bias": False}), node("gru", [None, 2])),
        (keras3("ReLU", {"name": "re_lu", "max_value": 6.0, "negative_slope": 0.0, "threshold": 0.0}), node("dense", [None, 1])),
    ]
    layers = [layer | {"name": layer["config"]["name"], "inbound_nodes": nodes} for layer, nodes in rows]
    model = {"module": "keras.src.models.functional", "class_name": "Functional", "config": {"name": "reversed_text", "layers": layers, "input_layers": ["input_layer", 0, 0], "output_layers": [["re_lu", 0, 0]]}, "registered_name": "Functional"}
    variables = {"embedding": [table], "bidirectional/forward_layer/cell": sums[:3], "bidirectional/backward_layer/cell": sums[3:], "bidirectional_1/forward_layer/cell": averages[:3], "bidirectional_1/backward_layer/cell": averages[3:], "gru/cell": last, "dense": out, "re_lu": [], "input_layer": []}
    save_keras("reversed_text", model, variables, "3.9.2")


def guide():
    """Keras 3, Sequential: what a user would save first, a GRU and a Dense layer at every step; x and y as a table."""
    folder = golden_format.FOLDER.parent.parent / "docs" / "guides" / "from-other-libraries"
    x = draw(1, 60, 1, scale=1)
    cell, out = [draw(1, 36), draw(12, 36), draw(2, 36)], [draw(12, 1), draw(1)]
    y = dense(gru(x, cell, True, return_sequences=True), out)
    layers = [
        keras3("InputLayer", {"batch_shape": [None, None, 1], "dtype": "float32", "name": "input_layer"}),
        keras3("GRU", {"name": "gru", "units": 12, "activation": "tanh", "recurrent_activation": "sigmoid", "use_bias": True, "dropout": 0.0, "recurrent_dropout": 0.0, "reset_after": True, "return_sequences": True, "return_state": False, "go_backwards": False, "stateful": False, "unroll": False, "zero_output_for_mask": False, "seed": None}),
        keras3("Dense", {"name": "dense", "units": 1, "activation": "linear", "use_bias": True}),
    ]
    model = {"module": "keras", "class_name": "Sequential", "config": {"name": "net", "layers": layers}, "registered_name": None}
    save_keras("net", model, {"gru/cell": cell, "gru": [], "dense": out}, folder=folder)
    np.savetxt(folder / "keras.csv", np.column_stack([x[0, :, 0], y[0, :, 0]]), delimiter=",", header="x,y", comments="")


FOLDER.mkdir(exist_ok=True)
convolution()
backwards()
reversed_text()
guide()
golden_format.write("keras/outputs.txt", "make_keras.py", ["x_<name>, y_<name> (T,B,F) of <name>.keras or <name>.h5; tokens are (T,B,1)"], outputs)
