// An RTNeural or AIDA-X file of a model. Needs nlohmann-json.
#pragma once

#include "carousel/io/json_text.hpp"
#include "carousel/io/rtneural/layers.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/model/fast_gates.hpp"

#include <cmath>
#include <concepts>
#include <optional>
#include <string>

namespace carousel::inline CAROUSEL_ABI::detail::rtneural {

/// The decibels whose factor is this one in the model's precision, as short as they can be written.
template <class S>
std::string decibels_of(double factor) {
    const double exact = 20 * std::log10(factor);
    for (double scale = 1; scale <= 1e12; scale *= 10)
        if (const double rounded = std::round(exact * scale) / scale;
            static_cast<S>(factor_of(rounded)) == static_cast<S>(factor))
            return json_number(rounded);
    return json_number(exact);
}

/// Takes the layers of a model one by one. What the format can't say is refused with std::invalid_argument
/// "where: layer 1 (Embedding): …".
template <class S>
class Writer {
  public:
    /// `input` features are given to the model.
    Writer(const char* where, Index input) : where_(where), input_(input) {}

    /// A Model or a Sequential, also one inside another.
    template <class Row>
    void add_row(const Row& row) {
        row.each_layer([&](std::size_t k, const auto& layer) {
            const std::string outside = place_;
            place_ += "layer " + std::to_string(k) + " (" + layer.name() + "): ";
            add(layer);
            place_ = outside;
        });
    }

    /// The file, after all layers.
    std::string text(const Metadata& metadata) const {
        allow(count_ > 0, "the model has no layers that a file could have");
        std::string text = R"({"in_shape": )" + shape(input_);
        if (skip_)
            text += R"(, "in_skip": 1)";
        if (input_gain_)
            text += R"(, "in_gain": )" + decibels_of<S>(*input_gain_);
        if (output_gain_)
            text += R"(, "out_gain": )" + decibels_of<S>(*output_gain_);
        text += R"(, "layers": [)" + layers_ + "]";
        const std::string rate = json_sample_rate(metadata, where_);
        std::string members = json_members(metadata, {"sample_rate", "samplerate"}, {"esr"}, where_);
        if (!rate.empty())
            members += (members.empty() ? "" : ", ") + (R"("samplerate": )" + rate);
        return text + (members.empty() ? "" : R"(, "metadata": {)" + members + "}") + "}\n";
    }

  private:
    template <class... Parts>
    void allow(bool holds, const Parts&... parts) const {
        if (!holds)
            require(false, where_, place_, parts...);
    }

    void add(const AnyLayer<S>& layer) {
        const bool known = add_if_one_of<Dense<S>, LSTM<S>, GRU<S>, GRU<S, Dynamic, Dynamic, Reset::before>,
                                         SimpleRNN<S>, Conv1D<S>, BatchNorm<S>, PReLU<S>, Activate, Softmax, Gain,
                                         Dropout, LastStep, Residual<Model<S>>, Model<S>>(layer);
        allow(known, no_such_layer, ", or its sizes are known at compile time; make it with sizes at run time",
              fast_gates_advice(layer));
    }
    template <class... Layers>
    bool add_if_one_of(const AnyLayer<S>& any) {
        const auto add_if = [&](const auto* layer) {
            if (layer)
                add(*layer);
            return layer != nullptr;
        };
        return (add_if(any.template target<Layers>()) || ...);
    }

    template <class L>
    void add(const L& layer) {
        if constexpr (requires { layer.each_layer([](std::size_t, const auto&) {}); })
            add_row(layer);
        else
            allow(false, no_such_layer);
    }

    void add(const Dropout&) {} // acts in training alone
    /// RTNeural gives the outputs of all steps: what this layer gives is the last. A later layer that looks back at other steps
    /// would see them all.
    void add(const LastStep&) { last_step_ = true; }
    void allow_past() const {
        allow(!last_step_,
              "it comes after LastStep and is given one step; RTNeural has no LastStep and gives it all steps");
    }

