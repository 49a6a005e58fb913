// The program of from-other-libraries.md. Its first argument is the folder that it saves into.
#include <carousel/carousel.hpp>

#include <carousel/data/table.hpp>
#include <carousel/io/keras.hpp>
#include <carousel/io/load_model.hpp>
#include <carousel/io/onnx.hpp>
#include <carousel/io/pytorch.hpp>
#include <carousel/io/safetensors.hpp>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <numbers>

using namespace carousel;

namespace {

// How far a model is from what the other program wrote down: a row a step, the input and its output.
float difference(const Model<float>& model, const Table& theirs) {
    const Matrix<float> x = theirs.matrix<float>({"x"}), y = theirs.matrix<float>({"y"});
    const Sequence<float> ours = model(SequenceView<float>(x.data(), 1, x.cols(), 1));
    return (ours.values() - y).cwiseAbs().maxCoeff();
}

const char* yes_or_no(bool value) {
    return value ? "yes" : "no";
}

} // namespace

int main(int count, char** arguments) {
    const std::filesystem::path out = count > 1 ? arguments[1] : ".";
    std::filesystem::create_directories(out);
    const std::filesystem::path files = GUIDE_FOLDER; // the build says where they are

    // PyTorch
    auto file = load_pytorch<float>(files / "net.pt", "LSTM(1, 12), Linear(12, 1)");
    Model<float>& net = file.model;
    std::printf("%s", summary(net).c_str());
    const Table theirs = read_csv(files / "pytorch.csv");
    std::printf("PyTorch: the same within 1e-6: %s\n", yes_or_no(difference(net, theirs) < 1e-6f));

    // ONNX
    const Model<float> from_onnx = load_onnx<float>(files / "net.onnx").model;
    std::printf("ONNX: the same within 1e-6: %s\n", yes_or_no(difference(from_onnx, theirs) < 1e-6f));

    // Keras
    const Model<float> from_keras = load_keras<float>(files / "net.keras").model;
    std::printf("Keras: the same within 1e-6: %s\n",
                yes_or_no(difference(from_keras, read_csv(files / "keras.csv")) < 1e-6f));

    // Streamed
    Stream stream{net};
    float worst = 0;
    for (Index t = 0; t < theirs.rows(); ++t)
        worst = std::max(worst, std::abs(stream(theirs.matrix<float>({"x"})(t)) - theirs.matrix<float>({"y"})(t)));
    std::printf("streamed, the same within 1e-6: %s\n", yes_or_no(worst < 1e-6f));

    // Fine-tuned
    std::vector<float> ours;
    for (int t = 0; t < 600; ++t)
        ours.push_back(static_cast<float>(0.8 * std::sin(2 * std::numbers::pi * t / 17)));
    const Dataset<float> data = windows(ours, {.steps = 40, .stride = 4, .every_step = true});
    const double before = evaluate(net, data, MeanSquaredError{}).loss;
    fit(net, data, MeanSquaredError{}, Adam{.learning_rate = 3e-3}, {.epochs = 20, .seed = 1, .clip_norm = 1});
    const double after = evaluate(net, data, MeanSquaredError{}).loss;
    std::printf("on our waves: mean squared error %.4f as loaded, %.4f trained on\n", before, after);

    // Saved
    save_pytorch_safetensors(out / "ours.safetensors", net, {.modules = {"rnn", "linear"}});
    save_onnx(out / "ours.onnx", net);
    save_safetensors(out / "carousel.safetensors", net, file.metadata);

    const auto same = [&](const Model<float>& other) {
        const Sequence<float> x = data.x;
        return (other(x).values() - net(x).values()).cwiseAbs().maxCoeff();
    };
    const Model<float> again = load_model<float>(out / "carousel.safetensors");
    std::printf("load_model gives the same numbers: %s\n", yes_or_no(same(again) == 0));
    const auto as_pytorch = load_pytorch<float>(out / "ours.safetensors");
    std::printf("so does what PyTorch and ONNX get, within 1e-6: %s\n",
                yes_or_no(same(as_pytorch.model) < 1e-6f && same(load_onnx<float>(out / "ours.onnx").model) < 1e-6f));
}
