// replace_file: a file's new content, or its old one, and nothing in between.
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/io/temporary_file.hpp"

#include <cstddef>
#include <filesystem>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

namespace detail {

/// Where a path leads: through symbolic links, also to a file that isn't there yet.
inline std::filesystem::path behind_links(std::filesystem::path path, std::error_code& error) {
    namespace fs = std::filesystem;
    constexpr int most_links = 40; // Linux' own limit
    std::error_code ignored;       // what isn't there is no link
    for (int links = 0; !error && fs::is_symlink(fs::symlink_status(path, ignored)); ++links) {
        if (links == most_links)
            error = std::make_error_code(std::errc::too_many_symbolic_link_levels);
        else
            path = path.parent_path() / fs::read_symlink(path, error);
    }
    return path;
}

/// Whether a file is there to be read only: no one may write it, or this process may not.
inline bool is_read_only(const std::filesystem::path& file) {
    namespace fs = std::filesystem;
    constexpr auto write = fs::perms::owner_write | fs::perms::group_write | fs::perms::others_write;
    std::error_code error;
    const fs::file_status status = fs::status(file, error);
    if (error || !fs::exists(status))
        return false;
    if ((status.permissions() & write) == fs::perms::none)
        return true;
#ifdef _WIN32
    return false;
#else
    return faccessat(AT_FDCWD, file.c_str(), W_OK, AT_EACCESS) != 0 &&
           (errno == EACCES || errno == EPERM || errno == EROFS);
#endif
}

} // namespace detail

/// The file at `path` becomes these parts one after the other. They are written beside it ("<path>.tmp-" and 16 digits),
/// flushed to the disk and renamed: whatever happens, the file is the old one or the new one, and so is what a reader
/// sees who opens it once. Where there is POSIX,
///
/// - the mode stays, and so do the owner and the group if the process may give files to them (access control lists
///   don't);
/// - the folder is flushed as well, so that the new file is there after a power cut;
/// - what killed savers of the same path left beside it is removed, except where the file system has no flock().
///
/// A symbolic link stays, and the file it leads to is replaced. A hard link is another name of the old file and keeps
/// the old content, as backups that are made of hard links need it.
/// Throws std::runtime_error "where: path: can't be written: <why>", leaving nothing behind and the old file whole; also
/// if the old file is read-only.
inline void replace_file(const std::filesystem::path& path, const std::vector<std::span<const std::byte>>& parts,
                         const char* where) {
    namespace fs = std::filesystem;
    const auto check = [&](bool holds, const std::string& why) {
        if (!holds)
            detail::fail<std::runtime_error>(std::string(where) + ": " + path.string() + ": can't be written: " + why);
    };
    std::error_code error, ignored;
    const fs::path target = detail::behind_links(path, error);
    check(!error, error.message());
    // a device or a folder isn't to be renamed over
    check(!fs::exists(target, ignored) || fs::is_regular_file(target, ignored), "it is no regular file");
    check(!detail::is_read_only(target), "it is read-only; make it writable, or save under another path");
    detail::TemporaryFile::remove_abandoned(target);
    detail::TemporaryFile file(target);
    for (const auto part : parts)
        file.write(part);
    file.take_place();
    check(!file.error(), file.error().message());
}

} // namespace carousel
