// VoiceList: which voices there are, and which column of a step each has.
#pragma once

#include "carousel/core/matrix.hpp"

#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::stream {

/// Voices have numbers 0 … capacity − 1 that stay theirs. Those that are there have the columns 0 … size() − 1, in an order that changes
/// as others leave.
class VoiceList {
  public:
    static constexpr Index none = -1;

    /// Throws std::bad_alloc.
    explicit VoiceList(Index capacity)
        : voices_(static_cast<std::size_t>(capacity), none), columns_(static_cast<std::size_t>(capacity), none) {}

    Index capacity() const { return static_cast<Index>(columns_.size()); }
    Index size() const { return size_; }
    bool has(Index voice) const { return voice >= 0 && voice < capacity() && column(voice) != none; }
    Index column(Index voice) const { return columns_[static_cast<std::size_t>(voice)]; }
    Index voice(Index column) const { return voices_[static_cast<std::size_t>(column)]; }

    /// Gives the lowest free number the next column; `none` if there is no free one.
    Index add() {
        for (Index voice = 0; voice < capacity(); ++voice)
            if (column(voice) == none) {
                put(voice, size_++);
                return voice;
            }
        return none;
    }
    /// Takes the last column from the voice that has it.
    void remove_last() {
        Index& voice = voices_[static_cast<std::size_t>(--size_)];
        columns_[static_cast<std::size_t>(voice)] = none;
        voice = none;
    }
    void swap(Index a, Index b) {
        const Index of_a = voice(a);
        put(voice(b), a);
        put(of_a, b);
    }

  private:
    void put(Index voice, Index column) {
        columns_[static_cast<std::size_t>(voice)] = column;
        voices_[static_cast<std::size_t>(column)] = voice;
    }

    std::vector<Index> voices_, columns_; ///< of each column, and of each voice
    Index size_ = 0;
};

} // namespace carousel::stream
