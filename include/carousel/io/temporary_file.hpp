// TemporaryFile: a new file beside another one, whose place it takes at once or not at all.
#pragma once

#include "carousel/core/require.hpp"
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#ifndef _WIN32
#    include <dirent.h>
#    include <fcntl.h>
#    include <memory>
#    include <sys/file.h>
#    include <sys/stat.h>
#    include <unistd.h>
#endif

namespace carousel::inline CAROUSEL_ABI::detail {

/// Its name is "<target>.tmp-" and 16 hexadecimal digits. Where there is POSIX, it is locked (flock) for as long as its
/// saver lives, which tells it from one that a killed saver has left behind.
///
/// After an error the functions do nothing and `error()` is the first one. The destructor removes the file unless it has
/// taken its place.
class TemporaryFile {
  public:
    explicit TemporaryFile(std::filesystem::path target) : target_(std::move(target)) { create(); }
    TemporaryFile(const TemporaryFile&) = delete;
    TemporaryFile& operator=(const TemporaryFile&) = delete;
    ~TemporaryFile() {
        close();
        std::error_code ignored;
        if (there_)
            std::filesystem::remove(path_, ignored);
    }

    const std::error_code& error() const { return error_; }

    void write(std::span<const std::byte> part) {
        if (!error_ && !part.empty())
            check(std::fwrite(part.data(), 1, part.size(), file_) == part.size());
    }

    /// Flushed to the disk, and renamed; then the folder, which holds the name, is flushed.
    void take_place();

    /// Removes those of killed savers of the same target. Leaves what can't be told from one of a living saver.
    static void remove_abandoned(const std::filesystem::path& target);

  private:
    void create();

    void check(bool succeeded) {
        if (!succeeded && !error_)
            error_.assign(errno, std::generic_category());
    }
    void close() {
        if (file_)
            check(std::fclose(file_) == 0);
        file_ = nullptr;
    }
    void rename() {
        if (!error_)
            std::filesystem::rename(path_, target_, error_);
        there_ = there_ && error_;
    }

    static std::string random_digits() {
        std::random_device random;
        std::string digits;
        while (digits.size() < digits_of_name)
            for (unsigned bits = random(), k = 0; k < 8; ++k, bits >>= 4)
                digits += "0123456789abcdef"[bits & 15];
        return digits;
    }

    static constexpr const char* suffix = ".tmp-";
    static constexpr std::size_t digits_of_name = 16;

    std::filesystem::path target_, path_;
    std::FILE* file_ = nullptr;
    bool there_ = false;
    std::error_code error_;
};

#ifdef _WIN32

inline void TemporaryFile::create() {
    path_ = target_;
    path_ += suffix + random_digits();
    file_ = _wfopen(path_.c_str(), L"wbx");
    there_ = file_ != nullptr;
    check(there_);
}

inline void TemporaryFile::take_place() {
    if (!error_)
        check(std::fflush(file_) == 0);
    close(); // an open file can't be renamed
    rename();
}

inline void TemporaryFile::remove_abandoned(const std::filesystem::path&) {}

#else

inline void TemporaryFile::create() {
    struct stat old {};
    const bool replaces = stat(target_.c_str(), &old) == 0;
    while (!error_ && !file_) {
        path_ = target_;
        path_ += suffix + random_digits();
        // Nobody else reads it before it has the old file's mode; of a new file the umask decides.
        const int file = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, replaces ? 0600 : 0666);
        check(file >= 0);
        if (error_)
            return;
        // Between open and flock another saver may have taken it for an abandoned one: then it locked it, and maybe has
        // removed it already. Where a file can't be locked at all, no saver removes any.
        struct stat now {};
        const bool contested = flock(file, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
        if (contested || lstat(path_.c_str(), &now) != 0) {
            unlink(path_.c_str());
            ::close(file);
            continue;
        }
        there_ = true;
        file_ = fdopen(file, "wb");
        check(file_ != nullptr);
        if (!file_)
            ::close(file);
        if (!file_ || !replaces)
            return;
        // Where the owner or the group can't be kept, strangers get no right that they didn't have: what the new group
        // may do is what everyone may. A file system without modes keeps its own.
        const bool owner = now.st_uid == old.st_uid || fchown(file, old.st_uid, static_cast<gid_t>(-1)) == 0;
        const bool group = now.st_gid == old.st_gid || fchown(file, static_cast<uid_t>(-1), old.st_gid) == 0;
        unsigned mode = old.st_mode & (owner && group ? 07777U : 0777U);
        if (!group)
            mode = (mode & ~070U) | (mode & 07U) << 3;
        [[maybe_unused]] const int kept = fchmod(file, static_cast<mode_t>(mode));
    }
}

inline void TemporaryFile::take_place() {
    // Taken before the file changes its name: nothing may be thrown after that.
    const auto folder = target_.has_parent_path() ? target_.parent_path() : std::filesystem::path(".");
    if (!error_)
        check(std::fflush(file_) == 0);
    if (!error_)
        check(fsync(fileno(file_)) == 0);
    rename(); // and only then closed, which ends the lock
    const bool renamed = !error_;
    close();
    if (!renamed)
        return;
    error_.clear(); // nothing is left to be written when a file is closed after fsync
    const int file = open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file < 0)
        return;  // a folder that may be written, not read
    fsync(file); // some file systems can't, and the new file is there already: no error
    ::close(file);
}

// With POSIX' own functions: libstdc++'s directory_iterator ends the program if memory runs out.
inline void TemporaryFile::remove_abandoned(const std::filesystem::path& target) {
    const std::string start = target.filename().string() + suffix;
    const auto folder = target.has_parent_path() ? target.parent_path() : std::filesystem::path(".");
    const std::unique_ptr<DIR, int (*)(DIR*)> entries(opendir(folder.c_str()), closedir);
    if (!entries)
        return;
    const int folder_file = dirfd(entries.get());
    while (const dirent* const entry = readdir(entries.get())) {
        const std::string_view name = entry->d_name;
        if (!name.starts_with(start) || name.size() != start.size() + digits_of_name ||
            name.find_first_not_of("0123456789abcdef", start.size()) != std::string_view::npos)
            continue;
        const int file = openat(folder_file, entry->d_name, O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (file < 0)
            continue;
        // Had its saver renamed it meanwhile, there would be nothing of this name.
        if (flock(file, LOCK_EX | LOCK_NB) == 0)
            unlinkat(folder_file, entry->d_name, 0);
        ::close(file);
    }
}

#endif

} // namespace carousel::detail
