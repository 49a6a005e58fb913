// What the tests of files share: a folder, what is in a file, and what an error says.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>

namespace carousel::test {

namespace fs = std::filesystem;

/// A folder that is gone at the end of the test. One a process and test, as tests may run side by side.
class Folder {
  public:
    Folder() { fs::create_directory(path_); }
    ~Folder() { fs::remove_all(path_); }
    Folder(const Folder&) = delete;
    Folder& operator=(const Folder&) = delete;

    const fs::path& path() const { return path_; }
    fs::path operator/(const std::string& name) const { return path_ / name; }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(fs::directory_iterator(path_), fs::directory_iterator()));
    }

  private:
    fs::path path_ = fs::temp_directory_path() / ("carousel_safetensors_" + std::to_string(std::random_device{}()));
};

inline std::string content(const fs::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
}

inline void put(const fs::path& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary) << bytes;
}

/// The length of a safetensors file's header as its first 8 bytes, and back.
inline std::string length_bytes(std::uint64_t length) {
    std::string bytes;
    for (int k = 0; k < 64; k += 8)
        bytes += static_cast<char>(length >> k & 0xFF);
    return bytes;
}
inline std::uint64_t header_length(const std::string& bytes) {
    std::uint64_t length = 0;
    for (std::size_t k = 8; k-- > 0;)
        length = length << 8 | static_cast<unsigned char>(bytes.at(k));
    return length;
}

/// The message of what f throws; empty if nothing.
template <class Error, class F>
std::string error(F&& f) {
    try {
        f();
    } catch (const Error& e) {
        return e.what();
    }
    return {};
}

} // namespace carousel::test
