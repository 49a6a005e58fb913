// Activation: the elementwise functions a cell or a Dense layer can be told to use, with derivatives written from the
// output. They are those of ONNX' recurrent operators, with its default parameters, and Keras' selu and exponential.
//
// selu: Klambauer et al. (2017), "Self-Normalizing Neural Networks".
#pragma once

#include "carousel/core/require.hpp"
#include "carousel/simd/elementary.hpp"

#include <limits>
#include <string>

namespace carousel::inline CAROUSEL_ABI {

/// A function and its parameters: Activation::tanh, Activation::leaky_relu(0.1), Activation::relu.clipped(6).
class Activation {
  public:
    /// Which function it is, of x and its parameters α and β.
    enum class Kind {
        linear,           // x
        tanh,             // tanh(x)
        sigmoid,          // 1 / (1 + e⁻ˣ)
        relu,             // max(0, x)
        affine,           // α·x + β
        leaky_relu,       // x where x >= 0, else α·x
        thresholded_relu, // x where x >= α, else 0
        scaled_tanh,      // α·tanh(β·x)
        hard_sigmoid,     // α·x + β, kept within 0 … 1
        elu,              // x where x >= 0, else α·(eˣ − 1)
        softsign,         // x / (1 + |x|)
        softplus,         // log(1 + eˣ)
        selu,             // λ·x where x >= 0, else λ·α·(eˣ − 1), with the paper's λ and α
        exponential       // eˣ
    };

    /// The functions without parameters.
    static const Activation linear, tanh, sigmoid, relu, softsign, softplus, selu, exponential;
    /// α·x + β.
    static constexpr Activation affine(double alpha = 1, double beta = 0) { return {Kind::affine, alpha, beta}; }
    /// Throws std::invalid_argument unless alpha >= 0: with a negative slope the derivative couldn't be told from the output.
    static Activation leaky_relu(double alpha = 0.01) {
        require(alpha >= 0, "Activation::leaky_relu", "alpha is ", alpha, ", expected alpha >= 0");
        return {Kind::leaky_relu, alpha};
    }
    /// x where x >= alpha, else 0.
    static constexpr Activation thresholded_relu(double alpha = 1) { return {Kind::thresholded_relu, alpha}; }
    /// alpha·tanh(beta·x).
    static constexpr Activation scaled_tanh(double alpha = 1, double beta = 1) {
        return {Kind::scaled_tanh, alpha, beta};
    }
    /// alpha·x + beta, kept within 0 … 1. The defaults are ONNX' and older Keras'.
    static constexpr Activation hard_sigmoid(double alpha = 0.2, double beta = 0.5) {
        return {Kind::hard_sigmoid, alpha, beta};
    }
    /// Throws std::invalid_argument unless alpha >= 0.
    static Activation elu(double alpha = 1) {
        require(alpha >= 0, "Activation::elu", "alpha is ", alpha, ", expected alpha >= 0");
        return {Kind::elu, alpha};
    }

    /// The same function of x cut to −limit … limit, ONNX' `clip`. Throws std::invalid_argument unless
    /// limit > 0.
    Activation clipped(double limit) const;
    /// The same without a limit.
    constexpr Activation unclipped() const { return {kind_, alpha_, beta_}; }

    /// What it was made of; alpha and beta are 0 where the function has none.
    constexpr Kind kind() const { return kind_; }
    constexpr double alpha() const { return alpha_; }
    constexpr double beta() const { return beta_; }
    constexpr double clip() const { return clip_; } ///< infinite: none
    friend bool operator==(const Activation&, const Activation&) = default;

    /// f(x)
    template <class V>
    [[gnu::always_inline]] V operator()(V x) const {
        const V y = value(x);
        if (clip_ == no_clip) [[likely]]
            return y;
        using Scalar = simd::scalar_of<V>;
        const V upper = V{} + Scalar(at_clip_), lower = V{} + Scalar(at_minus_clip_);
        const V below = x <= Scalar(-clip_) ? lower : y;
        return x >= Scalar(clip_) ? upper : below;
    }

    /// The derivative f′(x), from y = f(x). At a corner of f it is the derivative on one side.
    template <class V>
    [[gnu::always_inline]] V derivative(V y) const {
        const V d = value_derivative(y);
        if (clip_ == no_clip) [[likely]]
            return d;
        using Scalar = simd::scalar_of<V>;
        const V inside = y == Scalar(at_minus_clip_) ? V{} : d; // exactly what operator() cuts to
        return y == Scalar(at_clip_) ? V{} : inside;
    }

  private:
    static constexpr double no_clip = std::numeric_limits<double>::infinity();
    static constexpr double selu_slope = 1.0507009873554805;             // λ
    static constexpr double selu_at_minus_infinity = 1.7580993408473766; // λ·α, of which selu(−∞) is the negative

    constexpr Activation(Kind kind, double alpha = 0, double beta = 0) : kind_(kind), alpha_(alpha), beta_(beta) {}

