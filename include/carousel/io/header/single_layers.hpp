// Layers without others inside them as C++: their types, with sizes at compile time where a type has them, and what
// constructs them.
#pragma once

#include "carousel/cell/gru.hpp"
#include "carousel/cell/lstm.hpp"
#include "carousel/cell/simple_rnn.hpp"
#include "carousel/io/header/numbers.hpp"
#include "carousel/model/layer_values.hpp"

#include <array>
#include <concepts>
#include <initializer_list>
#include <set>
#include <string>
#include <utility>

namespace carousel::inline CAROUSEL_ABI::detail::header {

/// A layer, or a row of them, in C++.
struct Written {
    std::string type;               ///< "carousel::Dense<float, 20, 1>"
    std::string make;               ///< an expression for one whose parameters are zero
    bool has_scalar = true;         ///< whether the type tells float from double
    std::string why_not_streamed{}; ///< empty if a Stream takes it
};

/// Writes single layers from their descriptions, and their parameters and states with them. What isn't a layer of the library
/// is refused with std::invalid_argument "type: …", and so is what Numbers refuses.
template <std::floating_point S>
class SingleLayers {
  public:
    explicit SingleLayers(Numbers<S> numbers) : numbers_(std::move(numbers)) {}

    Written write_single(const LayerDescription& d, const Place& at) {
        LayerValues values(d);
        if (d.type == SimpleRnnCell<S>::name)
            return simple_rnn(values, at);
        if (d.type == LstmCell<S>::name)
            return lstm<false>(values, at);
        if (d.type == LstmCell<S, true>::name)
            return lstm<true>(values, at);
        if (d.type == GruCell<S, Reset::after>::name)
            return gru(values, at);
        if (d.type == "Dense")
            return dense(values, at);
        if (d.type == "Embedding")
            return embedding(values, at);
        if (d.type == "Conv1D")
            return conv1d(values, at);
        if (d.type == "BatchNorm")
            return norm(values, at, "carousel/layer/batch_norm.hpp", {"gamma", "beta", "mean", "variance"});
        if (d.type == "LayerNorm")
            return norm(values, at, "carousel/layer/layer_norm.hpp", {"gamma", "beta"});
        if (d.type == "PReLU")
            return prelu(values, at);
        return without_parameters(values);
    }

    const Numbers<S>& numbers() const { return numbers_; }
    /// The headers of the types written so far: "carousel/layer/dense.hpp".
    const std::set<std::string>& includes() const { return includes_; }

  protected:
    Written written(const std::string& include, const std::string& type, const std::string& arguments,
                    const std::string& why_not = "") {
        includes_.insert(include);
        return {type, type + "{" + arguments + "}", true, why_not};
    }

    std::set<std::string> includes_;
    const std::string scalar_ = std::same_as<S, float> ? "float" : "double";

  private:
    Written simple_rnn(LayerValues& values, const Place& at) {
        const Activation f = function(values, "activation");
        return recurrent<SimpleRnnCell<S>>(values, at, "",
                                           f == Activation::tanh ? "" : ".activation = " + expression(f), false);
    }

    template <bool coupled>
    Written lstm(LayerValues& values, const Place& at) {
        const auto peephole = values.template get<bool>("peephole");
        const Gates gates = gates_of(values, true);
        std::string cell = peephole ? ".peephole = true" : "";
        if (!gates.member.empty())
            add(cell, gates.member);
        return recurrent<LstmCell<S, coupled>>(values, at, gates.type, cell, peephole);
    }

    Written gru(LayerValues& values, const Place& at) {
        const auto reset = values.template get<std::string>("reset");
        const Gates gates = gates_of(values, false);
        require(reset == "after" || reset == "before", "GRU", "\"reset\" is \"", reset,
                "\", expected \"after\" or \"before\"");
        if (reset == "before")
            return recurrent<GruCell<S, Reset::before>>(values, at, ", carousel::Reset::before" + gates.type,
                                                        gates.member, false);
        return recurrent<GruCell<S, Reset::after>>(
            values, at, gates.type.empty() ? "" : ", carousel::Reset::after" + gates.type, gates.member, false);
    }

