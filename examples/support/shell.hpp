// Shell: runs other programs that are installed.
#pragma once

#include <carousel/plot/installed.hpp>

#include <cstdio>
#include <optional>
#include <string>
#include <utility>

namespace example {

using carousel::detail::program_is_there;

/// The command's standard output, or nothing if the command ends with an error; its standard error is the program's.
inline std::optional<std::string> output_of(const std::string& command) {
#ifdef _WIN32
    FILE* const pipe = _popen(command.c_str(), "rb");
#else
    FILE* const pipe = popen(command.c_str(), "r");
#endif
    if (!pipe)
        return std::nullopt;
    std::string text;
    char part[1 << 16];
    while (const std::size_t size = std::fread(part, 1, sizeof part, pipe))
        text.append(part, size);
#ifdef _WIN32
    const bool ended_well = _pclose(pipe) == 0;
#else
    const bool ended_well = pclose(pipe) == 0;
#endif
    return ended_well ? std::optional(std::move(text)) : std::nullopt;
}

/// A word of a command that the shell takes literally.
inline std::string shell_quoted(const std::string& text) {
#ifdef _WIN32
    return '"' + text + '"'; // no quote is allowed in a file's name
#else
    std::string result = "'";
    for (const char c : text)
        result += c == '\'' ? "'\\''" : std::string(1, c);
    return result + "'";
#endif
}

} // namespace example
