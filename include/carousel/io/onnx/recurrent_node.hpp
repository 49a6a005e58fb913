// RNN, LSTM and GRU nodes as stages: all attributes that the operators have (https://onnx.ai/onnx/operators, opset 22).
#pragma once

#include "carousel/io/onnx/attributes.hpp"
#include "carousel/io/onnx/chain.hpp"

#include <cctype>

namespace carousel::inline CAROUSEL_ABI::detail::onnx {

inline bool is_recurrent(const Node& node) {
    return node.op_type == "RNN" || node.op_type == "LSTM" || node.op_type == "GRU";
}

/// The inputs of a recurrent node. X is 0.
enum RecurrentInput { input_W = 1, input_R, input_B, input_lengths, input_h, input_c, input_P };

class RecurrentNode {
  public:
    /// `constants`: of each input its constant, null if it is left out; unknown (std::monostate) if it isn't one. Throws
    /// std::runtime_error if it isn't a node that the layers can be, or if its stages take too much memory.
    RecurrentNode(const Source& source, const Node& node, std::vector<const Constant*> constants, Budget& budget)
        : source_(source), node_(node), budget_(budget), attributes_(source, node), inputs_(std::move(constants)) {
        inputs_.resize(std::max<std::size_t>(inputs_.size(), input_P + 1), nullptr);
        using Kind = RecurrentStage::Kind;
        stage_.kind = node.op_type == "LSTM" ? Kind::lstm : node.op_type == "GRU" ? Kind::gru : Kind::rnn;
        read();
    }

    std::vector<RecurrentStage> take_directions() { return std::move(directions_); }
    /// Whether X is (batch, time, features) and not (time, batch, features).
    bool batch_first() const { return batch_first_; }

  private:
    template <class... Parts>
    void check(bool holds, const Parts&... parts) const {
        if (!holds) [[unlikely]]
            source_.refuse(describe(node_), ": ", parts...);
    }

    void read() {
        const std::string_view direction = attributes_.text("direction", "forward");
        check(is(direction, "forward") || is(direction, "reverse") || is(direction, "bidirectional"), "direction is ",
              in_quotes(direction), ", expected forward, reverse or bidirectional");
        const std::size_t D = is(direction, "bidirectional") ? 2 : 1;
        const std::int64_t layout = attributes_.integer("layout", 0);
        check(layout == 0 || layout == 1, "layout is ", layout, ", expected 0 or 1");
        batch_first_ = layout == 1;

        const Array<double>&W = weights(input_W, "W"), &R = weights(input_R, "R");
        check(W.rank() == 3 && R.rank() == 3, "W and R have ", W.rank(), " and ", R.rank(),
              " dimensions, expected 3 each");
        const std::int64_t G = stage_.gates(), H = R.dims[2], rows = W.dims[1], I = W.dims[2];
        check(H >= 1 && I >= 1 && H <= INT32_MAX / 8 && rows == G * H && R.dims[1] == G * H &&
                  W.dims[0] == static_cast<std::int64_t>(D) && R.dims[0] == W.dims[0],
              "W is ", shape_text(W.dims), " and R ", shape_text(R.dims), ", expected ", D, " x ", G,
              "·hidden x input and ", D, " x ", G, "·hidden x hidden");
        const std::int64_t hidden_size = attributes_.integer("hidden_size", H);
        check(hidden_size == H, "hidden_size is ", hidden_size, ", but R has ", H, " units");
        stage_.input = I, stage_.hidden = H;
        stage_.coupled = stage_.kind == RecurrentStage::Kind::lstm && attributes_.integer("input_forget", 0) != 0;
        stage_.reset_after =
            stage_.kind == RecurrentStage::Kind::gru && attributes_.integer("linear_before_reset", 0) != 0;

        const std::vector<Activation> functions = read_functions(D);
        const std::size_t per_direction = functions.size() / D;
        const Array<double>*B = optional_weights(input_B, "B", D, 2 * G * H),
              *P = stage_.kind == RecurrentStage::Kind::lstm ? optional_weights(input_P, "P", D, 3 * H) : nullptr;
        for (const Array<double>* a : {&W, &R, B, P}) // the directions get a copy
            if (a)
                budget_.take(a->dims, sizeof(double));
        for (std::size_t d = 0; d < D; ++d) {
            RecurrentStage s = stage_;
            s.reverse = is(direction, "reverse") || d == 1;
            const auto part = [](const Array<double>& a, std::size_t parts, std::size_t k = 0) {
                const auto size = static_cast<std::ptrdiff_t>(a.data.size() / parts);
                const auto begin = a.data.begin() + size * static_cast<std::ptrdiff_t>(k);
                return std::vector<double>(begin, begin + size);
            };
            s.W = part(W, D, d);
            s.R = part(R, D, d);
            if (B) {
                s.b = part(*B, 2 * D, 2 * d);
                s.b_recurrent = part(*B, 2 * D, 2 * d + 1);
            }
            if (P) { // i, o, f
                const std::vector<double> all = part(*P, D, d);
                const auto h = static_cast<std::ptrdiff_t>(H);
                s.P.assign(all.begin(), all.begin() + h);
                s.P.insert(s.P.end(), all.begin() + 2 * h, all.end());
                s.P.insert(s.P.end(), all.begin() + h, all.begin() + 2 * h);
            }
            const auto first = functions.begin() + static_cast<std::ptrdiff_t>(d * per_direction);
            s.functions.assign(first, first + static_cast<std::ptrdiff_t>(per_direction));
            if (s.kind == RecurrentStage::Kind::lstm) // clip cuts what the gates are functions of, and not c
                s.functions[2] = s.functions[2].unclipped();
            directions_.push_back(std::move(s));
        }
        read_state(input_h, "initial_h", D, &RecurrentStage::h);
        if (stage_.kind == RecurrentStage::Kind::lstm)
            read_state(input_c, "initial_c", D, &RecurrentStage::c);
        for (RecurrentStage& s : directions_) // the other part of a state that is given
            if (s.kind == RecurrentStage::Kind::lstm && s.h.size() != s.c.size()) {
                check(s.h.empty() || s.c.empty(), "initial_h is of ", s.h.size() / static_cast<std::size_t>(H),
                      " sequences and initial_c of ", s.c.size() / static_cast<std::size_t>(H));
                (s.h.empty() ? s.h : s.c).assign(std::max(s.h.size(), s.c.size()), 0.0);
            }
    }

