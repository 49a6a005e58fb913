// The program of check-gradients.md.
#include <carousel/carousel.hpp>

#include <cstdio>

using namespace carousel;

// y = x², and a derivative whose author forgot the 2.
class Square : public StepwiseLayer<Square> {
  public:
    static constexpr const char* where = "Square::backward";
    std::string name() const { return "Square"; }
    template <class S>
    void map(const S* x, S* y, Index features, Index columns) const {
        for (Index k = 0; k < features * columns; ++k)
            y[k] = x[k] * x[k];
    }
    template <class S>
    void map_gradient(const S* dy, const S* y, S* dx, Index features, Index columns) const {
        for (Index k = 0; k < features * columns; ++k)
            dx[k] = dy[k] * std::sqrt(y[k]);
    }
};

template <class Model>
void report(const char* title, Model& model) {
    Sequence<double> x(2, 6, 3), target(1, 6, 3);
    Random random(1);
    initializer::uniform(0.5, 1)(x.values(), 1, 1, random);
    initializer::normal(0, 1)(target.values(), 1, 1, random);
    const GradientCheck check = check_gradients(model, x, target, MeanSquaredError{});
    std::printf("%s\n", title);
    for (const GradientError& entry : check.all)
        std::printf("  %-9s %s\n", entry.name.c_str(), entry.error < 1e-7 ? "right" : "wrong");
}

int main() {
    Sequential lstm{LSTM<double>{2, 5, {.peephole = true}}, Dense<double>{5, 1}};
    report("LSTM with peepholes", lstm);

    Sequential wrong{Dense<double>{2, 3, {.W = initializer::uniform(0.5, 1)}}, Square{}, Dense<double>{3, 1}};
    report("with the wrong layer", wrong);
}
