#!/usr/bin/env python3
"""How training over MPI would scale: an alpha-beta model, no measurement. Prints the table of docs/cluster.md.

A step of n nodes takes the time of a share's passes, of the sum of all gradients as far as it isn't hidden behind the backward pass,
and of two exchanges of 256 bytes from each node (losses and errors; what callbacks decide).

A message of V bytes is summed over n nodes in the least of
    log2 n (a + V b)                      recursive doubling
    2 log2 n a + 2 (n - 1) / n V b        reduce-scatter and allgather by halving and doubling (Rabenseifner)
    2 (n - 1) a + 2 (n - 1) / n V b       ring
with a the latency of a message and b the time of a byte (Thakur, Rabenseifner and Gropp, "Optimization of collective communication
operations in MPICH", 2005); additions are left out. --algorithm ring takes the last one, which Open MPI 4.1 chooses from 64 KiB on.

    benchmarks/cluster_model.py                      # the table
    benchmarks/cluster_model.py --gflops 200         # of nodes with another speed"""
import argparse
import math

NETWORKS = {  # latency in s of a message between two programs, bytes/s
    "10 Gbit/s Ethernet": (30e-6, 1.15e9),
    "InfiniBand HDR100": (2e-6, 12e9),
}
NETS = {  # layers as (input, hidden), steps, sequences of a node's share
    "LSTM 1 → 64, 96 steps": ([(1, 64)], 96, 512),
    "LSTM 64 → 128, 100 steps": ([(64, 128)], 100, 512),
    "2 LSTM 512, 50 steps": ([(512, 512), (512, 512)], 50, 512),
}
MESSAGE = 4 << 20  # bytes, from which a message is sent


def parameters(layers):
    return [4 * h * (i + h + 1) for i, h in layers]


def passes(layers, steps, sequences, gflops):
    """Seconds of forward and backward: three products of 2·4H(I + H) flops for each step of a sequence."""
    return sum(24 * h * (i + h) for i, h in layers) * steps * sequences / (gflops * 1e9)


def summed(size, nodes, network, algorithm):
    """Seconds in which a message is summed over all nodes."""
    latency, rate = network
    rounds, sent = math.ceil(math.log2(nodes)), 2 * (nodes - 1) / nodes * size / rate
    ring = 2 * (nodes - 1) * latency + sent
    if algorithm == "ring" and size >= 65536:
        return ring
    return min(rounds * (latency + size / rate), 2 * rounds * latency + sent, ring)


def exchanged(nodes, network):
    latency, rate = network
    return 2 * (math.ceil(math.log2(nodes)) * latency + nodes * 256 / rate)


def step(layers, steps, sequences, nodes, network, options):
    """Seconds of a step. A message begins when backward is done with its layers, and the next one after it."""
    compute = passes(layers, steps, sequences, options.gflops)
    if nodes == 1:
        return compute
    now, busy, waiting = compute / 3, 0.0, 0  # backward is two thirds
    flops = [h * (i + h) for i, h in layers]
    for k in reversed(range(len(layers))):
        now += compute * 2 / 3 * flops[k] / sum(flops)
        waiting += 4 * parameters(layers)[k]
        if waiting >= MESSAGE or k == 0:
            busy = max(now, busy) + summed(waiting, nodes, network, options.algorithm)
            waiting = 0
    return max(now, busy) + exchanged(nodes, network)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gflops", type=float, default=2500, help="useful GFLOP/s of a node (default: %(default)s)")
    parser.add_argument("--algorithm", choices=["best", "ring"], default="best")
    parser.add_argument("--batch", type=int, default=8192, help="of all nodes, where it is fixed (default: %(default)s)")
    options = parser.parse_args()
    counts = [2, 4, 8, 16, 32, 64, 128, 256]
    print("| net, network | batch | " + " | ".join(map(str, counts)) + " |")
    print("|---|---" + "|---" * len(counts) + "|")
    for name, (layers, steps, share) in NETS.items():
        one = step(layers, steps, share, 1, None, options) / share  # for a sequence
        for network_name, network in NETWORKS.items():
            for kind, sequences in (("512 a node", lambda n: share), (f"{options.batch} in all", lambda n: options.batch / n)):
                speed = [sequences(n) * n * one / step(layers, steps, sequences(n), n, network, options) for n in counts]
                print(f"| {name}, {network_name} | {kind} | " + " | ".join(f"{s:.3g}" for s in speed) + " |")


if __name__ == "__main__":
    main()
