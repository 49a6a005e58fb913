#include "net.hpp"

#include "carousel/io/sample_rate.hpp"
#include "message.hpp"

namespace tool {

NetArgument::NetArgument(CLI::App& command, const std::string& name) {
    command.add_option(name, path_, "the model's file")->required();
    command.add_option("--from", from_, "its format, where the extension doesn't say it: " + format_names())
        ->group("The model's file");
    const auto add = [&](CLI::Option* option, const char* format, const char* group) {
        option->group(group);
        of_format_.emplace_back(option, format);
        return option;
    };
    const char* const torch = "A model of PyTorch";
    add(command.add_option(
            "--architecture", options_.architecture,
            "what is done with the modules: \"LSTM(1, 32), last, Linear(32, 1)\"; `carousel info` says which "
            "modules there are"),
        "pytorch", torch);
    add(command.add_option("--dictionary", options_.dictionary,
                           "the keys that lead to the tensors: \"ema/state_dict\""),
        "pytorch", torch);
    add(command.add_option("--prefix", options_.prefix, "only tensors whose names begin so: \"encoder.\""), "pytorch",
        torch);
    const char* const others = "A model of Keras, ONNX, GuitarML, NAM";
    add(command.add_option("--keras-version", options_.keras_version, "2 or 3, of a file that doesn't say it")
            ->check(CLI::IsMember({2, 3})),
        "keras", others);
    add(command.add_flag("--lengths-for-masks", options_.lengths_for_masks,
                         "load a model with mask_zero or Masking: it is right for sequences without such steps"),
        "keras", others);
    add(command.add_option("--first-layer", options_.first_layer, "a part of the model, from this layer on"), "keras",
        others);
    add(command.add_option("--last-layer", options_.last_layer, "a part of the model, to this layer"), "keras", others);
    add(command.add_option("--output", options_.output, "which of the graph's outputs; the first by default"), "onnx",
        others);
    skip_option_ = add(
        command.add_flag("--skip,!--no-skip", skip_, "add the input to the output, or don't, whatever the file says"),
        "guitarml", others);
    CLI::Option* const prewarm = add(
        command.add_flag("--prewarm", options_.prewarm, "run it on half a second of silence first, as NAM's host does"),
        "nam", others);
    add(command.add_option("--block", options_.block, "samples of the host's buffer, for --prewarm")
            ->capture_default_str()
            ->check(CLI::Range(Index(1), Index(1) << 20))
            ->needs(prewarm),
        "nam", others);
}

const Format& NetArgument::format() const {
    if (format_)
        return *format_;
    const Format& format = format_of_input(path_, from_);
    for (const auto& [option, name] : of_format_)
        check_usage(option->count() == 0 || std::string(format.name) == name, option->get_name(), " is of the format ",
                    name, "; ", path_, " is ", format.title);
    format_ = &format;
    return format;
}

LoadOptions NetArgument::options() const {
    LoadOptions options = options_;
    if (skip_option_->count() > 0)
        options.skip = skip_;
    return options;
}

Net NetArgument::load() const {
    Net net = format().load(path_, options());
    std::erase_if(net.metadata, [&](const auto& entry) { return is_mark(format(), entry.first); });
    return net;
}

double sample_rate(const carousel::Metadata& metadata) {
    const auto found = metadata.find("sample_rate");
    return found == metadata.end() ? 0 : carousel::detail::sample_rate_of(found->second);
}

} // namespace tool
