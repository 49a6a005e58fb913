// Arrays of numbers in files: .npy, .csv, .wav.
#pragma once

#include "carousel/core/matrix.hpp"

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace tool {

using carousel::Index;

/// Numbers in row-major order: the last index is the fastest. Audio is (time, channels), and a table of one column (time).
struct Array {
    std::vector<Index> shape;
    std::vector<float> numbers;
    int sample_rate = 0; ///< of audio, in Hz; 0: it is no audio
};

/// "(3, 10, 2)"
std::string shape_text(const std::vector<Index>& shape);

/// How audio is written.
enum class Samples { floats, integers16, integers24 };

/// Reads a file by its extension. Whole numbers and other widths become floats. Throws std::runtime_error "path: …" if it can't be
/// read, isn't whole, or has no numbers; Usage for another extension.
Array read_array(const std::filesystem::path& path);

/// Throws Usage unless write_array knows the extension.
void check_writable(const std::filesystem::path& path);

/// Whether the extension is .wav.
bool is_audio(const std::filesystem::path& path);

/// Throws what write_array would because of the dimensions or the sample rate, whatever the numbers are.
void check_fits(const std::filesystem::path& path, const Array& array);

/// Writes a file by its extension; the old one is whole if that fails. Audio needs the sample rate, (time) or (time, channels), and
/// integers are clipped, with a warning, to -1 … 1. Throws std::runtime_error "path: …" if it can't be written so.
void write_array(const std::filesystem::path& path, const Array& array, Samples samples = Samples::floats);

// One file each.
Array read_npy(const std::filesystem::path& path);
void write_npy(const std::filesystem::path& path, const Array& array);
Array read_csv(const std::filesystem::path& path);
void check_csv(const std::filesystem::path& path, const Array& array);
void write_csv(const std::filesystem::path& path, const Array& array);
Array read_wav(const std::filesystem::path& path);
void check_wav(const std::filesystem::path& path, const Array& array);
void write_wav(const std::filesystem::path& path, const Array& array, Samples samples);

} // namespace tool
