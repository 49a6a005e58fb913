// ZipArchive: a zip archive in memory, read. Needs libzip.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/io/keras/hdf5.hpp"

#include <zip.h>

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace carousel::detail::keras {

class ZipArchive {
  public:
    /// `bytes` must outlive the archive. Throws std::runtime_error if they aren't a zip archive.
    ZipArchive(const Input& input, std::span<const std::byte> bytes) : input_(input), size_(bytes.size()) {
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
        input_.check(archive_ != nullptr, "libzip can't open the archive: ", why);
    }

    /// A file of the archive; none if there is none of this name. Throws std::runtime_error if it can't be read, or is
    /// larger than largest_expansion times the archive.
    std::optional<std::vector<std::byte>> read(const std::string& name) const {
        const zip_int64_t index = zip_name_locate(archive_.get(), name.c_str(), ZIP_FL_ENC_GUESS);
        if (index < 0)
            return std::nullopt;
        zip_stat_t status;
        zip_stat_init(&status);
        const auto entry = static_cast<zip_uint64_t>(index);
        input_.check(zip_stat_index(archive_.get(), entry, 0, &status) == 0 && (status.valid & ZIP_STAT_SIZE) != 0,
                     "\"", name, "\" has no size in the archive");
        input_.check(status.size / largest_expansion <= size_, "\"", name, "\" is said to have ", status.size,
                     " bytes, expected at most ", largest_expansion, " times the archive's ", size_);
        const std::unique_ptr<zip_file_t, CloseFile> file(zip_fopen_index(archive_.get(), entry, 0));
        input_.check(file != nullptr, "\"", name, "\" can't be read: ", zip_strerror(archive_.get()));
        std::vector<std::byte> bytes(status.size);
        std::size_t done = 0;
        while (done < bytes.size()) {
            const zip_int64_t count = zip_fread(file.get(), bytes.data() + done, bytes.size() - done);
            input_.check(count > 0, "\"", name, "\" can't be read: ",
                         count < 0 ? zip_file_strerror(file.get()) : "it is shorter than the archive says");
            done += static_cast<std::size_t>(count);
        }
        std::byte more;
        input_.check(zip_fread(file.get(), &more, 1) == 0, // which compares the checksum, too
                     "\"", name, "\" can't be read: its checksum or its length is wrong");
        return bytes;
    }

  private:
    struct CloseArchive {
        void operator()(zip_t* archive) const { zip_discard(archive); }
    };
    struct CloseFile {
        void operator()(zip_file_t* file) const { zip_fclose(file); }
    };

    const Input& input_;
    std::uint64_t size_;
    std::unique_ptr<zip_t, CloseArchive> archive_;
};

} // namespace carousel::detail::keras
