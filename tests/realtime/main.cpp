// What an audio thread calls, for RealtimeSanitizer (clang++ -fsanitize=realtime), which stops the program where a nonblocking function
// allocates, takes a lock or makes a system call. With an argument it allocates in one, so that the sanitizer is seen to look.
#include "carousel/layer/activate.hpp"
#include "carousel/layer/conv1d.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/residual.hpp"
#include "carousel/model/model.hpp"
#include "carousel/stream/hot_swap.hpp"
#include "carousel/stream/voices.hpp"

#include <cmath>
#include <cstdio>
#include <vector>

using namespace carousel;

namespace {

float* volatile kept = nullptr; // or the compiler leaves out the allocation

template <class F>
auto audio_thread(F&& f) noexcept CAROUSEL_NONBLOCKING {
    return f();
}

/// A model with these options, voices of it that have none, and what comes back.
template <class Model, StreamOption... Options>
float run(const Model& model, const Model& trained, Options... options) {
    HotSwap stream{Stream{model, options...}};
    HotSwap voices{Voices{model, 5}};
    stream.current().prewarm(3);
    const std::vector<float> in(12, 0.5F);
    std::vector<float> out(12), channel(12), of_voices(5 * 12);
    const std::vector<const float*> from(5, in.data()), one(1, in.data());
    std::vector<float*> to;
    for (std::size_t voice = 0; voice < 5; ++voice)
        to.push_back(of_voices.data() + voice * 12);
    const std::vector<float*> one_to(1, channel.data());
    float sum = 0;
    for (int block = 0; block < 20; ++block) {
        audio_thread([&] {
            auto& now = stream.current();
            now(in, out);
            now(one, one_to, 12);
            sum += now(0.25F) + out[0];
            if (!now.finite() || block == 7)
                now.reset_to_rest();
            if (block == 9)
                now.reset();
            auto& all = voices.current();
            all.join();
            all(std::span(in).first(5));
            if (block % 6 == 5)
                all.leave(block % 5), all.reset(1), all.reset_to_rest(2);
            all(from, to, 12);
        });
        stream.set_weights(trained);
        voices.set_weights(trained, 2);
    }
    return sum;
}

} // namespace

int main(int count, char**) {
    if (count > 1)
        audio_thread([] { kept = new float[100]; });
    const auto layers = [] {
        return Sequential{Conv1D<float>{1, 3, 3},         LSTM<float>{3, 20},
                          Residual{Dense<float>{20, 20}}, GRU<float, 20, 12, Reset::before>{},
                          Activate{Activation::tanh},     Dense<float>{12, 1}};
    };
    const auto model = layers(), trained = layers();
    Model<float> known, learned;
    model.each_layer([&](auto, const auto& layer) { known.add(layer); });
    trained.each_layer([&](auto, const auto& layer) { learned.add(layer); });
    const float sum = run(model, trained), same = run(known, learned);
    const float fast = run(model, trained, fast_gates), narrow = run(model, trained, WeightType::int16, fast_gates);
    const auto nested = [] {
        return Model<float>{LSTM<float>{1, 20}, Residual{AnyLayer<float>{GRU<float>{20, 20}}},
                            Model<float>{LSTM<float>{20, 12}, Dense<float>{12, 1}}};
    };
    const float inner = run(nested(), nested());
    std::printf("sum=%g\n", static_cast<double>(sum));
    const auto near = [&](float other, float bound) { return std::abs(sum - other) < bound; };
    return near(same, 1e-3F) && near(fast, 1e-2F) && near(narrow, 1e-1F) && std::isfinite(inner) ? 0 : 1;
}
