// A net as two functions of C, for what isn't a C++ program: firmware, a web page, another language. deploy.md is about it.
#include "effect.hpp"

#include <cstddef>
#include <span>

namespace {
auto stream = effect::stream(); // takes memory once, before main
} // namespace

extern "C" {

// One block of samples, in place. Takes no memory.
void effect_process(float* block, int samples) {
    const carousel::DenormalsAreZero guard;
    const std::span<float> both(block, static_cast<std::size_t>(samples));
    stream(both, both);
    if (!stream.finite())
        stream.reset();
}

// As if nothing had been played.
void effect_reset() {
    stream.reset();
}
}
