// replace_file: a file's new content, or its old one, and nothing in between.
#pragma once

#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

#ifndef _WIN32
#    include <unistd.h>
#endif

namespace carousel {

namespace detail {

/// A new file of these parts, on the disk when it returns. The first error, if there is one; the file may be there then.
inline std::error_code write_new_file(const std::filesystem::path& path,
                                      const std::vector<std::span<const std::byte>>& parts) {
    std::error_code error;
    const auto check = [&error](bool succeeded) {
        if (!succeeded && !error)
            error.assign(errno, std::generic_category());
    };
#ifdef _WIN32
    std::FILE* const file = _wfopen(path.c_str(), L"wbx");
#else
    std::FILE* const file = std::fopen(path.c_str(), "wbx");
#endif
    check(file != nullptr);
    if (error)
        return error;
    for (const auto part : parts)
        if (!error)
            check(std::fwrite(part.data(), 1, part.size(), file) == part.size());
    if (!error)
        check(std::fflush(file) == 0);
#ifndef _WIN32
    if (!error)
        check(fsync(fileno(file)) == 0);
#endif
    check(std::fclose(file) == 0);
    return error;
}

} // namespace detail

/// The file at `path` becomes these parts one after the other. They are written beside it ("<path>.tmp-<number>"),
/// flushed to the disk and renamed: whatever happens, the file is the old one or the new one. A symbolic link stays, and
/// the file it leads to is replaced.
/// Throws std::runtime_error "where: path: can't be written: <why>", leaving nothing behind and the old file whole.
inline void replace_file(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& parts,
                         const char* where) {
    namespace fs = std::filesystem;
    const auto fail = [&](const std::string& why) {
        throw std::runtime_error(std::string(where) + ": " + path.string() + ": can't be written: " + why);
    };
    std::error_code error, ignored;
    const fs::path target = fs::exists(path, ignored) ? fs::canonical(path, error) : path;
    if (!error && fs::exists(target, ignored) && !fs::is_regular_file(target, ignored))
        fail("it is no regular file"); // a device or a folder isn't to be renamed over
    fs::path beside = target;
    if (!error) {
        std::random_device random;
        beside += ".tmp-" + std::to_string(random()) + std::to_string(random());
        error = detail::write_new_file(beside, parts);
        if (!error)
            fs::rename(beside, target, error);
    }
    if (error) {
        fs::remove(beside, ignored);
        fail(error.message());
    }
}

} // namespace carousel