    template <class L>
    void add(const Residual<L>& residual) {
        if (count_ == 1 && knob_gain_) { // as model_of makes it of in_gain
            check_gain("the gain before it", *knob_gain_);
            input_gain_ = knob_gain_;
            layers_.clear();
            count_ = 0;
        }
        allow(count_ == 0 && !skip_, "RTNeural's JSON can add the model's input to its output alone");
        skip_ = true;
        inside_ = true;
        add(residual.layer());
        inside_ = false;
        allow(count_ > 0 && output_ == 1, "it gives ", output_, " features, expected 1 for in_skip");
    }

    void add(const Gain& gain) {
        check_gain("the factor", gain.factor());
        allow(count_ > 0 || input_ <= 1, "it scales all ", input_,
              " features of the model's input, RTNeural's in_gain the first alone");
        auto& place = count_ == 0 ? input_gain_ : output_gain_;
        allow(!inside_ && !place, "RTNeural's JSON has a gain of the model's input and one of its output alone");
        place = gain.factor();
    }
    void check_gain(const char* what, double factor) const {
        allow(factor > 0 && std::abs(20 * std::log10(factor)) <= most_gain, what, " is ", factor, ", expected what ",
              -most_gain, " to ", most_gain, " dB give");
    }

    /// RTNeural's elementwise functions, or its prelu of one slope.
    void add(const Activate& layer) {
        const Activation& f = layer.activation();
        if (f.kind() != Activation::Kind::leaky_relu || f != f.unclipped())
            put_function(activation_name(f));
        else {
            allow(count_ > 0, needs_features);
            put("prelu", output_, "", "", "[[" + json_number(f.alpha()) + "]]");
        }
    }
    void add(const Softmax&) { put_function("softmax"); }
    void put_function(const std::string& name) {
        allow(count_ > 0, needs_features);
        put("activation", output_, name, "", "");
    }

    template <Index I, Index O>
    void add(const Dense<S, I, O>& dense) {
        const Matrix<S>&W = checked("W", dense.W(), dense.output_size(), dense.input_size()),
              &b = checked("b", dense.b(), dense.output_size(), 1);
        const Index n = W.rows();
        if (count_ == 0 && n > 1 && n <= most_with_gain && W.cols() == n && W(0, 0) > 0 && b.isZero(0) &&
            dense.options().activation == Activation::linear) {
            Matrix<S> gain = Matrix<S>::Identity(n, n);
            gain(0, 0) = W(0, 0);
            if (W == gain)
                knob_gain_ = static_cast<double>(W(0, 0));
        }
        put("dense", n, activation_name(dense.options().activation), "",
            json_rows(W.transpose()) + ", " + json_array(b.col(0)));
    }

    void add(const Conv1D<S>& layer) {
        const auto& options = layer.options();
        allow_past();
        allow(options.padding == Padding::causal, "RTNeural's conv1d is causal, this one is valid");
        allow(options.stride == 1, "stride is ", options.stride, ", RTNeural's conv1d has 1 alone");
        const Index I = layer.input_size(), O = layer.output_size(), K = layer.kernel();
        const Matrix<S>&W = checked("W", layer.W(), O, K * I), &b = checked("b", layer.b(), O, 1);
        std::string kernel;
        for (Index k = 0; k < K; ++k)
            kernel += (k > 0 ? ", " : "") + json_rows(W.middleCols(k * I, I).transpose());
        put("conv1d", O, activation_name(options.activation),
            R"(, "kernel_size": [)" + decimal(K) + R"(], "dilation": [)" + decimal(options.dilation) +
                R"(], "groups": 1)",
            "[" + kernel + "], " + json_array(b.col(0)));
    }

