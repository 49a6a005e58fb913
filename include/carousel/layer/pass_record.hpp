// PassRecord: what a tape says about the pass it holds.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/core/require.hpp"

#include <stdexcept>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Which layer's pass a tape holds, and whether backward can use it. A tape has views of its own memory and, inside a
/// Sequential, of the memory of the tape before it. A copy would point into the original, so a copied tape holds no
/// pass, only memory. A tape that is moved takes its pass with it.
class PassRecord {
  public:
    PassRecord() = default;
    PassRecord(const PassRecord& other) noexcept { *this = other; }
    PassRecord(PassRecord&& other) noexcept { *this = std::move(other); }
    PassRecord& operator=(const PassRecord& other) noexcept {
        const bool had_pass = other.held_.layer || other.held_.copied;
        held_ = {nullptr, 0, 0, false, had_pass};
        return *this;
    }
    PassRecord& operator=(PassRecord&& other) noexcept {
        held_ = std::exchange(other.held_, {});
        return *this;
    }

    /// From here to end() the tape holds no pass: one that throws midway leaves none.
    void begin() noexcept { held_ = {}; }
    /// The pass of a layer, input -> output features, is complete; `recorded` says whether backward can use it.
    void end(bool recorded, const void* layer, Index input = 0, Index output = 0) noexcept {
        held_ = {layer, input, output, recorded, false};
    }
    /// Backward has used it. Its final state can still be asked for.
    void consume() noexcept { held_.recorded = false; }

    /// Throws std::logic_error unless the tape holds a pass that this layer recorded, with the sizes it has now: another
    /// one may have been assigned to it since.
    void require_recorded(const char* where, const void* layer, Index input = 0, Index output = 0) const {
        if (held_.copied)
            refuse(where, copied);
        if (!held_.recorded)
            refuse(where,
                   "the tape holds no forward pass (none was made, it was inference, or backward has consumed it)");
        if (held_.layer != layer || held_.input != input || held_.output != output)
            refuse(where,
                   "the tape holds the forward pass of another layer, or of this one before it was moved or assigned");
    }

    /// Throws std::logic_error unless the tape holds a pass of any kind, of a layer with so many output features if they are
    /// given.
    void require_pass(const char* where, Index output = -1) const {
        if (held_.copied)
            refuse(where, copied);
        if (!held_.layer)
            refuse(where, "the tape holds no pass (none was made, or one threw)");
        if (output >= 0 && held_.output != output)
            refuse(where, "the tape holds the pass of a layer of another size");
    }

  private:
    static constexpr const char* copied = "the tape is a copy, which holds no pass; run forward with it first";

    [[noreturn]] static void refuse(const char* where, const char* why) {
        fail<std::logic_error>(std::string(where) + ": " + why);
    }

    struct {
        const void* layer = nullptr;
        Index input = 0, output = 0;
        bool recorded = false, copied = false;
    } held_;
};

} // namespace carousel::detail
