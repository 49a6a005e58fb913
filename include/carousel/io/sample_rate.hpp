// Sample rates in files and in metadata: which are taken.
#pragma once

#include "carousel/core/build.hpp"

#include "carousel/core/leading_number.hpp"
#include "carousel/core/number_text.hpp"

#include <string>

namespace carousel::inline CAROUSEL_ABI::detail {

inline constexpr int highest_sample_rate = 10'000'000; // Hz

inline bool is_sample_rate(double rate) {
    return rate > 0 && rate <= highest_sample_rate;
}

/// How messages end about one that isn't taken.
inline std::string expected_sample_rate() {
    return ", expected a sample rate in Hz, more than 0 and at most " + decimal(highest_sample_rate);
}

/// The sample rate that a text is, whatever the locale; 0 if it is none.
inline double sample_rate_of(const std::string& text) {
    const auto [rate, length] = leading_number(text);
    return length == text.size() && is_sample_rate(rate) ? rate : 0;
}

} // namespace carousel::detail
