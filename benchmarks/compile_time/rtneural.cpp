// The least of RTNeural that loads and runs a net of sizes known at compile time.
#include <RTNeural/RTNeural.h>
#include <fstream>
int main() {
    RTNeural::ModelT<float, 1, 1, RTNeural::LSTMLayerT<float, 1, 16>, RTNeural::DenseT<float, 16, 1>> model;
    std::ifstream file("lstm.json");
    model.parseJson(file);
    model.reset();
    float x[] = {0.5f};
    return model.forward(x) > 0 ? 1 : 0;
}
