// Merge: what a Bidirectional layer makes of its two directions' outputs.
#pragma once

namespace carousel {

/// What becomes of the two directions' outputs.
enum class Merge { concatenate, sum, average };

} // namespace carousel
