// The cache sizes that the library counts on. Blockings that depend on a cache take their numbers from this header.
#pragma once

#include "carousel/core/matrix.hpp"

namespace carousel::inline CAROUSEL_ABI::kernel {

/// Bytes that a cache brings at a time: 64, but for a few Arm cores, which then bring the same line twice.
inline constexpr Index cache_line = 64;

/// Bytes of a core's L1 data cache: 32 KiB is the least that common x86 and Arm cores have (newer ones have 48 to 128 KiB).
inline constexpr Index l1_bytes = 32 * 1024;

/// Bytes of weights that stay in L1 from one sample of a stream to the next. The rest of L1, an eighth of it, is for what a
/// step reads and writes beside the weights: the sample, both copies of the state, biases, sums, and the caller's data.
inline constexpr Index l1_weight_bytes = l1_bytes - l1_bytes / 8; // 28 KiB

/// Bytes of a core's L2 cache: 512 KiB (Zen) to 2 MiB (recent Intel cores).
inline constexpr Index l2_bytes = 512 * 1024;

/// Bytes of gates that a block of a batch's columns has at one step. They are written by forward and read again by the next
/// step's products, so they stay in L2; the rest of it, a quarter, is for the weights that pass by.
inline constexpr Index l2_gate_bytes = l2_bytes - l2_bytes / 4; // 384 KiB

/// Bytes of L3 that one core may count on where others work beside it.
inline constexpr Index l3_bytes = 8 * 1024 * 1024;

} // namespace carousel::kernel
