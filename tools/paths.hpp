// Names of files on the command line.
#pragma once

#include "message.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <string>
#include <system_error>

namespace tool {

/// The extension in small letters: ".wav" of x.WAV.
inline std::string lower_extension(const std::filesystem::path& path) {
    std::string text = path.extension().string();
    std::transform(text.begin(), text.end(), text.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return text;
}

/// Throws Usage if the file `out` is the file `other`, whose content it would replace; `what` says what that is.
inline void check_other_file(const std::filesystem::path& out, const std::filesystem::path& other, const char* what) {
    std::error_code none; // of files that don't exist yet
    check_usage(out.empty() || (out != other && !std::filesystem::equivalent(out, other, none)), out.string(), ": is ",
                what, ", which it would replace; give it another name");
}

/// Throws std::runtime_error if there is no folder for a file that is to be written.
inline void check_folder(const std::filesystem::path& out) {
    const std::filesystem::path folder = out.parent_path();
    std::error_code none;
    check(folder.empty() || std::filesystem::is_directory(folder, none), out.string(),
          ": can't be written: there is no folder ", folder.string());
}

} // namespace tool
