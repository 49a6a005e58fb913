// program_is_there: whether another program is installed.
#pragma once

#include "carousel/core/build.hpp"

#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <string>
#include <system_error>

namespace carousel::inline CAROUSEL_ABI::detail {

/// Whether a program of this name is in a folder of the PATH.
inline bool program_is_there(const std::string& name) {
    const char* const path = std::getenv("PATH");
#ifdef _WIN32
    constexpr char separator = ';';
    const std::string file = name + ".exe";
#else
    constexpr char separator = ':';
    const std::string& file = name;
#endif
    std::istringstream folders(path ? path : "");
    std::error_code none;
    for (std::string folder; std::getline(folders, folder, separator);)
        if (std::filesystem::is_regular_file(std::filesystem::path(folder) / file, none))
            return true;
    return false;
}

} // namespace carousel::detail
