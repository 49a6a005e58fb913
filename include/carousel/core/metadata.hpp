// Metadata: what a file says besides its numbers.
#pragma once

#include <map>
#include <string>

namespace carousel {

/// Texts by name, in UTF-8: a vocabulary, sizes, a date. The sample rate of an audio model is "sample_rate", in Hz.
using Metadata = std::map<std::string, std::string>;

} // namespace carousel
