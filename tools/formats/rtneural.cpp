#include "format.hpp"
#include "message.hpp"

#include "carousel/io/rtneural.hpp"

namespace tool {

Net load_rtneural_file(const std::filesystem::path& path, const LoadOptions&) {
    return carousel::load_rtneural<float>(path);
}

void save_rtneural_file(const std::filesystem::path& path, const Net& net, const SaveOptions&) {
    carousel::save_rtneural(path, net.model, net.metadata);
    net.model.each_layer([&](std::size_t k, const auto& layer) {
        if (layer.name() == "LastStep")
            warn("layer " + std::to_string(k) +
                 " (LastStep) isn't in the file: RTNeural gives the output of every step");
    });
}

} // namespace tool
