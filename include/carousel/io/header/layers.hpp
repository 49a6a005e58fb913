// The layers of a model as C++: single ones, rows, and those with layers inside them.
#pragma once

#include "carousel/io/header/single_layers.hpp"
#include "carousel/layer/layer_row.hpp"

#include <concepts>
#include <cstddef>
#include <stdexcept>
#include <string>

namespace carousel::inline CAROUSEL_ABI::detail::header {

template <std::floating_point S>
class Layers : public SingleLayers<S> {
  public:
    using SingleLayers<S>::SingleLayers;

    /// What one of several layers refuses begins with its place: "Sequential: layer 2 (Echo): …".
    Written write(const LayerDescription& d, const Place& at) {
        if (d.type == "Sequential" || d.type == "Parallel")
            return row(d, at);
        if (d.type == "Residual")
            return residual(d, at);
        if (d.type == "Bidirectional")
            return bidirectional(d, at);
        return this->write_single(d, at);
    }

  private:
    static constexpr int deepest = 16; ///< layers inside one another, as in files that say what they are

    Written row(const LayerDescription& d, const Place& at) {
        LayerValues(d).finish(d.layers.size());
        require(!d.layers.empty(), d.type.c_str(), "it has no layers; add() some");
        require(++depth_ <= deepest, d.type.c_str(), "layers are inside one another more than ", deepest, " deep");
        std::string types, list, added, why_not;
        bool has_scalar = false;
        for (std::size_t k = 0; k < d.layers.size(); ++k) {
            const std::string number = decimal(static_cast<Index>(k));
            const Place place{at.parameters + number + "." + d.layers[k].type + ".",
                              at.layer + ".layer<" + number + ">()", "std::get<" + number + ">(" + at.state + ")",
                              at.arrays + "_" + number};
            const Written layer = instead_of<std::invalid_argument>(
                [&] { return write(d.layers[k], place); },
                [&](const auto& error) {
                    refuse_in_layer(d.type.c_str(), static_cast<Index>(k), d.layers[k].type, error.what());
                });
            (types += k > 0 ? ", " : "") += layer.type;
            (list += k == 0 ? "" : depth_ > 1 ? ", " : ",\n                         ") += layer.make;
            added += ".add(" + layer.make + ")";
            has_scalar |= layer.has_scalar;
            if (why_not.empty() && !layer.why_not_streamed.empty())
                why_not = "layer " + number + " (" + d.layers[k].type + "): " + layer.why_not_streamed;
        }
        --depth_;
        const bool branches = d.type == "Parallel";
        if (!has_scalar && branches) {
            this->includes_.insert("carousel/model/any_parallel.hpp");
            const std::string type = "carousel::AnyParallel<" + this->scalar_ + ">";
            return {type, type + "{{" + list + "}}", true, why_not};
        }
        this->includes_.insert(!has_scalar ? "carousel/model/model.hpp"
                               : branches  ? "carousel/layer/parallel.hpp"
                                           : "carousel/layer/sequential.hpp");
        // A Sequential takes its scalar from its layers, a Model is told it.
        const std::string type =
            has_scalar ? "carousel::" + d.type + "<" + types + ">" : "carousel::Model<" + this->scalar_ + ">";
        return {type, type + (has_scalar ? "{" + list + "}" : "{}" + added), true, why_not};
    }

    Written residual(const LayerDescription& d, const Place& at) {
        LayerValues(d).finish(1);
        require(++depth_ <= deepest, d.type.c_str(), "layers are inside one another more than ", deepest, " deep");
        Written inner = write(d.layers[0], {at.parameters, at.layer + ".layer()", at.state, at.arrays});
        --depth_;
        if (!inner.has_scalar) { // a Residual takes its scalar from the layer
            this->includes_.insert("carousel/model/model.hpp");
            inner.type = "carousel::AnyLayer<" + this->scalar_ + ">";
            inner.make = inner.type + "{" + inner.make + "}";
        }
        return this->written("carousel/layer/residual.hpp", "carousel::Residual<" + inner.type + ">", inner.make,
                             inner.why_not_streamed);
    }

    Written bidirectional(const LayerDescription& d, const Place& at) {
        LayerValues values(d);
        const auto merge = values.template get<std::string>("merge");
        values.finish(2);
        require(merge == "concatenate" || merge == "sum" || merge == "average", d.type.c_str(), "\"merge\" is \"",
                merge, "\", expected \"concatenate\", \"sum\" or \"average\"");
        const Written forward = write(d.layers[0], {at.parameters + "forward.", at.layer + ".forward_layer()",
                                                    at.state + "[0]", at.arrays + "_forward"});
        const Written reverse = write(d.layers[1], {at.parameters + "reverse.", at.layer + ".reverse_layer()",
                                                    at.state + "[1]", at.arrays + "_reverse"});
        require(forward.type == reverse.type, d.type.c_str(), "the layers inside are of unequal types");
        return this->written("carousel/layer/bidirectional.hpp", "carousel::Bidirectional<" + forward.type + ">",
                             forward.make + ", " + reverse.make + ", carousel::Merge::" + merge,
                             "its first output needs the last sample");
    }

    int depth_ = 0;
};

} // namespace carousel::detail::header
