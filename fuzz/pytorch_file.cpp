// The input is an architecture line, its length in the first byte, and a file of torch.save: a zip file, or pickles. As a
// change of a zip file mostly makes a checksum wrong, it is taken for the pickle of such a file, too, whose other parts are
// put around it. Without a line it is that which the file's modules suggest.
#include "check.hpp"

#include <carousel/io/pytorch/build.hpp>
#include <carousel/io/pytorch/suggestion.hpp>

#include <algorithm>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using namespace carousel;

void check_tensors(const std::vector<NamedTensor>& tensors, std::uint64_t file_size) {
    std::uint64_t size = 0;
    for (const NamedTensor& tensor : tensors) {
        const auto count = std::visit([](const auto& numbers) { return numbers.size(); }, tensor.numbers);
        check(detail::fits(tensor.shape, static_cast<Index>(count)), "a tensor has as many numbers as its shape says");
        size += count * (tensor.numbers.index() == 0 ? 4 : 8);
    }
    check(size <= 32 * file_size + (1 << 20), "the tensors are at most some times as large as the file");
}

void check_file(std::span<const std::byte> bytes, std::string line) {
    try {
        detail::Input input("fuzz", bytes);
        detail::Checkpoint checkpoint(input);
        const detail::StateDict file = detail::read_state_dict(checkpoint, "");
        check_tensors(file.tensors, bytes.size());
        const detail::TorchModules modules(file.tensors, input);
        const std::string suggested = detail::suggested_architecture(modules, file);
        if (line.empty())
            line = suggested;
        const detail::TorchArchitecture architecture(line, input);
        detail::TorchMatch match(modules, file.ordered, input);
        const auto model = detail::TorchBuilder<float>(match, input).model(architecture.steps());
        match.expect_no_more();
        if (const Index features = model.input_size(); features > 0)
            check(model.output_size(features) > 0, "a model has an output");
    } catch (const std::runtime_error& error) {
        check(std::string_view(error.what()).starts_with("fuzz: memory: "), "an error names the function and the file");
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
    if (size == 0)
        return 0;
    const std::size_t length = std::min<std::size_t>(data[0], size - 1);
    const std::string line(reinterpret_cast<const char*>(data + 1), length);
    const auto bytes = std::as_bytes(std::span(data, size)).subspan(1 + length);
    check_file(bytes, line);
    const std::string file = around(bytes);
    check_file(std::as_bytes(std::span(file)), line);
    return 0;
}
