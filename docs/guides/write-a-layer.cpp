// The program of write-a-layer.md.
#include <carousel/carousel.hpp>

#include <cmath>
#include <cstdio>

using namespace carousel;

// y = x / √(1 + x²), which squashes as tanh does; dx = dy · (1 − y²)^(3/2).
class SquareRootSquash : public StepwiseLayer<SquareRootSquash> {
  public:
    static constexpr const char* where = "SquareRootSquash::backward";
    std::string name() const { return "SquareRootSquash"; }

    template <class S>
    void map(const S* x, S* y, Index features, Index columns) const {
        for (Index k = 0; k < features * columns; ++k)
            y[k] = x[k] / std::sqrt(1 + x[k] * x[k]);
    }
    template <class S>
    void map_gradient(const S* dy, const S* y, S* dx, Index features, Index columns) const {
        for (Index k = 0; k < features * columns; ++k)
            dx[k] = dy[k] * std::pow(1 - y[k] * y[k], S(1.5));
    }
};

// y = s∘x with one trained factor s a feature. x, y: F × (T·B), s: F. ds += Σ dy∘x, dx = s∘dy.
template <std::floating_point S>
class Scale {
  public:
    using Scalar = S;
    using State = NoState; // nothing goes from step to step
    class Tape {
        friend Scale;
        SequenceView<S> x_;
        Sequence<S> y_;
        Matrix<S> dx_;
        const Scale* recorded_ = nullptr;
    };

    explicit Scale(Index features) : s_(features, 1) { s_.value.setOnes(); }

    std::string name() const { return "Scale"; }
    Index input_size() const { return s_.value.rows(); }
    Index output_size(Index input) const {
        require(input == input_size(), "Scale", "x has ", input, " features, expected ", input_size());
        return input;
    }
    template <class F>
    void each_parameter(F&& f) {
        f(std::string("s"), s_);
    }
    template <class F>
    void each_parameter(F&& f) const {
        f(std::string("s"), s_);
    }
    void initialize(Random&) { s_.value.setOnes(); }

    SequenceView<S> forward(SequenceView<S> x, Tape& tape, const State& = {}) const {
        infer(x, tape);
        tape.x_ = x;
        tape.recorded_ = this;
        return tape.y_;
    }
    SequenceView<S> infer(SequenceView<S> x, Tape& tape, const State& = {}) const {
        output_size(x.features()); // throws before anything is changed
        tape.recorded_ = nullptr;
        tape.y_.resize(x.features(), x.steps(), x.batch(), x.lengths());
        tape.y_.values() = s_.value.col(0).asDiagonal() * x.values();
        return tape.y_;
    }
    void final_state(const Tape&, State&) const {}

    SequenceView<S> backward(SequenceView<S> dy, Tape& tape, const BackwardOptions<State>& options = {}) {
        if (tape.recorded_ != this)
            throw std::logic_error("Scale::backward: the tape holds no pass of this layer");
        tape.recorded_ = nullptr; // a second call throws
        s_.grad += (dy.values().array() * tape.x_.values().array()).rowwise().sum().matrix();
        if (!options.input_gradient)
            return {};
        tape.dx_ = s_.value.col(0).asDiagonal() * dy.values();
        return {tape.dx_.data(), dy.features(), dy.steps(), dy.batch(), dy.lengths()};
    }

    const Parameter<S>& s() const { return s_; }

  private:
    Parameter<S> s_;
};
static_assert(Layer<Scale<float>, float>);

// One sample of it, for a Stream.
template <std::floating_point S>
class carousel::StreamPart<Scale<S>, S> {
  public:
    explicit StreamPart(const Scale<S>& layer) : s_(layer.s().value), y_(s_.rows()) {}
    const S* operator()(const S* x) noexcept {
        for (Index k = 0; k < s_.rows(); ++k)
            y_[k] = s_(k, 0) * x[k];
        return y_.data();
    }
    void reset() noexcept {}
    bool finite() const noexcept { return true; }
    void get(NoState&) const {}
    void check(const NoState&) const {}
    void set(const NoState&) noexcept {}
    void check_weights(const Scale<S>& layer) const {
        require(layer.s().value.rows() == s_.rows(), "Stream::set_weights", "Scale has ", layer.s().value.rows(),
                " features, expected ", s_.rows());
    }
    void set_weights(const Scale<S>& layer) { s_ = layer.s().value; }

  private:
    Matrix<S> s_;
    Vector<S> y_;
};

int main() {
    Sequential model{Scale<double>{2}, GRU<double>{2, 4}, SquareRootSquash{}, Dense<double>{4, 1}};
    Sequence<double> x(2, 5, 3), target(1, 5, 3);
    Random random(1);
    initializer::normal(0, 1)(x.values(), 1, 1, random);
    initializer::normal(0, 1)(target.values(), 1, 1, random);
    const GradientCheck check = check_gradients(model, x, target, MeanSquaredError{});
    for (const GradientError& entry : check.all)
        std::printf("%-10s %s\n", entry.name.c_str(), entry.error < 1e-7 ? "right" : "wrong");

    Stream stream{model};
    double difference = 0;
    const Sequence<double> y = model(x);
    for (Index t = 0; t < 5; ++t)
        difference = std::max(difference, std::abs(stream(Vector<double>(x.step(t).col(0)))[0] - y.step(t)(0, 0)));
    std::printf("the stream differs by less than 1e-12: %s\n", difference < 1e-12 ? "yes" : "no");
}
