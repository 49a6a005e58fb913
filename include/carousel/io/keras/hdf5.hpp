// Hdf5File: what Keras keeps in an HDF5 file, read: groups, attributes that are texts, and arrays of floating-point
// numbers. Needs HDF5's C library.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/io/keras/hdf5_id.hpp"
#include "carousel/io/named_tensor.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// How many times the size of a file its numbers, unpacked, may be. Floating-point weights hardly get smaller by
/// compression, but a file that is made to exhaust the memory does by a thousand times.
inline constexpr std::uint64_t largest_expansion = 32;

/// An HDF5 file in memory. Paths are names with '/' between them, from the file's root on. Links to other files and other
/// places, and numbers that are kept in other files, are refused. What is wrong with the file is said as Input::check
/// says it; `prefix` stands before what is called by its path.
///
/// One lives at a time: another one is constructed when it is gone.
class Hdf5File {
  public:
    /// Throws std::runtime_error if the bytes aren't an HDF5 file.
    Hdf5File(const Input& input, std::vector<std::byte> bytes, std::string prefix = {})
        : lock_(hdf5_mutex()), input_(input), prefix_(std::move(prefix)), size_(bytes.size()),
          unpacked_(largest_expansion * bytes.size()), texts_left_(unpacked_) {
        const Hdf5Id access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
        const bool ready = access && H5Pset_fapl_core(access, 65536, false) >= 0 &&
                           H5Pset_fclose_degree(access, H5F_CLOSE_STRONG) >= 0 &&
                           H5Pset_file_image(access, bytes.data(), bytes.size()) >= 0; // which copies them
        bytes = {};
        if (ready)
            file_ = Hdf5Id(H5Fopen("carousel: a file in memory", H5F_ACC_RDONLY, access), H5Fclose);
        check(file_ >= 0, "HDF5 can't open it: it is damaged, or isn't an HDF5 file");
    }
    Hdf5File(const Hdf5File&) = delete;
    Hdf5File& operator=(const Hdf5File&) = delete;

    bool has_group(const std::string& path) const { return static_cast<bool>(open(path, H5I_GROUP)); }

    /// How many things are in a group; 0 if it isn't there.
    std::uint64_t count(const std::string& path) const {
        const Hdf5Id group = open(path, H5I_GROUP);
        H5G_info_t info;
        return group && H5Gget_info(group, &info) >= 0 ? info.nlinks : 0;
    }

    /// What is in a group, sorted. Throws std::runtime_error if it isn't there.
    std::vector<std::string> names(const std::string& path) const {
        const Hdf5Id group = open(path, H5I_GROUP);
        check(static_cast<bool>(group), label(path), " is no group");
        std::vector<std::string> found;
        const auto add = [](hid_t, const char* name, const H5L_info_t*, void* to) -> herr_t {
            static_cast<std::vector<std::string>*>(to)->emplace_back(name);
            return 0;
        };
        check(H5Literate(group, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add, &found) >= 0, label(path),
              " can't be read");
        std::sort(found.begin(), found.end());
        return found;
    }

    /// The texts of a group's attribute, one or a list; none if there is no such attribute. Throws std::runtime_error if
    /// it isn't text, or if all that were read so far are far longer than the file.
    std::optional<std::vector<std::string>> texts(const std::string& path, const std::string& attribute) const;

    /// Numbers of 16, 32 or 64 bits; those of 16 become 32. Throws std::runtime_error if it isn't there, is of another
    /// type, or can't be read.
    NamedTensor read(const std::string& path);

