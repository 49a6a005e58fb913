// The program of stream-in-real-time.md.
#include <carousel/carousel.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <span>

using namespace carousel;

static long allocations = 0; // counts every new of this program
[[gnu::noinline]] void* operator new(std::size_t size) {
    ++allocations;
    if (void* const memory = std::malloc(size))
        return memory;
    throw std::bad_alloc();
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
    std::free(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}

using Net = Sequential<LSTM<float>, Dense<float>>;

struct Effect {
    explicit Effect(const Net& net) : swap(Stream{net}) {}

    // What the host calls from its audio thread.
    void process(std::span<float> block) noexcept {
        const DenormalsAreZero guard;
        auto& stream = swap.current();
        stream(block, block);
        if (!stream.finite())
            stream.reset();
    }

    HotSwap<Stream<Net>> swap;
};

int main() {
    // Something to learn: a soft clipper with a memory.
    std::vector<float> dry(6000), wet(6000);
    Random random(1);
    float level = 0;
    for (std::size_t t = 0; t < dry.size(); ++t) {
        dry[t] = static_cast<float>(std::sin(0.05 * static_cast<double>(t)) * std::sin(0.003 * static_cast<double>(t)) +
                                    0.2 * random.normal());
        level += 0.3f * (std::tanh(2 * dry[t]) - level);
        wet[t] = level;
    }
    Dataset<float> data{Sequence<float>(1, 300, 20), Sequence<float>(1, 300, 20)};
    for (Index b = 0; b < 20; ++b)
        for (Index t = 0; t < 300; ++t) {
            data.x.step(t)(0, b) = dry[static_cast<std::size_t>(300 * b + t)];
            data.y.step(t)(0, b) = wet[static_cast<std::size_t>(300 * b + t)];
        }

    Net net{LSTM<float>{1, 12, {.seed = 1}}, Dense<float>{12, 1, {.seed = 2}}};
    Effect effect(net); // runs, untrained, before and while it learns
    fit(net, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2},
        {.epochs = 60, .batch_size = 5, .seed = 1, .clip_norm = 1.0});
    effect.swap.set_weights(net); // from the training's thread

    std::vector<float> played = dry;
    const long before = allocations;
    for (std::size_t t = 0; t < played.size(); t += 64)
        effect.process(std::span(played).subspan(t, std::min<std::size_t>(64, played.size() - t)));
    std::printf("allocations while it played: %ld\n", allocations - before);

    double error = 0, power = 0, difference = 0;
    for (std::size_t t = 0; t < wet.size(); ++t) {
        error += std::pow(played[t] - wet[t], 2);
        power += std::pow(wet[t], 2);
    }
    std::printf("error to signal below 0.05: %s\n", error / power < 0.05 ? "yes" : "no");

    const Sequence<float> whole = net(SequenceView<float>(dry.data(), 1, 6000, 1)); // all of it in one pass
    for (std::size_t t = 0; t < wet.size(); ++t)
        difference = std::max(difference, static_cast<double>(std::abs(played[t] - whole.data()[t])));
    std::printf("differs from the whole pass by less than 1e-5: %s\n", difference < 1e-5 ? "yes" : "no");

    std::vector<float> broken(64, 0.1f);
    broken[10] = NAN;
    effect.process(broken);
    std::vector<float> after(64, 0.1f);
    effect.process(after);
    std::printf("after a NaN it plays on: %s\n", std::isfinite(after[0]) ? "yes" : "no");
}
