// The program of deploy.md. Its first argument is the folder that it writes into. deploy/effect.hpp is what it wrote there once.
#include "deploy/effect.hpp"

#include <carousel/carousel.hpp>
#include <carousel/io/header.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
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

extern "C" void effect_process(float* block, int samples); // deploy/effect.cpp

// A host's plugin: one stream a channel, made before the audio thread calls.
class Plugin {
  public:
    void prepare(int channels) { streams_.assign(static_cast<std::size_t>(channels), effect::stream()); }

    void process(std::span<float* const> channels, std::size_t samples) noexcept {
        const DenormalsAreZero guard;
        for (std::size_t c = 0; c < channels.size(); ++c) {
            const std::span<float> block(channels[c], samples);
            streams_[c](block, block);
            if (!streams_[c].finite())
                streams_[c].reset();
        }
    }

  private:
    std::vector<Stream<effect::Model>> streams_;
};

// What the net learns: a soft clipper with a memory.
float clipped(float sample, float& level) {
    level += 0.3f * (std::tanh(2 * sample) - level);
    return level;
}

int main(int count, char** arguments) {
    const std::filesystem::path out = count > 1 ? arguments[1] : ".";
    std::filesystem::create_directories(out);

    // On your computer: a net is trained and written as a header.
    const Index steps = 300, pieces = 40;
    Dataset<float> data{Sequence<float>(1, steps, pieces), Sequence<float>(1, steps, pieces)};
    Random random(1);
    for (Index b = 0; b < pieces; ++b) {
        const double pitch = random.uniform(0.02, 0.2), loudness = random.uniform(0.2, 1);
        float level = 0;
        for (Index t = 0; t < steps; ++t) {
            data.x.step(t)(0, b) = static_cast<float>(loudness * std::sin(pitch * static_cast<double>(t)));
            data.y.step(t)(0, b) = clipped(data.x.step(t)(0, b), level);
        }
    }
    Sequential net{LSTM<float, 1, 12>{{.seed = 1}}, Dense<float, 12, 1>{{.seed = 2}}};
    fit(net, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2},
        {.epochs = 60, .batch_size = 5, .seed = 1, .clip_norm = 1.0, .schedule = CosineAnnealing{}});
    save_header(out / "effect.hpp", net, {.name = "effect", .metadata = {{"sample_rate", "48000"}}});

    // In the plugin.
    static_assert(effect::sample_rate == 48000);
    Plugin plugin;
    plugin.prepare(1);
    std::vector<float> played(6000), wanted(6000);
    float level = 0;
    for (std::size_t t = 0; t < played.size(); ++t) {
        played[t] = std::sin(0.05f * static_cast<float>(t));
        wanted[t] = clipped(played[t], level);
    }
    const long before = allocations;
    for (std::size_t t = 0; t < played.size(); t += 100) {
        float* const channel = played.data() + t;
        plugin.process({&channel, 1}, 100);
    }
    std::printf("allocations in the audio thread: %ld\n", allocations - before);

    double error = 0, power = 0;
    for (std::size_t t = 0; t < wanted.size(); ++t) {
        error += std::pow(played[t] - wanted[t], 2);
        power += std::pow(wanted[t], 2);
    }
    std::printf("error to signal below 0.01: %s\n", error / power < 0.01 ? "yes" : "no");

    // And the functions for other languages, compiled beside this program from the same header.
    std::vector<float> by_function(6000);
    for (std::size_t t = 0; t < by_function.size(); ++t)
        by_function[t] = std::sin(0.05f * static_cast<float>(t));
    effect_process(by_function.data(), 6000);
    float difference = 0;
    for (std::size_t t = 0; t < played.size(); ++t)
        difference = std::max(difference, std::abs(by_function[t] - played[t]));
    std::printf("the C function plays the same within 1e-6: %s\n", difference < 1e-6f ? "yes" : "no");
}
