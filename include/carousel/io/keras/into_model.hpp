// Keras weights put into a model that is there already, layer by layer.
#pragma once

#include "carousel/io/byte_source.hpp"
#include "carousel/io/keras/file.hpp"
#include "carousel/io/keras/spec.hpp"
#include "carousel/io/keras/variables.hpp"
#include "carousel/layer/bidirectional.hpp"
#include "carousel/model/model.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace carousel::inline CAROUSEL_ABI::detail::keras {

/// The Keras class whose weights a cell can take; null if there is none.
template <class S, bool coupled, class Gates>
const char* class_of(const LstmCell<S, coupled, Gates>& cell, RecurrentSpec& spec) {
    spec.cell = RecurrentSpec::Cell::lstm;
    return coupled || cell.peephole ? nullptr : "LSTM";
}
template <class S, Reset reset, class Gates>
const char* class_of(const GruCell<S, reset, Gates>&, RecurrentSpec& spec) {
    spec.cell = reset == Reset::after ? RecurrentSpec::Cell::gru_after : RecurrentSpec::Cell::gru_before;
    return "GRU";
}
template <class S>
const char* class_of(const SimpleRnnCell<S>&, RecurrentSpec& spec) {
    spec.cell = RecurrentSpec::Cell::simple;
    return "SimpleRNN";
}

/// Fills the layers of a model one after the other with the weights of a file's layers: the next in the list of an .h5 file, or
/// the next of the same class in a .weights.h5 file, which has no other order.
template <class S>
class LayerFiller {
  public:
    LayerFiller(const Input& input, KerasFile& file) : input_(input), file_(file), names_(file.weighted_layers()) {}

    /// Throws std::runtime_error, naming the layer, if the file has no weights for it or they don't fit.
    void fill(std::size_t k, AnyLayer<S>& layer) {
        bool any = false;
        layer.each_parameter([&](const std::string&, const Parameter<S>&) { any = true; });
        if (!any)
            return;
        label_ = "layer " + decimal(static_cast<Index>(k)) + " (" + layer.name() + "): ";
        const bool filled =
            fill_other(layer) || fill_recurrent<LstmCell<S>>(layer) ||
            fill_recurrent<LstmCell<S, false, ChosenGates>>(layer) || fill_recurrent<GruCell<S, Reset::after>>(layer) ||
            fill_recurrent<GruCell<S, Reset::after, ChosenGates>>(layer) ||
            fill_recurrent<GruCell<S, Reset::before>>(layer) ||
            fill_recurrent<GruCell<S, Reset::before, ChosenGates>>(layer) || fill_recurrent<SimpleRnnCell<S>>(layer);
        input_.check(filled, label_,
                     "Keras has no layer whose weights it could take, or its sizes are known at compile time; "
                     "make it with sizes at run time");
    }

    /// Throws std::runtime_error if the file has weights for more layers.
    void finish() {
        if (file_.by_name())
            input_.check(next_ == names_.size(), "it has weights for ", names_.size(), " layers, the model has ", next_,
                         " that have any");
        else {
            const std::vector<std::string> classes{
                "LSTM",      "GRU",    "SimpleRNN",          "Bidirectional",      "Dense", "TimeDistributed",
                "Embedding", "Conv1D", "BatchNormalization", "LayerNormalization", "PReLU"};
            for (const std::string& name : classes) {
                const auto used = used_.find(name);
                const Index count = used == used_.end() ? 0 : used->second;
                input_.check(file_.count(name) == count, "it has weights for ", file_.count(name), " layers of class ",
                             name, ", the model has ", count);
            }
            const auto others = file_.weighted_groups_except(classes);
            input_.check(others.empty(), "it has weights in ", others.empty() ? "" : others.front(),
                         ", which no layer of the model takes");
        }
    }

