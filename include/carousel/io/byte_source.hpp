// ByteSource: a file, by its path, or the bytes of one in memory, to be read.
#pragma once

#include "carousel/core/require.hpp"
#include <algorithm>
#include <cerrno>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <system_error>
#include <utility>
#include <variant>

#ifdef _WIN32
#    include <cstdio>
#else
#    include <fcntl.h>
#    include <sys/stat.h>
#    include <unistd.h>
#endif

namespace carousel::inline CAROUSEL_ABI {

/// What a function that reads a file takes: a path (also as a string), or contiguous memory of std::byte that holds all
/// of the file, such as std::vector<std::byte>, and lives until the function returns.
class ByteSource {
  public:
    /// The whole of a file in memory.
    using Memory = std::span<const std::byte>;

    /// A path or memory; nothing is opened or read yet.
    template <class T>
    requires std::convertible_to<const T&, std::filesystem::path> || std::convertible_to<const T&, Memory>
    ByteSource(const T& source) {
        if constexpr (std::convertible_to<const T&, Memory>)
            source_ = static_cast<Memory>(source);
        else
            source_ = std::filesystem::path(source);
    }

    /// Null if it is memory.
    const std::filesystem::path* path() const { return std::get_if<std::filesystem::path>(&source_); }
    /// Empty if it is a path.
    Memory memory() const { return path() ? Memory() : std::get<Memory>(source_); }
    /// How messages call it: the path, or "memory".
    std::string name() const { return path() ? path()->string() : "memory"; }

  private:
    std::variant<std::filesystem::path, Memory> source_;
};

namespace detail {

/// A regular file that is opened once: all that is read through one of these is of one file, also while another takes
/// its place under the same path. Nothing here blocks: a pipe, a device or a folder is no regular file.
class OpenFile {
  public:
    explicit OpenFile(const std::filesystem::path& path);
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile();

    /// Why it couldn't be opened; empty if it could.
    const std::string& error() const { return error_; }
    /// In bytes, when it was opened.
    std::uint64_t size() const { return size_; }
    /// Why `to` couldn't be filled with the bytes from byte `first` on; empty if it could.
    std::string read(std::uint64_t first, std::span<std::byte> to);

  private:
    static constexpr const char* not_regular = "is no regular file: a folder, a pipe or a device";
    static constexpr const char* shorter = "it is shorter than when it was opened";

    std::string error_;
    std::uint64_t size_ = 0;
#ifdef _WIN32
    std::FILE* file_ = nullptr;
#else
    int file_ = -1;
#endif
};

#ifdef _WIN32

inline OpenFile::OpenFile(const std::filesystem::path& path) {
    std::error_code error;
    const auto status = std::filesystem::status(path, error);
    if (std::filesystem::exists(status) && !std::filesystem::is_regular_file(status)) {
        error_ = not_regular;
        return;
    }
    file_ =
        _wfopen(path.c_str(), L"rbN"); // unlike std::ifstream it says why it fails; N: child processes don't inherit it
    const auto size = file_ && _fseeki64(file_, 0, SEEK_END) == 0 ? _ftelli64(file_) : -1;
    if (size < 0)
        error_ = "can't be opened: " + std::generic_category().message(errno);
    else
        size_ = static_cast<std::uint64_t>(size);
}

inline OpenFile::~OpenFile() {
    if (file_)
        std::fclose(file_);
}

inline std::string OpenFile::read(std::uint64_t first, std::span<std::byte> to) {
    if (_fseeki64(file_, static_cast<std::int64_t>(first), SEEK_SET) == 0 &&
        std::fread(to.data(), 1, to.size(), file_) == to.size())
        return "";
    return std::feof(file_) ? shorter : std::generic_category().message(errno);
}

#else

inline OpenFile::OpenFile(const std::filesystem::path& path)
    : file_(open(path.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC)) {
    struct stat status {};
    if (file_ < 0 || fstat(file_, &status) != 0)
        error_ = "can't be opened: " + std::generic_category().message(errno);
    else if (!S_ISREG(status.st_mode))
        error_ = not_regular;
    else
        size_ = static_cast<std::uint64_t>(status.st_size);
}

inline OpenFile::~OpenFile() {
    if (file_ >= 0)
        close(file_);
}

inline std::string OpenFile::read(std::uint64_t first, std::span<std::byte> to) {
    constexpr std::size_t most = std::size_t(1) << 30; // at a time; macOS refuses 2 GB
    while (!to.empty()) {
        const auto count = pread(file_, to.data(), std::min(to.size(), most), static_cast<off_t>(first));
        if (count < 0 && errno == EINTR)
            continue;
        if (count < 0)
            return std::generic_category().message(errno);
        if (count == 0)
            return shorter;
        first += static_cast<std::uint64_t>(count);
        to = to.subspan(static_cast<std::size_t>(count));
    }
    return "";
}

#endif

/// A ByteSource being read. What goes wrong is said with the function that was called and the source.
class Input {
  public:
    /// Throws std::runtime_error if it can't be opened.
    Input(const char* where, const ByteSource& source)
        : where_(where), name_(source.name()), memory_(source.memory()), size_(memory_.size()) {
        if (!source.path())
            return;
        file_.emplace(*source.path());
        check(file_->error().empty(), file_->error());
        size_ = file_->size();
    }

    std::uint64_t size() const { return size_; }
    /// As the source's: empty if it is a path.
    ByteSource::Memory memory() const { return memory_; }

    /// Fills `to` with the bytes from byte `first` on; first + to.size() <= size(). Throws std::runtime_error if the
    /// file doesn't give them.
    void read(std::uint64_t first, std::span<std::byte> to) {
        if (file_) {
            const std::string why = file_->read(first, to);
            check(why.empty(), "can't be read: ", why);
        } else if (!to.empty())
            std::memcpy(to.data(), memory_.data() + first, to.size());
    }

    /// Throws std::runtime_error "where: source: parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        if (holds) [[likely]]
            return;
        detail::fail<std::runtime_error>(message_of(where_, ": ", name_, ": ", parts...));
    }

  private:
    const char* where_;
    std::string name_;
    ByteSource::Memory memory_;
    std::optional<OpenFile> file_;
    std::uint64_t size_;
};

} // namespace detail

} // namespace carousel
