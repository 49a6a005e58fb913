// What the tests of streams share.
#pragma once

#include "carousel/layer/encoder_decoder.hpp"
#include "carousel/stream/stream.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <algorithm>
#include <span>
#include <tuple>
#include <type_traits>

namespace carousel::test {

/// stream(x), compiled apart: a stream's step is inlined into its caller, and in a test with many of them each would be
/// compiled anew.
template <class Model, class X>
[[gnu::noinline]] auto feed(Stream<Model>& stream, const X& x) {
    return stream(x);
}

/// What the stream gives for every column of x.
template <class Model, class S>
Matrix<S> run(Stream<Model>& stream, const Matrix<S>& x) {
    Matrix<S> y(stream.output_size(), x.cols());
    for (Index t = 0; t < x.cols(); ++t) {
        const std::span<const S> out = feed(stream, std::span(x.col(t).data(), static_cast<std::size_t>(x.rows())));
        REQUIRE(static_cast<Index>(out.size()) == y.rows());
        std::copy(out.begin(), out.end(), y.col(t).data());
    }
    return y;
}

template <class S>
inline constexpr double rounding = std::is_same_v<S, float> ? 3e-6 : 1e-14;

inline auto small_model() {
    return Sequential{LSTM<float>{1, 5}, Dropout{0.5}, LSTM<float>{5, 3}, LastStep{},
                      Dense<float>{3, 1, {.activation = Activation::tanh}}};
}
using Small = decltype(small_model());

template <class State>
bool same(const State& a, const State& b) {
    bool equal = detail::state_count(a) == detail::state_count(b);
    detail::each_state_of_last(a, b, [&](const auto& x, const auto& y) { equal = equal && x == y; });
    return equal;
}

} // namespace carousel::test
