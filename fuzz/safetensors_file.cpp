// The input is a safetensors file.
#include "safetensors_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    fuzz::check_file(std::as_bytes(std::span(data, size)));
    return 0;
}