    template <class V>
    [[gnu::always_inline]] V value(V x) const {
        using Scalar = simd::scalar_of<V>;
        const Scalar alpha = Scalar(alpha_), beta = Scalar(beta_), one = 1;
        switch (kind_) {
        case Kind::tanh:
            return simd::tanh(x);
        case Kind::sigmoid:
            return simd::sigmoid(x);
        case Kind::relu:
            return x < V{} ? V{} : x; // NaN stays NaN
        case Kind::affine:
            return alpha * x + beta;
        case Kind::leaky_relu:
            return x < V{} ? alpha * x : x;
        case Kind::thresholded_relu:
            return x < alpha ? V{} : x;
        case Kind::scaled_tanh:
            return alpha * simd::tanh(beta * x);
        case Kind::hard_sigmoid: {
            const V line = alpha * x + beta, low = line < V{} ? V{} : line;
            return low > one ? V{} + one : low;
        }
        case Kind::elu: {
            const V negative = x < V{} ? x : V{}, curve = alpha * simd::expm1(negative);
            return x < V{} ? curve : x;
        }
        case Kind::softsign:
            return x / (one + absolute(x));
        case Kind::softplus:
            return simd::each(
                x, [](Scalar v) __attribute__((always_inline)) {
                    return std::max(v, Scalar(0)) + std::log1p(std::exp(-std::abs(v)));
                });
        case Kind::selu: {
            const V negative = x < V{} ? x : V{}, curve = Scalar(selu_at_minus_infinity) * simd::expm1(negative);
            return x < V{} ? curve : Scalar(selu_slope) * x;
        }
        case Kind::exponential:
            return simd::exp(x);
        case Kind::linear:
            break;
        }
        return x;
    }

    template <class V>
    [[gnu::always_inline]] V value_derivative(V y) const {
        using Scalar = simd::scalar_of<V>;
        const Scalar alpha = Scalar(alpha_), beta = Scalar(beta_);
        const V one = V{} + Scalar(1);
        switch (kind_) {
        case Kind::tanh:
            return one - y * y;
        case Kind::sigmoid:
            return y * (one - y);
        case Kind::relu:
            return y > V{} ? one : V{};
        case Kind::affine:
            return V{} + alpha;
        case Kind::leaky_relu:
            return y > V{} ? one : V{} + alpha;
        case Kind::thresholded_relu:
            return y == V{} ? V{} : one;
        case Kind::scaled_tanh:
            return alpha == 0 ? V{} : beta * (alpha - y * y / alpha);
        case Kind::hard_sigmoid: {
            const V rising = y < one ? V{} + alpha : V{};
            return y > V{} ? rising : V{};
        }
        case Kind::elu:
            return y > V{} ? one : y + alpha;
        case Kind::softsign: {
            const V rest = one - absolute(y);
            return rest * rest;
        }
        case Kind::softplus:
            return -simd::expm1(-y);
        case Kind::selu: {
            const V slope = V{} + Scalar(selu_slope);
            return y > V{} ? slope : y + Scalar(selu_at_minus_infinity);
        }
        case Kind::exponential:
            return y;
        case Kind::linear:
            break;
        }
        return one;
    }

    template <class V>
    [[gnu::always_inline]] static V absolute(V x) {
        return x < V{} ? -x : x;
    }

    Kind kind_;
    double alpha_, beta_, clip_ = no_clip;
    double at_clip_ = 0, at_minus_clip_ = 0; // f(±clip)
};

inline constexpr Activation Activation::linear{Kind::linear}, Activation::tanh{Kind::tanh},
    Activation::sigmoid{Kind::sigmoid}, Activation::relu{Kind::relu}, Activation::softsign{Kind::softsign},
    Activation::softplus{Kind::softplus}, Activation::selu{Kind::selu}, Activation::exponential{Kind::exponential};

inline Activation Activation::clipped(double limit) const {
    require(limit > 0, "Activation::clipped", "limit is ", limit, ", expected limit > 0");
    Activation f = unclipped();
    f.at_clip_ = f(limit);
    f.at_minus_clip_ = f(-limit);
    f.clip_ = limit;
    return f;
}

/// The function's name as files and messages have it: "hard_sigmoid".
constexpr const char* name(const Activation& f) {
    constexpr const char* names[] = {
        "linear",      "tanh",         "sigmoid", "relu",     "affine",   "leaky_relu", "thresholded_relu",
        "scaled_tanh", "hard_sigmoid", "elu",     "softsign", "softplus", "selu",       "exponential"};
    return names[static_cast<int>(f.kind())];
}

/// How many of alpha and beta a function of this kind has.
constexpr int parameter_count(Activation::Kind kind) {
    using Kind = Activation::Kind;
    const bool two = kind == Kind::affine || kind == Kind::scaled_tanh || kind == Kind::hard_sigmoid;
    return two ? 2 : kind == Kind::leaky_relu || kind == Kind::thresholded_relu || kind == Kind::elu;
}

/// As it is written in C++: "tanh", "leaky_relu(0.1)", "hard_sigmoid(0.2, 0.5)", "relu.clipped(6)". Equal functions have
/// equal descriptions.
inline std::string description(const Activation& f) {
    const int count = parameter_count(f.kind());
    std::string text = name(f);
    if (count > 0)
        text += "(" + detail::shortest(f.alpha()) + (count > 1 ? ", " + detail::shortest(f.beta()) : "") + ")";
    if (f.clip() != std::numeric_limits<double>::infinity())
        text += ".clipped(" + detail::shortest(f.clip()) + ")";
    return text;
}

namespace detail::inline CAROUSEL_ISA {

// A call each: inlined wherever a cell uses it, an activation's choice among fourteen functions would be most of the program.
template <class V>
V activated(const Activation& f, V x) {
    return f(x);
}
template <class V>
V activated_derivative(const Activation& f, V y) {
    return f.derivative(y);
}

} // namespace detail::CAROUSEL_ISA

} // namespace carousel
