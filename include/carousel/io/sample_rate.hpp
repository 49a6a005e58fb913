// Sample rates in files and in metadata: which are taken.
#pragma once

#include <charconv>
#include <string>
#include <system_error>

namespace carousel::detail {

inline constexpr int highest_sample_rate = 10'000'000; // Hz

inline bool is_sample_rate(double rate) {
    return rate > 0 && rate <= highest_sample_rate;
}

/// How messages end about one that isn't taken.
inline std::string expected_sample_rate() {
    return ", expected a sample rate in Hz, more than 0 and at most " + std::to_string(highest_sample_rate);
}

/// The sample rate that a text is, whatever the locale; 0 if it is none.
inline double sample_rate_of(const std::string& text) {
    double rate = 0;
    const char* const end = text.data() + text.size();
    const auto [read, error] = std::from_chars(text.data(), end, rate);
    return error == std::errc() && read == end && is_sample_rate(rate) ? rate : 0;
}

} // namespace carousel::detail
