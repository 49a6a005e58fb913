// The options of a Stream: narrow weights and fast gates of whole models, and what they cost and change.
#include "carousel/layer/dense.hpp"
#include "carousel/model/model.hpp"
#include "carousel/model/model_part.hpp"
#include "carousel/stream/compare_streams.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <vector>

using namespace carousel;
using namespace carousel::test;

namespace {

constexpr WeightType types[] = {WeightType::bfloat16, WeightType::int16, WeightType::int8};

using Net = Sequential<LSTM<float>, Residual<GRU<float>>, Dense<float>>;
Net net(std::uint64_t seed = 1) {
    return Net{LSTM<float>{1, 20, {}, {.seed = seed}}, Residual{GRU<float>{20, 20, {}, {.seed = seed + 1}}},
               Dense<float>{20, 2, {.seed = seed + 2}}};
}
Model<float> any_net(std::uint64_t seed = 1) {
    Net layers = net(seed);
    Model<float> model;
    model.add(layers.layer<0>()).add(Residual{AnyLayer<float>(layers.layer<1>().layer())}).add(layers.layer<2>());
    return model;
}
std::vector<float> signal_of(std::size_t length) {
    Random random(73);
    std::vector<float> signal(length);
    for (float& x : signal)
        x = static_cast<float>(random.normal());
    return signal;
}

/// A layer of a user's around another, whose part with options is made of the other's.
template <class Inner>
struct Wrapper {
    using Scalar = float;
    using State = typename Inner::State;
    Index input_size() const { return inner.input_size(); }
    Index output_size(Index features) const { return inner.output_size(features); }

    Inner inner;
};

} // namespace

template <class Inner, bool narrow, bool fast>
class carousel::OptionPart<Wrapper<Inner>, float, narrow, fast> {
    using Parts = carousel::detail::OptionParts<float, narrow, fast>;
    typename Parts::template Part<Inner> part_;

  public:
    static constexpr bool as_ever = !carousel::detail::changed_by_options<Inner, float, narrow, fast>;
    OptionPart(const Wrapper<Inner>& layer, Index features, const carousel::detail::StreamOptions& options)
        : part_(Parts{options}(layer.inner, features)) {}
    const float* operator()(const float* x) noexcept { return part_(x); }
    void reset() noexcept { part_.reset(); }
    Index memory() const { return carousel::detail::memory_of(part_); }
};

TEST_CASE("Stream: a layer of a user's hands its options on to the layer that it holds") {
    const GRU<float> inner{20, 20};
    const Wrapper<GRU<float>> model{inner};
    Stream stream{model, WeightType::int8, fast_gates};
    Stream expected{inner, WeightType::int8, fast_gates};
    CHECK(stream.memory() == expected.memory());
    const std::vector<float> x(20, 0.5F);
    for (int t = 0; t < 3; ++t)
        CHECK(stream(x)[7] == expected(x)[7]);
}

TEST_CASE("Stream: a sample that is NaN makes a stream with narrow weights NaN until it is reset") {
    const Net model = net();
    for (const WeightType type : types) {
        Stream stream{model, type};
        const float first = stream(0.5F);
        stream(std::numeric_limits<float>::quiet_NaN());
        CHECK_FALSE(stream.finite());
        stream.reset();
        CHECK(stream(0.5F) == first);
    }
}

TEST_CASE("Stream: narrow weights and fast gates, in any order, of layers in layers and in a Model") {
    const Net model = net();
    const Model<float> any = any_net();
    const auto signal = signal_of(50);
    Stream a{model, WeightType::int8, fast_gates}, b{model, fast_gates, WeightType::int8};
    Stream c{any, WeightType::int8, fast_gates}, any_narrow{any, WeightType::int8}, any_fast{any, fast_gates};
    Stream narrow{model, WeightType::int8};
    Stream fast{model, fast_gates};
    StreamWith<Net, WeightType> member = narrow;
    double fast_error = 0;
    Stream exact{model};
    for (const float x : signal) {
        const float y = a(x), n = narrow(x), f = fast(x);
        CHECK(b(x) == y);
        CHECK(c(x) == y);
        CHECK(any_narrow(x) == n);
        CHECK(member(x) == n);
        CHECK(any_fast(x) == f);
        fast_error = std::max(fast_error, double(std::abs(f - exact(x))));
    }
    CHECK(fast_error > 0);
    CHECK(fast_error < 2e-5);
}