    static bool is(std::string_view a, std::string_view b) { // ONNX Runtime takes any case
        return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                          [](unsigned char x, unsigned char y) { return std::tolower(x) == std::tolower(y); });
    }

    static std::string shape_text(const Dims& dims) {
        std::string text;
        for (const std::int64_t dim : dims)
            text += (text.empty() ? "" : " x ") + decimal(dim);
        return text;
    }

    const Array<double>& weights(RecurrentInput k, const char* name) const {
        const Reals* reals = inputs_[k] ? std::get_if<Reals>(inputs_[k]) : nullptr;
        check(reals, name, inputs_[k] ? " isn't made of constants alone" : " is missing");
        return **reals;
    }

    const Array<double>* optional_weights(RecurrentInput k, const char* name, std::size_t D, std::int64_t size) const {
        if (!inputs_[k])
            return nullptr;
        if (const Filled* filled = std::get_if<Filled>(inputs_[k]); filled && filled->real && filled->value == 0)
            return nullptr;
        const Array<double>& a = weights(k, name);
        check(a.rank() == 2 && a.dims[0] == static_cast<std::int64_t>(D) && a.dims[1] == size, name, " is ",
              shape_text(a.dims), ", expected ", D, " x ", size);
        return &a;
    }

    /// The functions of all directions with the clip. Each takes the next of the α and β that are given, if it has one.
    std::vector<Activation> read_functions(std::size_t D) const {
        const bool lstm = stage_.kind == RecurrentStage::Kind::lstm, gru = stage_.kind == RecurrentStage::Kind::gru;
        std::vector<std::string_view> names = attributes_.texts("activations");
        const std::size_t each = lstm ? 3 : gru ? 2 : 1;
        if (names.empty())
            for (std::size_t d = 0; d < D; ++d) {
                if (lstm || gru)
                    names.push_back("Sigmoid");
                names.insert(names.end(), lstm ? 2 : 1, "Tanh");
            }
        check(names.size() == each * D, "it has ", names.size(), " activations, expected ", each * D);
        const auto alphas = attributes_.reals("activation_alpha"), betas = attributes_.reals("activation_beta");
        std::size_t alphas_used = 0, betas_used = 0;
        const double clip = attributes_.real("clip", 0);
        check(!attributes_.has("clip") || clip >= 0, "clip is ", clip, ", expected at least 0");
        std::vector<Activation> functions;
        for (const std::string_view name : names) {
            const auto alpha = [&](double otherwise) {
                return alphas_used < alphas.size() ? alphas[alphas_used++] : otherwise;
            };
            const auto beta = [&](double otherwise) {
                return betas_used < betas.size() ? betas[betas_used++] : otherwise;
            };
            const Activation f = function(name, alpha, beta);
            functions.push_back(clip > 0 ? f.clipped(clip) : f);
        }
        return functions;
    }

