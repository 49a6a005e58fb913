#include "compiled_once.hpp"
#include "format.hpp"

#include "carousel/io/rtneural.hpp"

namespace tool {

Net load_rtneural_file(const std::filesystem::path& path, const LoadOptions&) {
    return carousel::load_rtneural<float>(path);
}

void save_rtneural_file(const std::filesystem::path& path, const Net& net, const SaveOptions&) {
    carousel::save_rtneural(path, net.model, net.metadata);
}

} // namespace tool
