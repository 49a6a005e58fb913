// The least of frugally-deep that loads and runs a net.
#include <fdeep/fdeep.hpp>
int main() {
    const auto model = fdeep::load_model("net.json");
    const auto y = model.predict({fdeep::tensor(
        fdeep::tensor_shape(static_cast<std::size_t>(40), static_cast<std::size_t>(1)), std::vector<float>(40, 0.5f))});
    return y.empty() ? 1 : 0;
}
