// Carousel's own safetensors files.
#include "format.hpp"
#include "message.hpp"

#include "carousel/io/load_model.hpp"
#include "carousel/io/safetensors.hpp"

#include <variant>

namespace tool {

namespace {

/// Models of this program are of float, so the numbers of a double one are rounded.
Net load_rounded(const std::filesystem::path& path, carousel::Safetensors file) {
    warn(path.string() + ": the weights are float64, they are rounded to float32");
    for (carousel::NamedTensor& tensor : file.tensors)
        if (const auto* const wide = std::get_if<std::vector<double>>(&tensor.numbers))
            tensor.numbers = std::vector<float>(wide->begin(), wide->end());
    const auto bytes = carousel::safetensors_bytes(file.tensors, file.metadata);
    try {
        return carousel::load_model_file<float>(bytes);
    } catch (const std::runtime_error& error) {
        throw std::runtime_error(path.string() + ", rounded to float32: " + error.what());
    }
}

bool is_double(const std::filesystem::path& path) {
    carousel::detail::Input input("load_model", path);
    const carousel::detail::SafetensorsReader reader(input);
    for (const auto& entry : reader.entries())
        if (entry.dtype == "F64")
            return true;
    return false;
}

} // namespace

Net load_carousel(const std::filesystem::path& path, const LoadOptions&) {
    return is_double(path) ? load_rounded(path, carousel::read_safetensors(path))
                           : carousel::load_model_file<float>(path);
}

void save_carousel(const std::filesystem::path& path, const Net& net, const SaveOptions&) {
    carousel::save_safetensors(path, net.model, net.metadata);
}

} // namespace tool
