// The architecture line of a model.
#pragma once

#include "carousel/io/pytorch/architecture.hpp"
#include "carousel/io/pytorch/walk.hpp"

#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail {

/// The step of a function; empty if PyTorch has none like it.
inline std::string torch_function(const Activation& f) {
    const auto with_argument = [](const char* name, double value) {
        return std::string(name) + "(" + shortest(value) + ")";
    };
    if (f == Activation::relu)
        return "ReLU";
    if (f == Activation::relu.clipped(6))
        return "ReLU6";
    if (f == Activation::tanh)
        return "Tanh";
    if (f == Activation::sigmoid)
        return "Sigmoid";
    if (f == Activation::hard_sigmoid(1.0 / 6, 0.5))
        return "Hardsigmoid";
    if (f == Activation::linear.clipped(1))
        return "Hardtanh";
    if (f == Activation::softsign)
        return "Softsign";
    if (f == Activation::softplus)
        return "Softplus";
    if (f == Activation::leaky_relu(f.alpha() >= 0 ? f.alpha() : 0))
        return with_argument("LeakyReLU", f.alpha());
    if (f == Activation::elu(f.alpha() >= 0 ? f.alpha() : 0))
        return with_argument("ELU", f.alpha());
    return f == Activation::linear ? "Identity" : "";
}

/// Writes the line of a model's layers, whose modules are called `names` (as torch_tensors has them).
class TorchDescription {
  public:
    template <class Model>
    TorchDescription(const Model& model, const std::vector<std::string>& names) : names_(names) {
        add(model, "");
    }

    /// Empty if the line can't say what the model does.
    std::string line() const { return known_ ? joined() : ""; }

  private:
    static constexpr std::size_t none = static_cast<std::size_t>(-1);

    template <class L>
    void add(const L& layer, const std::string& path) {
        if constexpr (requires { layer.each_layer([](std::size_t, const auto&) {}); })
            layer.each_layer([&](std::size_t k, const auto& inner) {
                add(inner, path + (path.empty() ? "" : ".") + std::to_string(k));
            });
        else if constexpr (is_any_layer<L>)
            known_ =
                with_any_target<typename L::Scalar>(layer, [&](const auto& inside) { add(inside, path); }) && known_;
        else if constexpr (is_residual<L>) {
            std::vector<std::string> outer;
            std::swap(outer, steps_);
            stack_ = none;
            add(layer.layer(), path);
            const std::string inner = joined();
            steps_ = std::move(outer);
            steps_.push_back("residual(" + inner + ")");
            stack_ = none;
        } else if constexpr (HasTorchLayer<L>)
            add_module(layer, path);
        else
            add_function(layer);
    }

    std::string joined() const {
        std::string line;
        for (const std::string& step : steps_)
            line += (line.empty() ? "" : ", ") + step;
        return line;
    }

    template <class L>
    void add_module(const L& layer, const std::string& path) {
        const LayerNeed need = TorchLayer<L>::need(layer);
        const bool recurrent = need.kind == TorchKind::recurrent;
        const std::string name = names_.empty() ? path : k_ < names_.size() ? names_[k_] : "";
        if (recurrent && k_ > 0 && name == last_name_)
            return ++k_, add_level();
        ++k_;
        last_name_ = name;
        for (const char c : name)
            known_ = known_ && TorchArchitecture::is_name(c);
        if (recurrent) {
            stack_ = steps_.size();
            levels_ = 1;
        }
        steps_.push_back((name.empty() ? "" : name + ": ") + module_type(need) + "(" + arguments(layer, need) + ")");
        if constexpr (requires { layer.options().activation; })
            if (layer.options().activation != Activation::linear)
                function(layer.options().activation);
    }

    /// A further level of a recurrent module: the module's step stands for it, and for a Dropout before it, which every
    /// further level must have or none.
    void add_level() {
        const std::string start = "Dropout(";
        known_ = known_ && stack_ < steps_.size() && steps_.size() - stack_ <= 2;
        if (!known_)
            return;
        const std::string between = stack_ + 1 < steps_.size() ? steps_.back() : "";
        steps_.resize(stack_ + 1);
        if (++levels_ > 2) {
            known_ = between == between_levels_;
            return;
        }
        between_levels_ = between;
        known_ = between.empty() || between.starts_with(start);
        if (between.starts_with(start))
            steps_.back().replace(steps_.back().size() - 1, 1, ", dropout=" + between.substr(start.size()));
    }

    static std::string module_type(const LayerNeed& need) {
        if (need.kind == TorchKind::recurrent)
            return recurrent_class(need.gates);
        if (need.kind == TorchKind::batch_norm)
            return "BatchNorm1d";
        if (need.kind == TorchKind::layer_norm)
            return "LayerNorm";
        if (need.kind == TorchKind::prelu)
            return "PReLU";
        return need.kind == TorchKind::convolution ? "Conv1d" : need.embedding ? "Embedding" : "Linear";
    }

    template <class L>
    static std::string arguments(const L& layer, const LayerNeed& need) {
        if constexpr (requires { layer.options().epsilon; })
            return std::to_string(need.input) + ", eps=" + shortest(layer.options().epsilon);
        if (need.kind == TorchKind::prelu)
            return std::to_string(need.input);
        std::string text = std::to_string(need.input) + ", " + std::to_string(need.output);
        if constexpr (requires { layer.kernel(); }) {
            const Conv1DOptions& options = layer.options();
            text += ", " + std::to_string(layer.kernel()) + ", stride=" + std::to_string(options.stride) +
                    ", padding=" + (options.padding == Padding::causal ? "'causal'" : "0") +
                    ", dilation=" + std::to_string(options.dilation);
        }
        if constexpr (requires { layer.vocabulary(); })
            if (layer.options().padding)
                text += ", padding_idx=" + std::to_string(static_cast<Index>(*layer.options().padding));
        return text + (is_relu_rnn(layer) ? ", nonlinearity='relu'" : "") +
               (need.bidirectional.value_or(false) ? ", bidirectional=True" : "");
    }

    template <class L>
    void add_function(const L& layer) {
        if constexpr (std::same_as<L, LastStep>)
            steps_.push_back("last");
        else if constexpr (std::same_as<L, BothEnds>)
            steps_.push_back("both_ends");
        else if constexpr (std::same_as<L, Softmax>)
            steps_.push_back("Softmax");
        else if constexpr (std::same_as<L, Activate>)
            function(layer.activation());
        else if constexpr (std::same_as<L, Dropout>)
            steps_.push_back("Dropout(" + shortest(layer.rate()) + ")");
        else
            known_ = false;
    }

    void function(const Activation& f) {
        steps_.push_back(torch_function(f));
        known_ = known_ && !steps_.back().empty();
    }

    const std::vector<std::string>& names_;
    std::size_t k_ = 0; // of names_
    std::string last_name_;
    std::vector<std::string> steps_;
    std::size_t stack_ = none; // the step of the last recurrent module
    int levels_ = 0;           // of that
    std::string between_levels_;
    bool known_ = true;
};

} // namespace carousel::detail
