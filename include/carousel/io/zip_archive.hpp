// ZipArchive: the entries of a zip file in memory. Needs libzip.
#pragma once

#include "carousel/io/byte_source.hpp"

#include <zip.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

class ZipArchive {
  public:
    /// `bytes` and `input`, which says what goes wrong, live as long as this. Throws std::runtime_error "where: source:
    /// …" if it is no zip file.
    ZipArchive(const Input& input, std::span<const std::byte> bytes) : input_(input) {
        zip_error_t error;
        zip_error_init(&error);
        zip_source_t* const source = zip_source_buffer_create(bytes.data(), bytes.size(), 0, &error);
        if (source) {
            archive_.reset(zip_open_from_source(source, ZIP_RDONLY, &error));
            if (!archive_)
                zip_source_free(source);
        }
        const std::string why = archive_ ? "" : zip_error_strerror(&error);
        zip_error_fini(&error);
        input_.check(archive_ != nullptr, "isn't a whole zip file: ", why);
    }

    std::uint64_t count() const { return static_cast<std::uint64_t>(zip_get_num_entries(archive_.get(), 0)); }
    std::string name(std::uint64_t entry) const {
        const char* const name = zip_get_name(archive_.get(), entry, ZIP_FL_ENC_RAW);
        return name ? name : "";
    }
    std::optional<std::uint64_t> find(const std::string& name) const {
        const auto entry = zip_name_locate(archive_.get(), name.c_str(), ZIP_FL_ENC_RAW);
        return entry < 0 ? std::nullopt : std::optional(static_cast<std::uint64_t>(entry));
    }

    /// In bytes, inflated, as the file says.
    std::uint64_t size(std::uint64_t entry) const {
        zip_stat_t status;
        zip_stat_init(&status);
        const bool known = zip_stat_index(archive_.get(), entry, 0, &status) == 0 && (status.valid & ZIP_STAT_SIZE);
        input_.check(known, "\"", name(entry), "\" has no size");
        return status.size;
    }

    /// Throws std::runtime_error if the entry's bytes can't be read, aren't as many as size() says or don't have its
    /// checksum. Look at size() before: it is the memory this takes, and a small file may say it is large.
    std::vector<std::byte> read(std::uint64_t entry) const {
        std::vector<std::byte> bytes(size(entry));
        const std::unique_ptr<zip_file_t, Close> file(zip_fopen_index(archive_.get(), entry, 0));
        input_.check(file != nullptr, "\"", name(entry), "\" can't be read: ", zip_strerror(archive_.get()));
        std::size_t done = 0;
        while (done < bytes.size()) {
            const auto count = zip_fread(file.get(), bytes.data() + done, bytes.size() - done);
            check_read(count >= 0, entry, file.get());
            input_.check(count > 0, "\"", name(entry), "\" has ", done, " bytes, expected ", bytes.size());
            done += static_cast<std::size_t>(count);
        }
        std::byte more; // at the end the checksum is compared
        const auto count = zip_fread(file.get(), &more, 1);
        check_read(count >= 0, entry, file.get());
        input_.check(count == 0, "\"", name(entry), "\" has more than ", bytes.size(), " bytes");
        return bytes;
    }

  private:
    struct Close {
        void operator()(zip_t* archive) const { zip_discard(archive); }
        void operator()(zip_file_t* file) const { zip_fclose(file); }
    };

    void check_read(bool holds, std::uint64_t entry, zip_file_t* file) const {
        input_.check(holds, "\"", name(entry), "\" can't be read: ", zip_file_strerror(file));
    }

    const Input& input_;
    std::unique_ptr<zip_t, Close> archive_;
};

} // namespace carousel::detail
