// require_folder_of: what writes a file later asks now whether its folder is there.
#pragma once

#include "carousel/core/require.hpp"

#include <filesystem>
#include <stdexcept>
#include <string>
#include <system_error>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Throws std::runtime_error "where: path: can't be written: …" unless the path names a file in a folder that is there.
inline void require_folder_of(const std::filesystem::path& path, const std::string& where) {
    const std::filesystem::path folder = path.has_parent_path() ? path.parent_path() : std::filesystem::path(".");
    std::error_code error;
    if (!path.has_filename() || std::filesystem::is_directory(path, error))
        fail<std::runtime_error>(where + ": \"" + path.string() +
                                 "\": can't be written: expected the path of a file, not of a folder");
    if (!std::filesystem::is_directory(folder, error))
        fail<std::runtime_error>(where + ": " + path.string() + ": can't be written: there is no folder " +
                                 folder.string() + ", make it first");
}

} // namespace carousel::detail
