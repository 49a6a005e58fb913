// Arrays of NumPy's .npz files, which are zip archives of .npy files.
#pragma once

#include "carousel/io/zip_archive.hpp"
#include "formats/support/npy.hpp"

#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>

namespace carousel::test {

inline Npy read_npz(const std::filesystem::path& path, const std::string& array) {
    const std::string text = content(path);
    const std::span<const std::byte> bytes = std::as_bytes(std::span(text));
    const detail::Input input("read_npz", bytes);
    const detail::ZipArchive archive(input, bytes);
    const auto entry = archive.find(array + ".npy");
    if (!entry)
        throw std::runtime_error(path.string() + " has no " + array);
    const auto file = archive.read(*entry);
    return npy_of(std::string(reinterpret_cast<const char*>(file.data()), file.size()), path.string() + ": " + array);
}

} // namespace carousel::test
