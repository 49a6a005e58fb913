// A shared library that trains, compiled without exceptions and without run-time type information, as plugins and firmware are.
#include "carousel/layer/dense.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/stream/stream.hpp"
#include "carousel/train/fit.hpp"

#include "../golden/headers/amplifier.hpp"

using namespace carousel;

extern "C" {
int start(int* trained);
void fail_with(void (*handler)(const char*));
}

namespace {

bool train() {
    Sequential model{LSTM<float>{1, 8, {}, {.seed = 1}}, LastStep{}, Dense<float>{8, 1, {.seed = 2}}};
    const Dataset<float> data{Sequence<float>(Matrix<float>::Random(1, 10 * 32), 32),
                              Sequence<float>(Matrix<float>::Zero(1, 32), 32)};
    fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2}, {.epochs = 2, .batch_size = 16});
    Stream stream{model};
    return std::isfinite(stream(0.5f));
}

/// A model that is compiled in.
bool streams() {
    auto stream = amplifier::stream();
    for (int t = 0; t < 100; ++t)
        stream(0.5f);
    return stream.finite();
}

/// Constructed before the threads, so its destructor runs after they have ended.
struct TrainsWhenUnloaded {
    int* trained = nullptr;
    ~TrainsWhenUnloaded() {
        set_threads(2);
        *trained = train() && threads() == 1 ? 1 : 2;
    }
};

} // namespace

extern "C" {

/// 0 if it went well; `trained` is set when the library is unloaded.
int start(int* trained) {
    static TrainsWhenUnloaded last;
    last.trained = trained;
    set_threads(2);
    const bool two = threads() == 2;
    return two && train() && streams() ? 0 : 1;
}

void fail_with(void (*handler)(const char*)) {
    set_failure_handler(handler);
    set_threads(0);
}
}