  private:
    /// The variables of the file's next layer of this class, which are so many, or fewer if it is one without a bias or a
    /// normalization alone.
    template <class LayerSpec>
    std::vector<NamedTensor> variables(const char* class_name, LayerSpec& spec) {
        LayerDescription description{{}, class_name, used_[class_name], label_, false, spec};
        if (file_.by_name()) {
            input_.check(next_ < names_.size(), label_, "the file has no weights for it, but for ", names_.size(),
                         " layers before it");
            description.name = names_[next_++];
        } else if (description.class_name == "Dense" && file_.count("Dense") == 0) {
            description.class_name = "TimeDistributed";
            description.wrapped = true;
            description.number = used_["TimeDistributed"];
        }
        ++used_[description.class_name];
        if (const std::size_t count = file_.variable_count(description); count < variable_count(description)) {
            take_fewer(spec, count);
            description.spec = spec;
        }
        return file_.variables(description);
    }
    static void take_fewer(BidirectionalSpec& spec, std::size_t) { spec.forward.bias = false; }
    static void take_fewer(EmbeddingSpec&, std::size_t) {}
    static void take_fewer(LayerNormSpec&, std::size_t) {}
    static void take_fewer(PReluSpec&, std::size_t) {}
    static void take_fewer(BatchNormSpec& spec, std::size_t count) {
        if (count == 2) // mean and variance; three may be with the scale or with the center
            spec.scale = spec.center = false;
    }
    template <class LayerSpec>
    static void take_fewer(LayerSpec& spec, std::size_t) {
        spec.bias = false;
    }

    /// An L takes the variables of the file's next layer of this class, of which spec_of(layer) says how they are. False: it is no L.
    template <class L, class SpecOf>
    bool fill_one(AnyLayer<S>& layer, const char* class_name, const SpecOf& spec_of) {
        L* const one = layer.template target<L>();
        if (!one)
            return false;
        auto spec = spec_of(*one);
        const auto found = variables(class_name, spec);
        const LayerVariables from(input_, label_, found);
        from.inputs(spec, one->input_size());
        if constexpr (requires { from.fill(*one, spec); })
            from.fill(*one, spec);
        else
            from.fill(*one);
        return true;
    }
    bool fill_other(AnyLayer<S>& layer) {
        return fill_one<Dense<S>>(layer, "Dense",
                                  [](auto& l) {
                                      return DenseSpec{l.output_size(), {}};
                                  }) ||
               fill_one<Conv1D<S>>(layer, "Conv1D",
                                   [](auto& l) {
                                       return Conv1DSpec{l.output_size(), l.kernel()};
                                   }) ||
               fill_one<Embedding<S>>(layer, "Embedding",
                                      [](auto& l) {
                                          return EmbeddingSpec{l.vocabulary(), l.output_size()};
                                      }) ||
               fill_one<BatchNorm<S>>(layer, "BatchNormalization",
                                      [](auto& l) { return BatchNormSpec{l.options().epsilon}; }) ||
               fill_one<LayerNorm<S>>(layer, "LayerNormalization",
                                      [](auto& l) { return LayerNormSpec{l.options().epsilon}; }) ||
               fill_one<PReLU<S>>(layer, "PReLU", [](auto&) { return PReluSpec{}; });
    }
    template <Cell C>
    bool fill_recurrent(AnyLayer<S>& layer) {
        if (auto* const one = layer.template target<Recurrent<C>>()) {
            RecurrentSpec spec{{}, one->hidden_size()};
            spec.stateful = true; // it may have been: an .h5 file then has its state after its weights
            const char* const class_name = class_of(one->cell(), spec);
            if (!class_name)
                return false;
            const auto found = variables(class_name, spec);
            const LayerVariables from(input_, label_, found);
            from.inputs(spec, one->input_size());
            from.fill(*one);
            return true;
        }
        if (auto* const both = layer.template target<Bidirectional<Recurrent<C>>>()) {
            BidirectionalSpec spec{{}, {{}, both->forward_layer().hidden_size()}};
            spec.forward.stateful = true;
            if (!class_of(both->forward_layer().cell(), spec.forward))
                return false;
            const auto found = variables("Bidirectional", spec);
            const LayerVariables from(input_, label_, found);
            from.inputs(spec, both->input_size());
            from.forward().fill(both->forward_layer());
            from.backward().fill(both->reverse_layer());
            return true;
        }
        return false;
    }

    const Input& input_;
    KerasFile& file_;
    std::vector<std::string> names_; // of the file's layers that have weights, in order, where it has their names
    std::size_t next_ = 0;
    std::map<std::string, Index> used_; // how many layers of each class
    std::string label_;
};

} // namespace carousel::detail::keras
