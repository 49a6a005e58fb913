// The input is a GuitarML file. What it says has the shapes that a model of it needs.
#include "check.hpp"

#include <carousel/io/guitarml.hpp>

using namespace carousel;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    try {
        const auto file = load_guitarml(std::as_bytes(std::span(data, size)));
        check(file.model.size() >= 1 && file.model.input_size() >= 1, "a model has layers");
        check(file.model.output_size(file.model.input_size()) >= 1, "its layers fit one another");
    } catch (const std::runtime_error&) {
    }
    return 0;
}