    /// Throws std::runtime_error "where: source: parts…" when `holds` is false.
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        input_.check(holds, prefix_, parts...);
    }
    /// How messages call it.
    static std::string label(const std::string& path) { return "\"" + path + "\""; }

  private:
    Hdf5Id root() const { return Hdf5Id(H5Gopen2(file_, "/", H5P_DEFAULT), H5Gclose); }

    /// The object of this kind at the path, or none; step by step, so that no link leads elsewhere.
    Hdf5Id open(const std::string& path, H5I_type_t kind) const {
        Hdf5Id at = root();
        for (std::size_t begin = 0; at && begin < path.size();) {
            const std::size_t end = std::min(path.find('/', begin), path.size());
            const std::string name = path.substr(begin, end - begin);
            begin = end + 1;
            if (name.empty())
                continue;
            H5L_info_t link;
            if (H5Iget_type(at) != H5I_GROUP || H5Lexists(at, name.c_str(), H5P_DEFAULT) <= 0 ||
                H5Lget_info(at, name.c_str(), &link, H5P_DEFAULT) < 0)
                return {-1, H5Oclose};
            check(link.type == H5L_TYPE_HARD, label(path), " is a link to elsewhere, which isn't followed");
            at = Hdf5Id(H5Oopen(at, name.c_str(), H5P_DEFAULT), H5Oclose);
        }
        if (at && H5Iget_type(at) != kind)
            return {-1, H5Oclose};
        return at;
    }

    void add(std::vector<std::string>& texts, std::string_view text, const std::string& what) const {
        const std::uint64_t bytes = text.size() + sizeof(std::string);
        check(bytes <= texts_left_, what, " makes all texts larger than a file of ", size_,
              " bytes should have: all together at most ", largest_expansion, " times its size");
        texts_left_ -= bytes;
        texts.emplace_back(text);
    }

    void check_storage(const std::string& path, hid_t dataset, int dimensions, std::uint64_t number_bytes) const;

    std::lock_guard<std::mutex> lock_;
    Hdf5Silence silence_;
    const Input& input_;
    std::string prefix_;
    std::uint64_t size_;
    std::uint64_t unpacked_;           // how many bytes of numbers may still be read
    mutable std::uint64_t texts_left_; // how many bytes of texts may still be read
    Hdf5Id file_{-1, H5Fclose};
};

inline std::optional<std::vector<std::string>> Hdf5File::texts(const std::string& path,
                                                               const std::string& attribute) const {
    const Hdf5Id group = open(path, H5I_GROUP);
    if (!group || H5Aexists(group, attribute.c_str()) <= 0)
        return std::nullopt;
    const Hdf5Id found(H5Aopen(group, attribute.c_str(), H5P_DEFAULT), H5Aclose);
    const std::string what = "the attribute " + label(attribute) + (path.empty() ? "" : " of " + label(path));
    check(static_cast<bool>(found), what, " can't be read");
    const Hdf5Id type(H5Aget_type(found), H5Tclose), space(H5Aget_space(found), H5Sclose);
    const hssize_t points = space ? H5Sget_simple_extent_npoints(space) : -1;
    check(type && points >= 0 && (H5Tget_class(type) == H5T_STRING || points == 0), what, " is no text");
    const auto count = static_cast<std::uint64_t>(points);

    std::vector<std::string> texts;
    if (count == 0)
        return texts;
    if (H5Tis_variable_str(type) > 0) {
        // Each may be as long as the file, and all the same.
        constexpr std::uint64_t most = std::uint64_t(1) << 28;
        check(count <= largest_expansion || count <= most / std::max(size_, std::uint64_t(1)), what, " has ", count,
              " texts of any length, expected at most ", largest_expansion);
        struct Pointers {
            hid_t type, space;
            std::vector<char*> to;
            ~Pointers() { H5Dvlen_reclaim(type, space, H5P_DEFAULT, to.data()); }
        } pointers{type, space, std::vector<char*>(count, nullptr)};
        check(H5Aread(found, type, pointers.to.data()) >= 0, what, " can't be read");
        for (const char* const text : pointers.to)
            add(texts, text ? text : "", what);
        return texts;
    }
    const std::uint64_t length = H5Tget_size(type);
    check(length > 0 && length <= size_ && count <= size_ / length, what, " is longer than the file");
    std::vector<char> bytes(length * count);
    check(H5Aread(found, type, bytes.data()) >= 0, what, " can't be read");
    for (std::uint64_t k = 0; k < count; ++k) {
        const std::string_view padded(bytes.data() + k * length, length);
        add(texts, padded.substr(0, padded.find('\0')), what);
    }
    return texts;
}

