// How the normalizing layers stand in a file of PyTorch.
#pragma once

#include "carousel/io/pytorch/layers.hpp"
#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/layer_norm.hpp"

#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

template <class S>
struct TorchLayer<LayerNorm<S>> {
    using Layer = LayerNorm<S>;

    static std::string unlike(const Layer&) { return ""; }
    static std::string unsaid(const Layer&) { return ""; }
    static LayerNeed need(const Layer& layer) {
        return {.what = {}, .kind = TorchKind::layer_norm, .input = layer.input_size(), .output = layer.input_size()};
    }
    static std::string refused(const Layer&, const TorchUnit&) { return ""; }
    static void set(Layer& layer, const TorchUnit& unit) {
        layer.gamma().value = torch_matrix<S>(*unit.weight);
        layer.beta().value = torch_matrix<S>(*unit.bias);
    }
    static void tensors(const Layer& layer, const std::string& module, Index, std::vector<NamedTensor>& out) {
        out.push_back(torch_vector<S>(module + "weight", layer.gamma().value));
        out.push_back(torch_vector<S>(module + "bias", layer.beta().value));
    }
};

template <class S>
struct TorchLayer<BatchNorm<S>> {
    using Layer = BatchNorm<S>;

    static std::string unlike(const Layer&) { return ""; }
    static std::string unsaid(const Layer&) { return ""; }
    static LayerNeed need(const Layer& layer) {
        return {.what = {}, .kind = TorchKind::batch_norm, .input = layer.input_size(), .output = layer.input_size()};
    }
    static std::string refused(const Layer& layer, const TorchUnit& unit) {
        const double least = torch_matrix<double>(*unit.variance).minCoeff();
        return least + layer.options().epsilon > 0 ? ""
                                                   : "divides by the root of a variance, and \"" +
                                                         shown(unit.variance->name) + "\" has " + shortest(least);
    }
    static void set(Layer& layer, const TorchUnit& unit) {
        layer.gamma().value = torch_matrix<S>(*unit.weight);
        layer.beta().value = torch_matrix<S>(*unit.bias);
        layer.mean().value = torch_matrix<S>(*unit.mean);
        layer.variance().value = torch_matrix<S>(*unit.variance);
    }
    static void tensors(const Layer& layer, const std::string& module, Index, std::vector<NamedTensor>& out) {
        out.push_back(torch_vector<S>(module + "weight", layer.gamma().value));
        out.push_back(torch_vector<S>(module + "bias", layer.beta().value));
        out.push_back(torch_vector<S>(module + "running_mean", layer.mean().value));
        out.push_back(torch_vector<S>(module + "running_var", layer.variance().value));
    }
};

} // namespace carousel::detail