    /// The cell's functions as one more argument of its template and as members of it; nothing if they are the standard ones.
    struct Gates {
        std::string type{}, member{};
    };
    Gates gates_of(LayerValues& values, bool has_output) {
        const auto is = [&](const char* name, const char* text) {
            return values.template get<std::string>(name, "") == text;
        };
        if (is("gate", FastGates::sigmoid_name) && is("candidate", FastGates::tanh_name) &&
            (!has_output || is("output", FastGates::tanh_name)))
            return {", carousel::FastGates"};
        const Activation f = function(values, "gate"), g = function(values, "candidate"),
                         h = has_output ? function(values, "output") : StandardGates::h;
        if (f == StandardGates::f && g == StandardGates::g && h == StandardGates::h)
            return {};
        return {", carousel::ChosenGates", ".gates = {.f = " + expression(f) + ", .g = " + expression(g) +
                                               (has_output ? ", .h = " + expression(h) : "") + "}"};
    }

    /// `more_types` are the template's arguments after the sizes, `cell` the cell's members.
    template <class C>
    Written recurrent(LayerValues& values, const Place& at, const std::string& more_types, const std::string& cell,
                      bool peephole) {
        const std::string type = C::name;
        const Index I = values.size("input_size"), H = values.size("hidden_size");
        const auto cell_name = values.template get<std::string>("cell");
        require(cell_name == type, type.c_str(), "it has the cell \"", cell_name,
                "\", expected the library's of its type");
        const auto reverse = values.template get<bool>("reverse");
        std::string options = reverse ? ".reverse = true" : "";
        for (const char* const rate : {"recurrent_dropout", "zoneout", "zoneout_cell"})
            if (const auto value = values.template get<double>(rate); value != 0)
                add(options, std::string(".") + rate + " = " + finite(values, rate, value));
        values.finish();
        numbers_.parameter(type, "W", C::input.count * H, I, at);
        numbers_.parameter(type, "U", recurrent_blocks<C>().count * H, H, at);
        numbers_.parameter(type, "b", biased_blocks<C>() * H, 1, at);
        if (peephole)
            numbers_.parameter(type, "P", H, C::vectors, at);
        numbers_.state(type, C::states * H, at);
        return written("carousel/layer/recurrent.hpp",
                       "carousel::" + type + "<" + scalar_ + ", " + decimal(I) + ", " + decimal(H) + more_types + ">",
                       zeros(cell.empty() && options.empty() ? "" : "{" + cell + "}", options),
                       reverse ? "it runs in reverse" : "");
    }

    Written dense(LayerValues& values, const Place& at) {
        const Index I = values.size("input_size"), O = values.size("output_size");
        const std::string f = activation_option(values);
        values.finish();
        numbers_.parameter("Dense", "W", O, I, at);
        numbers_.parameter("Dense", "b", O, 1, at);
        return written("carousel/layer/dense.hpp",
                       "carousel::Dense<" + scalar_ + ", " + decimal(I) + ", " + decimal(O) + ">", zeros("", f));
    }

    Written embedding(LayerValues& values, const Place& at) {
        const Index vocabulary = values.size("vocabulary"), size = values.size("output_size");
        const auto padding = values.template get<Index>("padding", -1);
        values.finish();
        numbers_.parameter("Embedding", "table", size, vocabulary, at);
        return written(
            "carousel/layer/embedding.hpp", "carousel::Embedding<" + scalar_ + ">",
            zeros(decimal(vocabulary) + ", " + decimal(size), padding < 0 ? "" : ".padding = " + decimal(padding)));
    }

    Written conv1d(LayerValues& values, const Place& at) {
        const Index I = values.size("input_size"), O = values.size("output_size"), kernel = values.size("kernel"),
                    dilation = values.size("dilation"), stride = values.size("stride");
        const auto padding = values.template get<std::string>("padding");
        const std::string f = activation_option(values);
        values.finish();
        require(padding == "causal" || padding == "valid", "Conv1D", "\"padding\" is \"", padding,
                "\", expected \"causal\" or \"valid\"");
        const bool valid = padding == "valid";
        numbers_.parameter("Conv1D", "W", O, kernel * I, at);
        numbers_.parameter("Conv1D", "b", O, 1, at);
        numbers_.state("Conv1D", valid ? 0 : (kernel - 1) * dilation * I, at);
        std::string options;
        if (dilation > 1)
            add(options, ".dilation = " + decimal(dilation));
        if (stride > 1)
            add(options, ".stride = " + decimal(stride));
        if (valid)
            add(options, ".padding = carousel::Padding::valid");
        if (!f.empty())
            add(options, f);
        return written("carousel/layer/conv1d.hpp", "carousel::Conv1D<" + scalar_ + ">",
                       zeros(decimal(I) + ", " + decimal(O) + ", " + decimal(kernel), options),
                       stride > 1            ? "it has a stride"
                       : valid && kernel > 1 ? "its padding is valid"
                                             : "");
    }

