// Files of torch.save, and safetensors files with PyTorch's names.
#include "format.hpp"
#include "message.hpp"

#include "carousel/io/pytorch.hpp"

namespace tool {

namespace {

carousel::PyTorchOptions of(const LoadOptions& options) {
    return {.dictionary = options.dictionary, .prefix = options.prefix};
}

} // namespace

Net load_torch(const std::filesystem::path& path, const LoadOptions& options) {
    return carousel::load_pytorch<float>(path, options.architecture, of(options));
}

void save_torch(const std::filesystem::path& path, const Net& net, const SaveOptions& options) {
    carousel::save_pytorch_safetensors(path, net.model, {.modules = options.modules, .metadata = net.metadata});
    if (!carousel::read_safetensors(path).metadata.contains(carousel::detail::torch_architecture_key))
        warn(path.string() +
             ": holds the weights alone, for PyTorch's words don't say all that the model does between them, "
             "such as a gain; make that by hand there");
}

std::string torch_contents(const std::filesystem::path& path, const LoadOptions& options) {
    return carousel::pytorch_modules(path, of(options));
}

} // namespace tool
