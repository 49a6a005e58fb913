// Elementwise: the function must take double y, double target and return a Term, or have outputs(): see elementwise.hpp
#include <carousel/loss/elementwise.hpp>

int main() {
    const carousel::Elementwise loss{[](double y, double target) { return (y - target) * (y - target); }};
    static_cast<void>(loss);
}