TEST_CASE("Stream: takes other weights into narrow ones and keeps its state, which may be set and read") {
    const Net model = net(1), trained = net(10);
    const Model<float> any_trained = any_net(10);
    for (const WeightType type : types) {
        Stream stream{model, type}, expected{trained, type};
        Stream any{any_net(1), type};
        for (const float x : {1.0F, 0.0F, 2.0F})
            CHECK(stream(x) == any(x));
        expected.set_state(stream.state());
        stream.set_weights(trained);
        any.set_weights(any_trained);
        for (const float x : {0.0F, 2.0F, 1.0F}) {
            const float y = expected(x);
            CHECK(stream(x) == y);
            CHECK(any(x) == y);
        }
        auto copy = stream;
        CHECK(copy(0.5F) == stream(0.5F));
    }
}

TEST_CASE("Stream: narrow weights of other sizes are refused, and nothing changes") {
    Stream stream{Recurrent<SimpleRnnCell<float>>(1, 10, {}, {.seed = 5}), WeightType::int16};
    REQUIRE_THROWS_WITH(stream.set_weights(Recurrent<SimpleRnnCell<float>>(1, 11)),
                        "Stream::set_weights: the SimpleRNN layer is 1 -> 11, the stream's is 1 -> 10; make a new "
                        "Stream of this model");
    REQUIRE_THROWS_WITH(stream.set_state(Matrix<float>::Zero(9, 1)),
                        "Stream::set_state: the state of SimpleRNN is 9 x 1, expected 10 x 1");
}

TEST_CASE("Stream: a WeightType that is none of the three is refused") {
    const auto none = static_cast<WeightType>(3);
    REQUIRE_THROWS_WITH(
        Stream(GRU<float>{1, 2}, none),
        "Stream: the WeightType is 3, expected WeightType::bfloat16, WeightType::int16 or WeightType::int8");
    REQUIRE_THROWS_AS(Stream(any_net(), static_cast<WeightType>(-1)), std::invalid_argument);
    CHECK(std::string(name(none)) == "?");
}

TEST_CASE("Stream: memory() is what its buffers take: LSTM 1 -> 128 with int8 weights fits 70 KiB") {
    const LSTM<float> layer{1, 128, {}, {.initialize = false}};
    const Index state = 2 * 128 * 4, U = 512 * 128, rows = 512 * (3 + 3 + 2), h = 128 * 2;
    Stream stream{layer, WeightType::int8};
    CHECK(stream.memory() >= U + rows + state + h + Index(sizeof stream));
    CHECK(stream.memory() < U + rows + state + h + Index(sizeof stream) + 32);
    CHECK(stream.memory() <= 70 * 1024);
    Stream exact{layer};
    CHECK(exact.memory() > 4 * (U + 2 * 512) + 2 * state);
    Stream any{Model<float>{layer}, WeightType::int8};
    CHECK(any.memory() > stream.memory());
    CHECK(any.memory() < stream.memory() + 512);
}

TEST_CASE("compare_streams: the error falls with the bits, and is that of the two streams") {
    const Net model = net();
    const auto signal = signal_of(200);
    const StreamDifference int8 = compare_streams(model, signal, WeightType::int8),
                           int16 = compare_streams(model, signal, WeightType::int16),
                           bfloat16 = compare_streams(model, signal, WeightType::bfloat16);
    CHECK(int8.max > bfloat16.max);
    CHECK(bfloat16.max > 10 * int16.max);
    CHECK(int16.max > 0);
    CHECK(int8.rms < int8.max);
    CHECK(int8.output == int16.output);

    Stream exact{model};
    Stream other{model, WeightType::int8};
    double max = 0;
    for (const float x : signal) {
        const auto y = exact(std::span(&x, 1)), z = other(std::span(&x, 1));
        for (std::size_t k = 0; k < 2; ++k)
            max = std::max(max, double(std::abs(y[k] - z[k])));
    }
    CHECK(int8.max == Approx(max));

    REQUIRE_THROWS_WITH(compare_streams(model, std::vector<float>{}, WeightType::int8),
                        "compare_streams: signal has 0 numbers, expected samples of 1 each");
    const float nan[] = {1, std::numeric_limits<float>::quiet_NaN(), 1};
    CHECK(std::isnan(compare_streams(model, nan, WeightType::int8).max));
}
