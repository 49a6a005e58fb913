#include "carousel/train/summary.hpp"

#include "catch.hpp"

#include "carousel/layer/batch_norm.hpp"
#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/recurrent.hpp"
#include "carousel/layer/sequential.hpp"

using namespace carousel;

TEST_CASE("summary: the table of a model") {
    const Sequential model{LSTM<float>{32, 32}, Dropout{0.2}, SimpleRNN<float>{32, 32}, LastStep{},
                           Dense<float>{32, 1}};
    CHECK(summary(model) == "_________________________________________\n"
                            "Layer (type)   Output Shape       Param #\n"
                            "=========================================\n"
                            "LSTM           (None, None, 32)     8,320\n"
                            "Dropout        (None, None, 32)         0\n"
                            "SimpleRNN      (None, None, 32)     2,080\n"
                            "LastStep       (None, 32)               0\n"
                            "Dense          (None, 1)               33\n"
                            "_________________________________________\n"
                            "Total params: 10,433\n");
    CHECK(parameter_count(model) == 10'433);
}

TEST_CASE("summary: four stacked SimpleRNN(32)") {
    const SimpleRNN<float> rnn{32, 32};
    const Sequential model{rnn, rnn, rnn, rnn};
    CHECK(parameter_count(model) == 328'320 - 320'000); // Keras' count, less its embedding of 10,000 words
}

TEST_CASE("summary: parameters that aren't trained are told apart") {
    const Sequential model{BatchNorm<float>{4}, Dense<float>{4, 2}};
    CHECK(summary(model) == "________________________________________\n"
                            "Layer (type)   Output Shape      Param #\n"
                            "========================================\n"
                            "BatchNorm      (None, None, 4)        16\n"
                            "Dense          (None, None, 2)        10\n"
                            "________________________________________\n"
                            "Total params: 26\n"
                            "Trainable params: 18\n"
                            "Non-trainable params: 8\n");
    CHECK(parameter_count(model) == 18);
}

TEST_CASE("summary: of one layer, with millions of parameters") {
    const GRU<float> gru{1000, 500, {}, {.U = initializer::zeros()}};
    CHECK(summary(gru) == "____________________________________________\n"
                          "Layer (type)   Output Shape          Param #\n"
                          "============================================\n"
                          "GRU            (None, None, 500)   2,252,000\n"
                          "____________________________________________\n"
                          "Total params: 2,252,000\n");
}

TEST_CASE("summary: the names and counts of every cell, and of a model in a model") {
    const Sequential model{LSTM<double>{2, 3, {.peephole = true}}, CoupledLSTM<double>{3, 3},
                           GRU<double, 3, 3, Reset::before>{}, Sequential{LastStep{}, Dense<double>{3, 2}}};
    CHECK(summary(model) == "________________________________________\n"
                            "Layer (type)   Output Shape      Param #\n"
                            "========================================\n"
                            "LSTM           (None, None, 3)        81\n"
                            "CoupledLSTM    (None, None, 3)        63\n"
                            "GRU            (None, None, 3)        63\n"
                            "Sequential     (None, 2)               8\n"
                            "________________________________________\n"
                            "Total params: 215\n");
}
