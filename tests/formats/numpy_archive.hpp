// NumpyArchive: the float32 matrices of an .npz file, as numpy.savez writes it.
#pragma once

#include "carousel/core/matrix.hpp"
#include "carousel/io/keras/archive.hpp"
#include "io/folder.hpp"

#include <cstdio>
#include <cstring>
#include <stdexcept>
#include <string>

namespace carousel::test {

class NumpyArchive {
  public:
    explicit NumpyArchive(const std::string& path) : path_(path), text_(content(path)) {}

    /// Shape (R, C): the same R × C matrix.
    Matrix<float> matrix(const std::string& name) const {
        const std::span<const std::byte> bytes = std::as_bytes(std::span(text_));
        const detail::Input input("NumpyArchive", bytes);
        const auto file = detail::keras::ZipArchive(input, bytes).read(name + ".npy");
        if (!file || file->size() < 10)
            throw std::runtime_error(path_ + " has no " + name);
        const std::string text(reinterpret_cast<const char*>(file->data()), file->size());
        long rows = 0, columns = 0;
        const std::size_t shape = text.find("'shape': (");
        if (text.find("'<f4'") == text.npos || shape == text.npos ||
            std::sscanf(text.c_str() + shape, "'shape': (%ld, %ld)", &rows, &columns) != 2)
            throw std::runtime_error(path_ + ": " + name + " is no float32 matrix");
        const std::size_t header =
            10U + static_cast<unsigned char>(text[8]) + 256U * static_cast<unsigned char>(text[9]);
        Matrix<float> transposed(columns, rows);
        if (text.size() != header + sizeof(float) * static_cast<std::size_t>(transposed.size()))
            throw std::runtime_error(path_ + ": " + name + " is cut off");
        std::memcpy(transposed.data(), text.data() + header, text.size() - header);
        return transposed.transpose();
    }

  private:
    std::string path_, text_;
};

} // namespace carousel::test
