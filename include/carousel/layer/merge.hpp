// Merge: what a Bidirectional layer makes of its two directions' outputs.
#pragma once

#include "carousel/core/build.hpp"

namespace carousel::inline CAROUSEL_ABI {

/// What becomes of the two directions' outputs.
enum class Merge { concatenate, sum, average };

} // namespace carousel
