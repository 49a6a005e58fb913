// The input is an ONNX file: read, its constants folded, matched with layers and these made; and every recurrent node
// extracted into a layer. Whatever the bytes are, the answer is a model or a std::runtime_error.
#include "carousel/io/onnx/build_model.hpp"
#include "carousel/io/onnx/extract.hpp"
#include "carousel/io/onnx/match.hpp"

#include "check.hpp"

namespace {

using namespace carousel;
using namespace carousel::detail::onnx;

/// Whether f() succeeds; it may throw std::runtime_error with a message and nothing else.
template <class F>
bool succeeds(F&& f) {
    try {
        f();
        return true;
    } catch (const std::runtime_error& error) {
        check(std::string_view(error.what()).starts_with("fuzz: memory: "), "every message names function and file");
        return false;
    }
}

void extract_all(const Source& source, const File& file, Bytes bytes) {
    constexpr std::size_t enough = 8;
    std::size_t extracted = 0;
    for (const Node& node : file.graph.nodes)
        if (is_recurrent(node) && !node.name.empty() && extracted++ < enough)
            succeeds([&] {
                Budget budget(source, bytes.size());
                const FoundNode found = find_recurrent_node(source, file, node.name);
                const auto directions = recurrent_directions(source, found, budget);
                for (const RecurrentStage& stage : directions)
                    check(stage.R.size() == static_cast<std::size_t>(stage.gates() * stage.hidden * stage.hidden),
                          "R is gates x hidden x hidden");
                with_layer_type<float>(directions[0], [&]<class L>() {
                    L layer = make_recurrent<L>(directions[0], source.prefix());
                    give_weights(source, found.node(), directions, layer);
                });
            });
    succeeds([&] { find_recurrent_node(source, file, "a name that no node has"); });
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const Source source("fuzz", "memory");
    const Bytes bytes(reinterpret_cast<const std::byte*>(data), size);
    File file;
    if (!succeeds([&] { file = read_file(source, bytes); }))
        return 0;
    succeeds([&] {
        Budget budget(source, size);
        const Chain chain = Matcher(source, file, budget, {}).match();
        check(!chain.path(0, chain.end).empty() || chain.end == 0, "the end is behind the input");
        ModelBuilder<float> builder(source, chain);
        const Model<float> model = builder.build(0, chain.end);
        const auto state = builder.state();
        check(state.empty() || state.size() == model.empty_state().size(), "the state is the model's");
    });
    extract_all(source, file, bytes);
    return 0;
}