    template <class Alpha, class Beta>
    Activation function(std::string_view name, Alpha&& alpha, Beta&& beta) const {
        const auto slope = [&](double otherwise) {
            const double a = alpha(otherwise);
            check(a >= 0, "the alpha of ", name, " is ", a, ", expected at least 0, as the derivative needs it");
            return a;
        };
        if (is(name, "Tanh"))
            return Activation::tanh;
        if (is(name, "Sigmoid"))
            return Activation::sigmoid;
        if (is(name, "Relu"))
            return Activation::relu;
        if (is(name, "Softsign"))
            return Activation::softsign;
        if (is(name, "Softplus"))
            return Activation::softplus;
        if (is(name, "LeakyRelu"))
            return Activation::leaky_relu(slope(0.01));
        if (is(name, "ThresholdedRelu"))
            return Activation::thresholded_relu(alpha(1));
        if (is(name, "Elu"))
            return Activation::elu(slope(1));
        if (is(name, "HardSigmoid")) {
            const double a = alpha(0.2);
            return Activation::hard_sigmoid(a, beta(0.5));
        }
        if (is(name, "ScaledTanh")) {
            const double a = alpha(1);
            return Activation::scaled_tanh(a, beta(1));
        }
        check(is(name, "Affine"), "there is no activation ", in_quotes(name));
        const double a = alpha(1);
        return Activation::affine(a, beta(0));
    }

    /// An initial state that is a constant: nothing if it is all zeros, whatever its shape.
    void read_state(RecurrentInput k, const char* name, std::size_t D, std::vector<double> RecurrentStage::*to) {
        const Constant* const state = inputs_[k];
        if (!state || !is_known(*state))
            return;
        const Filled* filled = std::get_if<Filled>(state);
        if (filled) {
            check(filled->real, name, " isn't of floats");
            if (filled->value != 0)
                for (RecurrentStage& s : directions_)
                    (s.*to).assign(static_cast<std::size_t>(s.hidden), filled->value);
            return;
        }
        const Repeated* repeated = std::get_if<Repeated>(state);
        const Reals* reals = repeated ? &repeated->row : std::get_if<Reals>(state);
        check(reals, name, " isn't of floats");
        const Array<double>& a = **reals;
        if (std::all_of(a.data.begin(), a.data.end(), [](double x) { return x == 0; }))
            return;
        const auto units = static_cast<std::size_t>(stage_.hidden);
        check(a.data.size() % (D * units) == 0 && !a.data.empty() &&
                  (!a.dims.empty() && a.dims.back() == stage_.hidden),
              name, " is ", shape_text(a.dims), ", expected ", D, " x batch x ", stage_.hidden);
        budget_.take(a.dims, 2 * sizeof(double)); // of an LSTM h and c
        const std::size_t N = a.data.size() / (D * units);
        for (std::size_t d = 0; d < D; ++d)
            for (std::size_t n = 0; n < N; ++n) {
                const std::size_t row = batch_first_ ? n * D + d : d * N + n;
                const auto begin = a.data.begin() + static_cast<std::ptrdiff_t>(row * units);
                std::vector<double>& all = directions_[d].*to;
                all.insert(all.end(), begin, begin + static_cast<std::ptrdiff_t>(units));
            }
    }

    const Source& source_;
    const Node& node_;
    Budget& budget_;
    Attributes attributes_;
    std::vector<const Constant*> inputs_;
    RecurrentStage stage_;
    bool batch_first_ = false;
    std::vector<RecurrentStage> directions_;
};

} // namespace carousel::detail::onnx
