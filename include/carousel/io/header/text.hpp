// The text of a header with a model in it.
#pragma once

#include "carousel/core/metadata.hpp"
#include "carousel/io/header/layers.hpp"
#include "carousel/io/sample_rate.hpp"

#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail::header {

/// What is written besides the numbers.
struct Contents {
    LayerDescription model;
    Index input_size; ///< 0: it takes any number of features
    bool has_state;
    std::string name; ///< of the namespace
    Metadata metadata;
};

/// The metadata as constants; empty if there is none.
inline std::string constants_of(const Metadata& metadata, const char* where) {
    constexpr std::size_t longest = 65'535; // a compiler need not take a literal of more, with the zero at its end
    const auto written = [&](const std::string& part, const std::string& key) {
        require(part.size() <= longest, where, "the metadata ", string_literal(std::string_view(key).substr(0, 100)),
                " has ", part.size(), " bytes, expected at most ", longest, "; leave it out");
        const bool has_zero = part.find('\0') != part.npos; // then the text doesn't tell its length
        return has_zero ? "{" + string_literal(part) + ", " + decimal(static_cast<Index>(part.size())) + "}"
                        : string_literal(part);
    };
    std::string rate, list;
    for (const auto& [key, value] : metadata) {
        if (key == "sample_rate") {
            const double number = sample_rate_of(value);
            require(number > 0, where, "the metadata has the sample_rate ",
                    string_literal(std::string_view(value).substr(0, 100)), expected_sample_rate());
            rate = "/// In Hz.\ninline constexpr double sample_rate = " + literal(number) + ";\n\n";
        }
        (list += list.empty() ? "\n    {" : ",\n    {") += written(key, key) + ", " + written(value, key) + "}";
    }
    if (list.empty())
        return "";
    return rate +
           "/// What the file of the model said besides its numbers, by name.\n"
           "CAROUSEL_HIDDEN inline constexpr std::pair<std::string_view, std::string_view> metadata[] = {" +
           list + "};\n\n";
}

/// Writes the layers of a model. What one of them refuses is said as "where: layer 2 (Echo): …".
template <class S>
Written write_model(Layers<S>& layers, const LayerDescription& model, const char* where) {
    return instead_of<std::invalid_argument>(
        [&] {
            return layers.write(model, {"", "result", "state", ""});
        },
        [&](const std::invalid_argument& error) {
            const std::string what = error.what(), row = "Sequential: ";
            fail<std::invalid_argument>(std::string(where) + ": " +
                                        what.substr(what.starts_with(row) ? row.size() : 0));
        });
}

/// Throws std::invalid_argument "where: …" if something can't be said in C++.
template <class S>
std::string text_of(const Contents& contents, Numbers<S> numbers, const char* where) {
    const char* const why_no_name = header::why_no_name(contents.name);
    require(!why_no_name, where, "the name ", string_literal(std::string_view(contents.name).substr(0, 100)), " ",
            why_no_name ? why_no_name : "", ", expected one for a namespace, such as \"model\"");
    const std::string metadata = constants_of(contents.metadata, where);
    Layers<S> layers(std::move(numbers));
    const Written model = write_model(layers, contents.model, where);
    const Numbers<S>& all = layers.numbers();
    require(all.finished(), where, "the model has more parameters or states than the layers that it describes");
    const std::string why_not = !model.why_not_streamed.empty() ? model.why_not_streamed
                                : contents.input_size == 0      ? "the model takes any number of features"
                                                                : "";
    const bool streamed = why_not.empty(), has_parameters = all.parameters() > 0;

    std::string layer_names, text = "// made by carousel: don't edit\n//\n";
    if (contents.model.type == "Sequential")
        for (const auto& layer : contents.model.layers)
            (layer_names += layer_names.empty() ? "" : ", ") += layer.type;
    else
        layer_names = contents.model.type;
    const std::string scalar = std::same_as<S, float> ? "float" : "double";
    text += "// " + layer_names + ": " + decimal(all.parameters()) + " parameters of type " + scalar + ".\n";
    if (streamed)
        text += "//\n//     auto stream = " + contents.name +
                "::stream(); // takes memory once\n"
                "//     y = stream(x);" +
                std::string(contents.name.size() + 12, ' ') + "// takes none: a sample in, a sample out\n";
    else
        text += "// There is no stream() of it: " + why_not + ".\n";
    text += "#pragma once\n\n";

    auto includes = layers.includes();
    if (streamed)
        includes.insert("carousel/stream/stream.hpp");
    for (const std::string& include : includes)
        text += "#include \"" + include + "\"\n";
    text += "\n";
    for (const auto& [needed, include] :
         {std::pair(has_parameters || contents.has_state, "algorithm"),
          std::pair(has_parameters || contents.has_state, "iterator"), std::pair(!metadata.empty(), "string_view"),
          std::pair(!metadata.empty() || contents.has_state, "utility")})
        if (needed)
            text += std::string("#include <") + include + ">\n";
    text += "\nnamespace " + contents.name + " {\n\n" + metadata;
    if (!all.arrays().empty()) {
        text.reserve(text.size() + all.arrays().size() + 2 * (model.make.size() + all.set_parameters().size()) + 4096);
        // Visible, they would be unique symbols, with which GCC keeps a shared library from being unloaded.
        text += "namespace CAROUSEL_HIDDEN constants {\n";
        text += all.arrays();
        text += "} // namespace constants\n\n";
    }
    text += "using Model = " + model.type +
            ";\n\n/// The trained model. It can be trained on.\ninline Model model() {\n" + "    Model result = Model" +
            model.make.substr(model.type.size()) + ";\n";
    if (has_parameters)
        text += "    const auto set = [](carousel::Parameter<" + scalar +
                ">& parameter, const auto& numbers) {\n"
                "        std::copy(std::begin(numbers), std::end(numbers), parameter.value.data());\n"
                "    };\n" +
                all.set_parameters();
    text += "    return result;\n}\n\n";
    if (contents.has_state)
        text += "/// The state in which a sequence begins.\ninline Model::State initial_state() {\n    Model::State "
                "state;\n"
                "    const auto set = [](carousel::Matrix<" +
                scalar +
                ">& matrix, const auto& numbers) {\n"
                "        matrix.resize(std::ssize(numbers), 1);\n"
                "        std::copy(std::begin(numbers), std::end(numbers), matrix.data());\n"
                "    };\n" +
                all.set_states() + "    return state;\n}\n\n";
    if (streamed)
        text += std::string("/// The model sample by sample") +
                (contents.has_state ? ", from initial_state(). reset() goes back to zeros" : "") +
                ".\ninline carousel::Stream<Model> stream() {\n" +
                (contents.has_state ? "    carousel::Stream<Model> result(model());\n"
                                      "    result.set_state(initial_state());\n    return result;\n"
                                    : "    return carousel::Stream<Model>(model());\n") +
                "}\n\n";
    return text + "} // namespace " + contents.name + "\n";
}

} // namespace carousel::detail::header
