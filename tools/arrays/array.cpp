#include "array.hpp"

#include "carousel/core/require.hpp"
#include "message.hpp"
#include "paths.hpp"

namespace tool {

namespace {

enum class Kind { npy, csv, wav };

Kind kind_of(const std::filesystem::path& path) {
    const std::string end = lower_extension(path);
    check_usage(end == ".npy" || end == ".csv" || end == ".wav", path.string(), ": \"", end,
                "\" isn't an array's extension: .npy, .csv or .wav");
    return end == ".npy" ? Kind::npy : end == ".csv" ? Kind::csv : Kind::wav;
}

} // namespace

std::string shape_text(const std::vector<Index>& shape) {
    std::string text = "(";
    for (std::size_t k = 0; k < shape.size(); ++k)
        text += (k > 0 ? ", " : "") + carousel::detail::decimal(shape[k]);
    return text + (shape.size() == 1 ? ",)" : ")");
}

Array read_array(const std::filesystem::path& path) {
    switch (kind_of(path)) {
    case Kind::npy:
        return read_npy(path);
    case Kind::csv:
        return read_csv(path);
    case Kind::wav:
        break;
    }
    return read_wav(path);
}

void check_writable(const std::filesystem::path& path) {
    static_cast<void>(kind_of(path));
}

bool is_audio(const std::filesystem::path& path) {
    return lower_extension(path) == ".wav";
}

void check_fits(const std::filesystem::path& path, const Array& array) {
    switch (kind_of(path)) {
    case Kind::npy:
        return;
    case Kind::csv:
        return check_csv(path, array);
    case Kind::wav:
        return check_wav(path, array);
    }
}

void write_array(const std::filesystem::path& path, const Array& array, Samples samples) {
    switch (kind_of(path)) {
    case Kind::npy:
        return write_npy(path, array);
    case Kind::csv:
        return write_csv(path, array);
    case Kind::wav:
        return write_wav(path, array, samples);
    }
}

} // namespace tool