/// Throws std::runtime_error unless the numbers are in this file, compressed by nothing but gzip, once, in chunks whose size is a
/// small multiple of the file's. HDF5 unpacks a chunk to its stream's end, whatever size is said: while it reads one, it may
/// take 1032 times as much memory as the chunk takes in the file, which is as far as deflate goes. A second deflate would
/// square that.
inline void Hdf5File::check_storage(const std::string& path, hid_t dataset, int dimensions,
                                    std::uint64_t number_bytes) const {
    const Hdf5Id storage(H5Dget_create_plist(dataset), H5Pclose);
    check(static_cast<bool>(storage), label(path), " can't be read");
    const H5D_layout_t layout = H5Pget_layout(storage);
    check(layout != H5D_VIRTUAL && H5Pget_external_count(storage) == 0, label(path),
          " has its numbers in another file, which isn't read");
    const int filters = H5Pget_nfilters(storage);
    int compressions = 0;
    for (int k = 0; k < filters; ++k) {
        unsigned flags = 0;
        std::size_t values = 0;
        const H5Z_filter_t filter =
            H5Pget_filter2(storage, static_cast<unsigned>(k), &flags, &values, nullptr, 0, nullptr, nullptr);
        check(filter == H5Z_FILTER_DEFLATE || filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_FLETCHER32,
              label(path), " is compressed by HDF5's filter ", filter, ", expected gzip or none");
        compressions += filter == H5Z_FILTER_DEFLATE;
        check(compressions <= 1, label(path), " is compressed by gzip several times, expected once");
    }
    if (layout != H5D_CHUNKED)
        return;
    std::array<hsize_t, H5S_MAX_RANK> chunk{}, extent{};
    const Hdf5Id space(H5Dget_space(dataset), H5Sclose);
    check(H5Pget_chunk(storage, H5S_MAX_RANK, chunk.data()) == dimensions &&
              H5Sget_simple_extent_dims(space, extent.data(), nullptr) == dimensions,
          label(path), " can't be read");
    double bytes = static_cast<double>(number_bytes), chunks = 1; // which can't overflow
    for (std::size_t k = 0; k < static_cast<std::size_t>(dimensions); ++k) {
        bytes *= static_cast<double>(chunk[k]);
        chunks *= std::ceil(static_cast<double>(extent[k]) / std::max(static_cast<double>(chunk[k]), 1.0));
    }
    // A chunk's address alone takes 8 bytes of the file.
    check(bytes <= static_cast<double>(largest_expansion * size_) && chunks * 8 <= static_cast<double>(size_),
          label(path), " is cut into chunks that this file can't hold");
}

inline NamedTensor Hdf5File::read(const std::string& path) {
    const Hdf5Id dataset = open(path, H5I_DATASET);
    check(static_cast<bool>(dataset), label(path), " is missing");
    const Hdf5Id type(H5Dget_type(dataset), H5Tclose), space(H5Dget_space(dataset), H5Sclose);
    check(type && space, label(path), " can't be read");

    std::array<std::size_t, 5> fields{}; // where the sign, the exponent and the mantissa are, and how long the latter
    const std::size_t bytes = H5Tget_size(type);
    const bool floating = H5Tget_class(type) == H5T_FLOAT &&
                          H5Tget_fields(type, &fields[0], &fields[1], &fields[2], &fields[3], &fields[4]) >= 0;
    using Fields = std::array<std::size_t, 5>;
    const bool known =
        floating &&
        ((bytes == 2 && (fields == Fields{15, 10, 5, 0, 10} || fields == Fields{15, 7, 8, 0, 7})) ||
         (bytes == 4 && fields == Fields{31, 23, 8, 0, 23}) || (bytes == 8 && fields == Fields{63, 52, 11, 0, 52}));
    check(known, label(path), " isn't of numbers that are read: expected float16, float32 or float64");

    NamedTensor tensor{path, {}, {}};
    std::array<hsize_t, H5S_MAX_RANK> extent{};
    const int dimensions =
        H5Sget_simple_extent_type(space) == H5S_NULL ? -1 : H5Sget_simple_extent_dims(space, extent.data(), nullptr);
    check(dimensions >= 0, label(path), " has no shape");
    const std::uint64_t number_bytes = bytes == 8 ? 8 : 4;
    std::uint64_t left = unpacked_ / number_bytes, count = 1;
    for (std::size_t k = 0; k < static_cast<std::size_t>(dimensions); ++k) {
        check(extent[k] == 0 || count <= left / extent[k], label(path), " has more numbers than a file of ", size_,
              " bytes should have: all together at most ", largest_expansion, " times its size");
        count *= extent[k];
        tensor.shape.push_back(static_cast<Index>(extent[k]));
    }
    check_storage(path, dataset, dimensions, bytes);
    unpacked_ -= count * number_bytes;
    if (bytes == 8)
        tensor.numbers = std::vector<double>();
    std::visit(
        [&](auto& numbers) {
            numbers.resize(count);
            const hid_t memory = number_bytes == 8 ? H5T_NATIVE_DOUBLE : H5T_NATIVE_FLOAT;
            check(count == 0 || H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, numbers.data()) >= 0,
                  label(path), " can't be read: the file is damaged or shorter than it was");
        },
        tensor.numbers);
    return tensor;
}

} // namespace carousel::detail::keras
