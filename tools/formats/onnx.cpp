#include "format.hpp"

#include "carousel/io/onnx.hpp"

namespace tool {

Net load_onnx_file(const std::filesystem::path& path, const LoadOptions& options) {
    return carousel::load_onnx<float>(path, {.output = options.output});
}

void save_onnx_file(const std::filesystem::path& path, const Net& net, const SaveOptions& options) {
    carousel::save_onnx(path, net.model,
                        {.states = options.states,
                         .state = options.states ? carousel::Model<float>::State() : net.state,
                         .metadata = net.metadata});
}

} // namespace tool
