// Metadata: what a file says besides its numbers.
#pragma once

#include "carousel/core/build.hpp"

#include <map>
#include <string>

namespace carousel::inline CAROUSEL_ABI {

/// Texts by name, in UTF-8: a vocabulary, sizes, a date. The sample rate of an audio model is "sample_rate", in Hz.
using Metadata = std::map<std::string, std::string>;

} // namespace carousel