    /// A BatchNorm or a LayerNorm, whose parameters have these names.
    Written norm(LayerValues& values, const Place& at, const char* file, std::initializer_list<const char*> names) {
        const std::string& type = values.description().type;
        const Index features = values.size("features");
        const auto epsilon = values.template get<double>("epsilon");
        values.finish();
        for (const char* const name : names)
            numbers_.parameter(type.c_str(), name, features, 1, at);
        return written(file, "carousel::" + type + "<" + scalar_ + ">",
                       decimal(features) + ", {.epsilon = " + finite(values, "epsilon", epsilon) + "}");
    }

    Written prelu(LayerValues& values, const Place& at) {
        const Index features = values.size("features");
        values.finish();
        numbers_.parameter("PReLU", "slope", features, 1, at);
        return written("carousel/layer/prelu.hpp", "carousel::PReLU<" + scalar_ + ">", decimal(features));
    }

    Written without_parameters(LayerValues& values) {
        const std::string& type = values.description().type;
        if (type == "Dropout") {
            const auto rate = values.template get<double>("rate");
            const auto per_sequence = values.template get<bool>("per_sequence");
            values.finish();
            return any_scalar("dropout", "Dropout",
                              finite(values, "rate", rate) + (per_sequence ? ", {.per_sequence = true}" : ""));
        }
        if (type == "Slice") {
            const Index features = values.size("features"), first = values.template get<Index>("first"),
                        count = values.size("count");
            values.finish();
            return any_scalar("slice", type,
                              decimal(features) + ", {.first = " + decimal(first) + ", .count = " + decimal(count) +
                                  "}");
        }
        if (type == "Gain") {
            const auto factor = values.template get<double>("factor");
            values.finish();
            return any_scalar("gain", type, finite(values, "factor", factor));
        }
        if (type == "Activation") {
            const Activation f = function(values, "activation");
            values.finish();
            return any_scalar("activate", "Activate", expression(f));
        }
        for (const auto& [layer, name, text] :
             {std::array{"Softmax", "over", "features"}, std::array{"LastStep", "steps", "last"},
              std::array{"FirstStep", "steps", "first"}, std::array{"BothEnds", "steps", "first and last"}})
            if (type == layer) {
                const auto said = values.template get<std::string>(name);
                values.finish();
                require(said == text, layer, "\"", name, "\" is \"", said, "\", expected \"", text, "\"");
                const bool softmax = type == "Softmax", streamed = softmax || type == "LastStep";
                return any_scalar(softmax ? "softmax" : "last_step", type, "",
                                  streamed ? "" : "there is no StreamPart for it");
            }
        require(false, type.c_str(),
                "it is no layer of the library, so a header can't name it; write the header of a "
                "model without it");
        return {};
    }

    /// A layer that has to be told its numbers' type by others.
    Written any_scalar(const std::string& file, const std::string& type, const std::string& arguments,
                       const std::string& why_not = "") {
        Written layer = written("carousel/layer/" + file + ".hpp", "carousel::" + type, arguments, why_not);
        layer.has_scalar = false;
        return layer;
    }

    /// The arguments of a layer's constructor: sizes, or a cell, and the members of its options.
    static std::string zeros(const std::string& sizes, const std::string& options) {
        return "carousel::uninitialized" + (sizes.empty() ? "" : ", " + sizes) +
               (options.empty() ? "" : ", {" + options + "}");
    }
    /// Appends to a list of members.
    static void add(std::string& members, const std::string& member) {
        members += (members.empty() ? "" : ", ") + member;
    }
    /// Of the layer's own settings one that is a function. A cell with functions of its user's doesn't say it.
    static Activation function(LayerValues& values, const char* name) {
        const auto& d = values.description();
        for (const auto& [own, value] : d.values)
            if (own == name)
                return values.activation(name, Activation::linear);
        require(false, d.type.c_str(), "\"", name, "\" isn't a function of the library");
        return Activation::linear;
    }
    static std::string activation_option(LayerValues& values) {
        const Activation f = function(values, "activation");
        return f == Activation::linear ? "" : ".activation = " + expression(f);
    }
    static std::string finite(const LayerValues& values, const char* name, double value) {
        require(is_finite(value), values.description().type.c_str(), "\"", name, "\" is ", value,
                ", expected a finite number");
        return literal(value);
    }

    Numbers<S> numbers_;
};

} // namespace carousel::detail::header
