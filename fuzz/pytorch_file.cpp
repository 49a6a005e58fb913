// The input is a file of torch.save: a zip file, or pickles. As a change of a zip file mostly makes a checksum wrong, it is
// taken for the pickle of such a file, too, whose other parts are put around it.
#include "check.hpp"

#include <carousel/io/pytorch/modules.hpp>
#include <carousel/io/pytorch/suggestion.hpp>
#include <carousel/io/pytorch_file.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>

namespace {

using namespace carousel;

void check_file(std::span<const std::byte> bytes) {
    try {
        const auto tensors = read_pytorch(bytes);
        std::uint64_t size = 0;
        for (const NamedTensor& tensor : tensors) {
            const auto count = std::visit([](const auto& numbers) { return numbers.size(); }, tensor.numbers);
            check(detail::fits(tensor.shape, static_cast<Index>(count)),
                  "a tensor has as many numbers as its shape says");
            size += count * (tensor.numbers.index() == 0 ? 4 : 8);
        }
        check(size <= 32 * bytes.size() + (1 << 20), "the tensors are at most some times as large as the file");
        const detail::Input input("fuzz", bytes);
        detail::StateDict file;
        detail::suggested_architecture(detail::TorchModules(tensors, input), file);
    } catch (const std::runtime_error&) {
    }
}

/// A file of the old kind: magic number, version, C's sizes, the pickle, the keys of its storages, and of each its count
/// and numbers.
std::string around(std::span<const std::byte> pickle) {
    const std::string begin("\x80\x02", 2);
    std::string file = begin + std::string("\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 13) + begin +
                       "M\xe9\x03." + begin + "}.";
    file.append(reinterpret_cast<const char*>(pickle.data()), pickle.size());
    file += begin + "]X" + std::string("\x01\0\0\0", 4) + "0a.";
    return file + std::string("\x08\0\0\0\0\0\0\0", 8) + std::string(64, '\x3f');
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const auto bytes = std::as_bytes(std::span(data, size));
    check_file(bytes);
    const std::string file = around(bytes);
    check_file(std::as_bytes(std::span(file)));
    return 0;
}
