#include "formats/trained_on.hpp"

#include "carousel/io/load_model.hpp"
#include "carousel/io/safetensors.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/loss/mean_squared_error.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/train/evaluate.hpp"
#include "carousel/train/fit.hpp"
#include "catch.hpp"
#include "support.hpp"

namespace carousel::test {

namespace {

void check_comes_back(const Model<float>& model, const Metadata& metadata) {
    const auto bytes = safetensors_bytes(model, metadata);
    const auto again = load_model_file<float>(bytes);
    CHECK(describe(again.model) == describe(model));
    CHECK(again.metadata == metadata);
    CHECK(safetensors_bytes(again.model, again.metadata) == bytes);
}

/// Three sequences of any input that the model takes, and targets near what it says now.
Dataset<float> data_for(const Model<float>& model) {
    const Index steps = 12, batch = 3;
    Random random(1);
    auto x = random_sequence<float>(model.input_size(), steps, batch, random);
    if (model.takes_tokens()) {
        const auto* const embedding = model.layer(0).target<Embedding<float>>();
        for (float& token : x.values().reshaped())
            token = static_cast<float>(random.below(embedding->vocabulary()));
    }
    auto y = model(x);
    y.values() += random_matrix<float>(y.features(), y.values().cols(), random, 0.5);
    return {std::move(x), std::move(y)};
}

} // namespace

Model<float> trained_on(const ModelFile<float>& file) {
    check_comes_back(file.model, file.metadata);
    const Dataset<float> data = data_for(file.model);
    Model<float> model = file.model;
    const double before = evaluate(model, data, MeanSquaredError{}).loss;
    fit(model, data, MeanSquaredError{}, Adam{.learning_rate = 1e-2}, {.epochs = 5, .batch_size = data.size()});
    CHECK(evaluate(model, data, MeanSquaredError{}).loss < before);
    check_comes_back(model, file.metadata);
    return model;
}

} // namespace carousel::test