    void add(const BatchNorm<S>& layer) {
        const Index n = layer.input_size();
        const auto numbers = [&](const char* name, const Parameter<S>& parameter) {
            return json_array(checked(name, parameter, n, 1).col(0));
        };
        put("batchnorm", n, "", R"(, "epsilon": )" + json_number(layer.options().epsilon),
            numbers("gamma", layer.gamma()) + ", " + numbers("beta", layer.beta()) + ", " +
                numbers("mean", layer.mean()) + ", " + numbers("variance", layer.variance()));
    }

    void add(const PReLU<S>& layer) {
        const Index n = layer.input_size();
        put("prelu", n, "", "", "[" + json_array(checked("slope", layer.slope(), n, 1).col(0)) + "]");
    }

    template <class C, Index I, Index H>
    void add(const Recurrent<C, I, H>& layer) {
        constexpr bool lstm = std::same_as<C, LstmCell<S>>, gru = std::same_as<C, GruCell<S>>;
        const RecurrentOptions& options = layer.options();
        allow(lstm || gru,
              "RTNeural has the LSTM and the GRU that resets after the product, with sigmoid and tanh, alone");
        allow_past();
        allow(layer.P().size() == 0, "RTNeural's lstm has no peepholes");
        allow(!options.reverse, "it runs in reverse, which RTNeural's layers don't");
        allow(options.zoneout == 0 && options.zoneout_cell == 0, "it has zoneout, which RTNeural's layers haven't");
        if constexpr (lstm || gru) {
            const Index inputs = layer.input_size(), units = layer.hidden_size();
            checked("W", layer.W(), C::input.count * units, inputs);
            checked("U", layer.U(), recurrent_blocks<C>().count * units, units);
            checked("b", layer.b(), biased_blocks<C>() * units, 1);
            const RecurrentWeights<S> weights = recurrent_weights(layer, keras_layout);
            const std::string b = json_array(weights.b.col(0));
            put(lstm ? "lstm" : "gru", units, "", "",
                json_rows(weights.W) + ", " + json_rows(weights.U) + ", " +
                    (lstm ? b : "[" + b + ", " + json_array(weights.b_recurrent.col(0)) + "]"));
        }
    }

    const Matrix<S>& checked(const char* name, const Parameter<S>& parameter, Index rows, Index columns) const {
        const Matrix<S>& value = parameter.value;
        allow(value.rows() == rows && value.cols() == columns, name, " is ", value.rows(), " x ", value.cols(),
              ", expected ", rows, " x ", columns);
        allow(value.allFinite(), name, " has a number that isn't finite, which JSON can't say");
        return value;
    }

    std::string activation_name(const Activation& f) const {
        for (const std::string_view name : activations)
            if (name != "softmax" && activation_of(std::string(name)) == f)
                return std::string(name);
        allow(false, "RTNeural hasn't the activation ", description(f));
        return "";
    }

    void put(const std::string& type, Index output, const std::string& activation, const std::string& more,
             const std::string& weights) {
        allow(inside_ || !skip_, "RTNeural's JSON can add the model's input to its output alone");
        allow(!output_gain_, "RTNeural's JSON has a gain of the model's input and one of its output alone");
        layers_ += (count_++ > 0 ? ",\n" : "\n") + (R"({"type": ")" + type) + R"(", "activation": ")" + activation +
                   R"(", "shape": )" + shape(output) + more + R"(, "weights": [)" + weights + "]}";
        output_ = output;
    }
    static std::string shape(Index features) { return "[null, null, " + decimal(features) + "]"; }

    static constexpr const char* no_such_layer = "RTNeural's JSON has no such layer";
    static constexpr const char* needs_features =
        "RTNeural's JSON needs a layer before it that says how many features there are";

    const char* where_;
    Index input_; ///< features that the model is given; 0: its layers take any number
    std::string place_, layers_;
    bool last_step_ = false;             ///< there was a LastStep
    Index count_ = 0, output_ = 0;       ///< layers in the file so far, features that the last gives
    bool skip_ = false, inside_ = false; ///< there is a Residual; its layers are being added
    std::optional<double> input_gain_, output_gain_, knob_gain_;
};

} // namespace carousel::detail::rtneural
