// How long a sample takes at worst: every call of a Stream is timed, ten million of them, on one CPU.
//
//     build/benchmark/benchmarks/carousel_latency [--calls=N] [--hidden=H]
//
// The net is an LSTM 1 → H and a Dense layer H → 1. Peers take turns, 10,000 calls each; -DCAROUSEL_BENCHMARK_RTNEURAL=<checkout>
// brings RTNeural beside (its sizes known at compile time), CAROUSEL_BENCHMARK_NAM NAM Core. Outputs are compared first. A time contains that of reading
// the clock, which is a row of its own: what that row has at worst is the machine's, its interrupts and other processes.
#include "measure.hpp"
#include "peers/streams.hpp"

#include <carousel/layer/dense.hpp>
#include <carousel/layer/recurrent.hpp>
#include <carousel/stream/stream.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>

namespace benchmarks {
namespace {

using carousel::Index;

/// Counts of times, a bin a nanosecond, and the longest.
class Histogram {
  public:
    void add(long ns) {
        ++bins_[static_cast<std::size_t>(std::clamp(ns, 0L, static_cast<long>(bins_.size()) - 1))];
        worst_ = std::max(worst_, ns);
    }
    /// The least time that this share of the calls doesn't exceed.
    long percentile(double share, long calls) const {
        long count = 0;
        for (std::size_t ns = 0; ns < bins_.size() - 1; ++ns)
            if (static_cast<double>(count += bins_[ns]) >= share * static_cast<double>(calls))
                return static_cast<long>(ns);
        return worst_;
    }
    long worst() const { return worst_; }

  private:
    std::vector<long> bins_ = std::vector<long>(1 << 16);
    long worst_ = 0;
};

struct Timed {
    std::string name;
    std::function<float(float)> sample;
    Histogram times = {};
};

/// The sample's function is called through std::function for every peer alike.
void time_calls(Timed& peer, const std::vector<float>& signal) {
    using Steady = std::chrono::steady_clock;
    volatile float sink = 0;
    for (const float x : signal) {
        const auto begin = Steady::now();
        sink = peer.sample(x);
        const auto end = Steady::now();
        peer.times.add(static_cast<long>(std::chrono::duration_cast<std::chrono::nanoseconds>(end - begin).count()));
    }
    static_cast<void>(sink);
}

/// A Stream of sizes known at compile time, or at run time (H = Dynamic).
template <Index H, class Model>
std::function<float(float)> carousel_stream(const Model& model) {
    carousel::Sequential known{carousel::LSTM<float, 1, H>{1, model.template layer<0>().hidden_size()},
                               carousel::Dense<float, H, 1>{model.template layer<1>().input_size(), 1}};
    known.template layer<0>().W().value = model.template layer<0>().W().value;
    known.template layer<0>().U().value = model.template layer<0>().U().value;
    known.template layer<0>().b().value = model.template layer<0>().b().value;
    known.template layer<1>().W().value = model.template layer<1>().W().value;
    known.template layer<1>().b().value = model.template layer<1>().b().value;
    return [stream = carousel::Stream{known}](float x) mutable { return stream(x); };
}

bool same_outputs(std::vector<Timed>& peers, const std::vector<float>& signal) {
    for (const float x : signal) {
        const float expected = peers[1].sample(x);
        for (std::size_t k = 2; k < peers.size(); ++k)
            if (!(std::abs(peers[k].sample(x) - expected) < 1e-4F))
                return std::printf("%s gives other numbers\n", peers[k].name.c_str()), false;
    }
    return true;
}

int run(Index hidden, long calls) {
    const carousel::Sequential model{carousel::LSTM<float>{1, hidden, {}, {.seed = 1}},
                                     carousel::Dense<float>{hidden, 1, {.seed = 2}}};
    std::vector<Timed> peers{{"the clock alone", [](float x) { return x; }},
                             {"Carousel, run-time sizes", carousel_stream<carousel::Dynamic>(model)}};
    if (hidden == 8)
        peers.push_back({"Carousel, fixed sizes", carousel_stream<8>(model)});
    if (hidden == 16)
        peers.push_back({"Carousel, fixed sizes", carousel_stream<16>(model)});
    if (hidden == 32)
        peers.push_back({"Carousel, fixed sizes", carousel_stream<32>(model)});
    const auto numbers = [](const auto& parameter) {
        return std::vector<float>(parameter.value.data(), parameter.value.data() + parameter.value.size());
    };
    const auto& lstm = model.layer<0>();
    const auto& dense = model.layer<1>();
    for (const StreamPeer& peer : stream_peers({false,
                                                static_cast<int>(hidden),
                                                {{numbers(lstm.W()), numbers(lstm.U()), numbers(lstm.b())}},
                                                numbers(dense.W()),
                                                numbers(dense.b())}))
        if (!peer.fast)
            peers.push_back({peer.name, [run = peer.run](float x) {
                                 float y;
                                 run(&x, &y, 1);
                                 return y;
                             }});
    carousel::Random random(3);
    std::vector<float> signal(10'000);
    for (float& x : signal)
        x = static_cast<float>(random.uniform(-1, 1));
    if (!same_outputs(peers, signal))
        return 1;
    const long turns = std::max(1L, calls / static_cast<long>(signal.size()));
    for (long turn = 0; turn < turns; ++turn)
        for (Timed& peer : peers)
            time_calls(peer, signal);

    const long timed = turns * static_cast<long>(signal.size());
    std::printf("LSTM 1 -> %ld, Dense %ld -> 1; %ld calls each, ns\n", static_cast<long>(hidden),
                static_cast<long>(hidden), timed);
    std::printf("%-26s %8s %8s %8s %8s %8s %9s\n", "", "50 %", "99 %", "99.9 %", "99.99 %", "99.999 %", "worst");
    for (const Timed& peer : peers) {
        std::printf("%-26s", peer.name.c_str());
        for (const double share : {0.5, 0.99, 0.999, 0.9999, 0.99999})
            std::printf(" %8ld", peer.times.percentile(share, timed));
        std::printf(" %9ld\n", peer.times.worst());
    }
    return 0;
}

} // namespace
} // namespace benchmarks

int main(int count, char** arguments) {
    benchmarks::restart_on_one_cpu(arguments);
    long calls = 10'000'000, hidden = 16;
    for (int k = 1; k < count; ++k)
        if (std::strncmp(arguments[k], "--calls=", 8) == 0)
            calls = std::atol(arguments[k] + 8);
        else if (std::strncmp(arguments[k], "--hidden=", 9) == 0)
            hidden = std::atol(arguments[k] + 9);
        else
            return std::fprintf(stderr, "usage: carousel_latency [--calls=N] [--hidden=H]\n"), 2;
    if (calls < 1 || hidden < 1)
        return std::fprintf(stderr, "carousel_latency: --calls and --hidden are at least 1\n"), 2;
    return benchmarks::run(hidden, calls);
}
