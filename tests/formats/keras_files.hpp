// Files as Keras writes them, made in memory: by HDF5's C API and libzip.
#pragma once

#include <hdf5.h>
#include <zip.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace carousel::test {

using Bytes = std::vector<std::byte>;

inline Bytes bytes_of(const std::string& text) {
    const auto* const begin = reinterpret_cast<const std::byte*>(text.data());
    return Bytes(begin, begin + text.size());
}

/// An HDF5 file that is being written. Paths are from the root on; groups on the way to something are made with it.
class Hdf5Writer {
  public:
    Hdf5Writer() {
        const hid_t access = H5Pcreate(H5P_FILE_ACCESS);
        H5Pset_fapl_core(access, 65536, false);
        file_ = checked(H5Fcreate("a file in a test", H5F_ACC_TRUNC, H5P_DEFAULT, access));
        H5Pclose(access);
        links_ = H5Pcreate(H5P_LINK_CREATE);
        H5Pset_create_intermediate_group(links_, 1);
    }
    Hdf5Writer(const Hdf5Writer&) = delete;
    Hdf5Writer& operator=(const Hdf5Writer&) = delete;
    ~Hdf5Writer() { H5Pclose(links_), H5Fclose(file_); }

    void group(const std::string& path) {
        H5Gclose(checked(H5Gcreate2(file_, path.c_str(), links_, H5P_DEFAULT, H5P_DEFAULT)));
    }
    /// A text of any length, as h5py writes a Python string.
    void text(const std::string& path, const std::string& attribute, const std::string& value) {
        const hid_t type = H5Tcopy(H5T_C_S1), space = H5Screate(H5S_SCALAR);
        H5Tset_size(type, H5T_VARIABLE);
        const char* const pointer = value.c_str();
        write_attribute(path, attribute, type, space, &pointer);
    }
    /// Texts of a fixed length, as h5py writes a list of bytes.
    void texts(const std::string& path, const std::string& attribute, const std::vector<std::string>& values) {
        std::size_t length = 1;
        for (const std::string& value : values)
            length = std::max(length, value.size());
        std::vector<char> padded(length * values.size() + 1);
        for (std::size_t k = 0; k < values.size(); ++k)
            std::memcpy(padded.data() + k * length, values[k].data(), values[k].size());
        const hid_t type = H5Tcopy(H5T_C_S1);
        H5Tset_size(type, length);
        H5Tset_strpad(type, H5T_STR_NULLPAD);
        const hsize_t count = values.size();
        write_attribute(path, attribute, type, H5Screate_simple(1, &count, nullptr), padded.data());
    }
    /// Numbers: stored as `type`, by `storage`, a list of properties that is closed.
    void numbers(const std::string& path, const std::vector<hsize_t>& shape, const std::vector<float>& values,
                 hid_t type = H5T_IEEE_F32LE, hid_t storage = H5P_DEFAULT) {
        const bool may_grow = storage != H5P_DEFAULT && H5Pget_layout(storage) == H5D_CHUNKED;
        const std::vector<hsize_t> unlimited(shape.size(), H5S_UNLIMITED);
        const hid_t space =
            H5Screate_simple(static_cast<int>(shape.size()), shape.data(), may_grow ? unlimited.data() : nullptr);
        const hid_t set = checked(H5Dcreate2(file_, path.c_str(), type, space, links_, storage, H5P_DEFAULT));
        if (!values.empty())
            checked(H5Dwrite(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
        H5Dclose(set), H5Sclose(space);
        if (storage != H5P_DEFAULT)
            H5Pclose(storage);
    }
    static hid_t chunked(std::vector<hsize_t> chunk, unsigned deflate = 0) {
        const hid_t storage = H5Pcreate(H5P_DATASET_CREATE);
        H5Pset_chunk(storage, static_cast<int>(chunk.size()), chunk.data());
        if (deflate > 0)
            H5Pset_deflate(storage, deflate);
        return storage;
    }
    hid_t file() const { return file_; }

    Bytes bytes() const {
        H5Fflush(file_, H5F_SCOPE_GLOBAL);
        const ssize_t size = H5Fget_file_image(file_, nullptr, 0);
        Bytes image(static_cast<std::size_t>(checked(size)));
        checked(H5Fget_file_image(file_, image.data(), image.size()));
        return image;
    }

  private:
    template <class Id>
    static Id checked(Id id) {
        if (id < 0)
            throw std::runtime_error("HDF5 can't write the test's file");
        return id;
    }
    void write_attribute(const std::string& path, const std::string& name, hid_t type, hid_t space, const void* value) {
        const hid_t object = checked(H5Oopen(file_, path.empty() ? "/" : path.c_str(), H5P_DEFAULT));
        const hid_t attribute = checked(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT));
        checked(H5Awrite(attribute, type, value));
        H5Aclose(attribute), H5Oclose(object), H5Sclose(space), H5Tclose(type);
    }

    hid_t file_, links_;
};

/// A zip archive of these files, stored as Keras stores them, or compressed.
inline Bytes zip_of(const std::map<std::string, Bytes>& files, bool compress = false) {
    zip_source_t* const target = zip_source_buffer_create(nullptr, 0, 0, nullptr);
    zip_source_keep(target);
    zip_t* const archive = zip_open_from_source(target, ZIP_TRUNCATE, nullptr);
    for (const auto& [name, content] : files) {
        zip_source_t* const source = zip_source_buffer(archive, content.data(), content.size(), 0);
        const zip_int64_t index = zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8);
        zip_set_file_compression(archive, static_cast<zip_uint64_t>(index), compress ? ZIP_CM_DEFLATE : ZIP_CM_STORE,
                                 0);
    }
    if (zip_close(archive) != 0)
        throw std::runtime_error("libzip can't write the test's file");
    zip_stat_t status;
    zip_source_stat(target, &status);
    Bytes bytes(status.size);
    zip_source_open(target);
    zip_source_read(target, bytes.data(), bytes.size());
    zip_source_close(target);
    zip_source_free(target);
    return bytes;
}

} // namespace carousel::test
