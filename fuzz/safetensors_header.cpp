// The input is the header of a safetensors file. The length, which most changes of a file make wrong, is put before it,
// and after it so many numbers of 4 bytes as its first character says, '0' … '9'.
#include "safetensors_checks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0 || data[0] < '0' || data[0] > '9')
        return -1; // not for the corpus
    const std::uint64_t length = size - 1;
    std::vector<std::byte> file(8 + length + std::size_t{4} * (data[0] - '0'), std::byte{'1'});
    std::memcpy(file.data(), &length, 8);
    std::memcpy(file.data() + 8, data + 1, length);
    fuzz::check_file(file);
    return 0;
}
