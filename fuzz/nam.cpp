// The input is a .nam file. What is read is saved, and read again without a change.
#include "check.hpp"

#include <carousel/io/nam.hpp>

using namespace carousel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ModelFile<float> file;
    try {
        file = load_nam(std::as_bytes(std::span(data, size)));
    } catch (const std::runtime_error&) {
        return 0;
    }
    const std::string text = detail::nam::Writer<float>(file.model, file.state).text(file.metadata);
    const auto again = load_nam(std::as_bytes(std::span(text)));
    check(again.state == file.state, "the state stays");
    Metadata metadata = file.metadata;
    metadata.emplace("version", "0.5.4"); // which save_nam adds
    check(again.metadata == metadata, "the metadata stays");
    const auto before = parameters(std::as_const(file.model)), after = parameters(again.model);
    check(before.size() == after.size(), "as many parameters stay");
    for (std::size_t k = 0; k < before.size(); ++k)
        check(before[k].parameter->value == after[k].parameter->value, "a parameter stays");
    return 0;
}
