// The bytes of a whole file, which a graph's structures are views of.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/io/onnx/wire.hpp"

#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

class FileBytes {
  public:
    /// Throws std::runtime_error if the source can't be read, or has more bytes than protobuf can hold.
    FileBytes(const Source& named, const ByteSource& source) : memory_(source.memory()) {
        if (!source.path())
            return;
        Input input(named.where(), source);
        named.check(input.size() <= std::numeric_limits<int>::max(), "it has ", input.size(),
                    " bytes, expected less than 2 GB, the most that protobuf can hold");
        own_.resize(static_cast<std::size_t>(input.size()));
        input.read(0, own_);
        memory_ = own_;
    }
    FileBytes(const FileBytes&) = delete;
    FileBytes& operator=(const FileBytes&) = delete;

    Bytes get() const { return memory_; }

  private:
    std::vector<std::byte> own_;
    Bytes memory_;
};

} // namespace carousel::detail::onnx
