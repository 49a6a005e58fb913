#include "array.hpp"

#include "carousel/core/require.hpp"
#include "message.hpp"

#include <algorithm>
#include <cctype>

namespace tool {

namespace {

enum class Kind { npy, csv, wav };

Kind kind_of(const std::filesystem::path& path) {
    std::string end = path.extension().string();
    std::transform(end.begin(), end.end(), end.begin(),
                   [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    check_usage(end == ".npy" || end == ".csv" || end == ".wav", path.string(), ": the extension \"", end,
                "\" is none of arrays', which are .npy, .csv and .wav");
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
