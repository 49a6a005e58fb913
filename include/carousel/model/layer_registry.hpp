// LayerRegistry: makes layers from their descriptions, as a file has them.
#pragma once

#include "carousel/model/layer_values.hpp"
#include "carousel/model/library_layers.hpp"

#include <functional>
#include <initializer_list>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace carousel::inline CAROUSEL_ABI {

/// Knows how a layer of each type is made: of the library's from the start, of others after add(). The layers have
/// parameters that are zero.
///
///     LayerRegistry<float> registry;
///     registry.add("Echo", [](const LayerDescription& description, const LayerRegistry<float>&) {
///         LayerValues values(description);
///         const Echo echo{values.size("delay")};
///         values.finish();
///         return AnyLayer<float>(echo);
///     });
///
/// A layer is described by its name(), each_option, each_setting and each_inner (describe()).
template <std::floating_point S>
class LayerRegistry {
  public:
    /// Makes a layer from its description; the registry makes the layers inside.
    using Make = std::function<AnyLayer<S>(const LayerDescription&, const LayerRegistry&)>;

    /// Knows the library's own layers.
    LayerRegistry();

    /// Layers of this type are made so from now on.
    void add(std::string type, Make make) { makes_.insert_or_assign(std::move(type), std::move(make)); }

    /// The same registry for layers of at most so many parameters together: those that the file of a model can have.
    LayerRegistry limited_to(Index parameters) const {
        LayerRegistry limited = *this;
        limited.left_ = std::make_shared<Index>(parameters);
        return limited;
    }
    /// For who makes a layer, before memory is taken: it has at least so many parameters as the product of these sizes.
    /// Throws std::invalid_argument if a size is below 1, or if that is more than the layers made so far leave.
    void require_room(const LayerDescription& description, std::initializer_list<Index> sizes) const {
        const Index left = left_ ? *left_ : std::numeric_limits<Index>::max();
        Index parameters = 1;
        for (const Index size : sizes) {
            require(size >= 1, description.type.c_str(), "a size is ", size, ", expected at least 1");
            require(size <= left / parameters, description.type.c_str(),
                    "more parameters were described than the file has numbers");
            parameters *= size;
        }
        if (left_)
            *left_ -= parameters;
    }

    /// Throws std::invalid_argument "LayerRegistry: layer 2 (LSTM): …" if a type is unknown or a value is missing, of a
    /// wrong kind, out of its range or unknown.
    AnyLayer<S> make(const LayerDescription& description) const {
        const auto found = makes_.find(description.type);
        require(found != makes_.end(), "LayerRegistry", "no layer has the type \"", description.type,
                "\"; add() says how it is made");
        return found->second(description, *this);
    }
    /// Of a row of layers, type "Sequential".
    Model<S> make_model(const LayerDescription& description) const {
        require(description.type == "Sequential", "LayerRegistry", "the model is of type \"", description.type,
                "\", expected \"Sequential\"");
        return Model<S>(row(description));
    }

  private:
    /// The layers inside this one, which says nothing else.
    std::vector<AnyLayer<S>> row(const LayerDescription& description) const {
        LayerValues(description).finish(description.layers.size());
        std::vector<AnyLayer<S>> layers;
        for (std::size_t k = 0; k < description.layers.size(); ++k)
            layers.push_back(detail::instead_of<std::invalid_argument>(
                [&] { return make(description.layers[k]); },
                [&](const std::invalid_argument& error) {
                    detail::refuse_in_layer("LayerRegistry", static_cast<Index>(k), description.layers[k].type,
                                            error.what());
                }));
        return layers;
    }

    /// f(layer) with the recurrent layer of this description.
    template <class F>
    AnyLayer<S> with_recurrent(const LayerDescription& d, F&& f) const;
    void add_recurrent();
    AnyLayer<S> bidirectional(const LayerDescription& d) const;

    /// A layer that says one thing of itself, and always the same.
    template <class L>
    void add_said(const char* type, L layer, const char* name, const char* text) {
        add(type, [=](const LayerDescription& d, const LayerRegistry&) {
            LayerValues values(d);
            choice(values, name, text);
            values.finish();
            return AnyLayer<S>(layer);
        });
    }

    /// Which of these texts the value is, from 0.
    template <class... Texts>
    static Index choice(LayerValues& values, const char* name, const Texts*... texts) {
        const auto text = values.template get<std::string>(name);
        Index k = 0, found = -1;
        std::string all;
        ((found = text == texts ? k : found, ++k, all += std::string(all.empty() ? "" : " or ") + "\"" + texts + "\""),
         ...);
        require(found >= 0, values.description().type.c_str(), "\"", name, "\" is \"", text, "\", expected ", all);
        return found;
    }

    std::map<std::string, Make> makes_;
    std::shared_ptr<Index> left_; ///< parameters that layers may still have; null: any number
};

#ifdef CAROUSEL_COMPILED
extern template class LayerRegistry<float>;
extern template class LayerRegistry<double>;
#endif

} // namespace carousel

#ifdef CAROUSEL_TEMPLATES
#    include "carousel/model/layer_makers.hpp" // how the library's layers are made
#endif
