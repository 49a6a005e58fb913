// NumPy's .npy files, of float32 or float64 in C order: https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html
#pragma once

#include "carousel/core/matrix.hpp"
#include "io/folder.hpp"

#include <cstring>
#include <filesystem>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace carousel::test {

struct Npy {
    std::vector<Index> shape;
    std::vector<double> numbers; ///< row-major

    /// Of shape [time] or [time, features]: features × time, as a sequence is.
    template <class S>
    Matrix<S> sequence() const {
        const Index features = shape.size() > 1 ? shape[1] : 1, steps = shape[0];
        return Eigen::Map<const Matrix<double>>(numbers.data(), features, steps).template cast<S>();
    }
};

/// Of the bytes of a file that is called so.
inline Npy npy_of(const std::string& bytes, const std::string& name) {
    const auto fail = [&](const char* what) { throw std::runtime_error(name + ": " + what); };
    constexpr std::size_t fixed = 10; // magic number, version and the length of the header
    if (bytes.size() < fixed || bytes.compare(1, 5, "NUMPY") != 0)
        fail("is no .npy file of version 1");
    const std::size_t length = static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]);
    const std::string header = bytes.substr(fixed, length);
    const bool is_double = header.find("'<f8'") != header.npos;
    if ((!is_double && header.find("'<f4'") == header.npos) || header.find("'fortran_order': False") == header.npos)
        fail("isn't of float32 or float64 in C order");

    Npy npy;
    std::size_t count = 1;
    std::istringstream shape(header.substr(header.find("'shape': (") + 10));
    for (Index n = 0; shape >> n; shape.ignore()) {
        npy.shape.push_back(n);
        count *= static_cast<std::size_t>(n);
    }
    const auto read = [&]<class Number>(Number) {
        if (npy.shape.empty() || bytes.size() != fixed + length + count * sizeof(Number))
            fail("has another number of bytes than its shape says");
        std::vector<Number> numbers(count);
        std::memcpy(numbers.data(), bytes.data() + fixed + length, count * sizeof(Number));
        npy.numbers.assign(numbers.begin(), numbers.end());
    };
    is_double ? read(double()) : read(float());
    return npy;
}

inline Npy read_npy(const std::filesystem::path& path) {
    return npy_of(content(path), path.string());
}

} // namespace carousel::test
