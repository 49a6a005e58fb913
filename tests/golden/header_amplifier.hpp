// The model in tests/golden/headers/amplifier.hpp, with numbers of a formula.
#pragma once

#include "carousel/layer/dense.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/model/model_file.hpp"

#include <string>

namespace carousel::test {

/// Number k of matrix `place`, within ±5/7: most of them need all digits.
template <class S>
S formula(Index place, Index k) {
    return static_cast<S>((k * 37 + place * 61) % 101 - 50) / S(70);
}

template <class M>
M with_numbers(M model) {
    using S = typename M::Scalar;
    Index place = 0;
    model.each_parameter([&](const std::string& name, Parameter<S>& parameter) {
        for (Index k = 0; k < parameter.size(); ++k)
            parameter.value.data()[k] = formula<S>(place, k) + (name.ends_with("variance") ? S(1) : S(0));
        ++place;
    });
    return model;
}

/// An amplifier with a settled state.
inline ModelFile<float> amplifier() {
    ModelFile<float> file{with_numbers(Model<float>{LSTM<float>{1, 3}, Dense<float>{3, 1}}),
                          {{"name", "Twin \"65\" \xE2\x99\xAB"}, {"sample_rate", "44100"}},
                          {Matrix<float>(6, 1)}};
    for (Index k = 0; k < 6; ++k)
        file.state[0](k) = formula<float>(7, k);
    return file;
}

} // namespace carousel::test
