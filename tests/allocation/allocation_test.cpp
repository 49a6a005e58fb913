// After the first step nothing allocates. A program of its own, because the allocator is that of the whole program.
#include "allocation/allocator.hpp"
#include "allocation/training_step.hpp"
#include "layer/every_cell.hpp"

#include "carousel/layer/dense.hpp"
#include "carousel/layer/dropout.hpp"
#include "carousel/layer/embedding.hpp"
#include "carousel/layer/last_step.hpp"
#include "carousel/layer/sequential.hpp"
#include "carousel/optim/adam.hpp"
#include "carousel/stream/stream.hpp"

using namespace carousel;
using namespace carousel::test;

TEST_CASE("allocation: the counter counts") {
    const void* volatile seen = nullptr; // so that no compiler leaves the allocation out
    CHECK(allocations_of([&] {
              const std::vector<int> numbers(100);
              seen = numbers.data();
          }) == 2);
#if defined(CAROUSEL_COUNT_MALLOC)
    CHECK(allocations_of([&] {
              const Matrix<float> numbers(20, 20);
              seen = numbers.data();
          }) == 2);
#endif
    CHECK(seen != nullptr);
}

TEST_CASE("allocation: no cell allocates in a training step after the first, ragged or not") {
    for (const auto& cell : every_cell<float>())
        for (const Shape size : sizes)
            for (const bool ragged : {false, true}) {
                Random random(81);
                const auto layer = cell.make(size.input, size.hidden, {});
                const auto pass =
                    random_pass(*layer, size.input, size.hidden, size.steps, size.batch, {false, ragged, true}, random);
                const auto target = random_sequence<float>(size.hidden, size.steps, size.batch, random);
                Optimizer<Adam, float> optimizer{layer->parameters(), Adam{}};
                Sequence<float> dy;
                Matrix<float> d_initial;
                INFO(cell.name << ", " << to_string(size) << (ragged ? ", ragged" : ""));
                CHECK(allocations_of([&] {
                          zero_gradients(optimizer.parameters());
                          const auto y = layer->forward(pass.x, pass.initial);
                          MeanSquaredError{}(y, target, &dy);
                          layer->backward(dy, {.d_final = &pass.d_final, .d_initial = &d_initial});
                          clip(optimizer.parameters());
                          optimizer.step();
                      }) == 0);
                CHECK(allocations_of([&] { layer->infer(pass.x, pass.initial); }) == 0);
            }
}

TEST_CASE("allocation: nor does an embedding, whatever the tokens") {
    Embedding<float> layer{100, 8, {.padding = 0}};
    Optimizer optimizer{parameters(layer), Adam{}};
    Embedding<float>::Tape tape;
    const Sequence<float> dy(Matrix<float>::Ones(8, 40), 4);
    Sequence<float> x(1, 10, 4);
    CHECK(allocations_of([&] {
              for (Index k = 0; k < 40; ++k) // ten times as many different tokens from the second on
                  x.values()(k) = static_cast<float>(optimizer.steps() == 0 ? k % 4 : k);
              zero_gradients(optimizer.parameters());
              layer.forward(x, tape);
              layer.backward(dy, tape);
              clip(optimizer.parameters());
              optimizer.step();
          }) == 0);
}

TEST_CASE("allocation: nor when threads share the pass") {
    const Threads threads(2);
    for (const Shape size : sizes) {
        Sequential model{LSTM<float>{size.input, size.hidden, {.peephole = true}}, LastStep{},
                         Dense<float>{size.hidden, 3}};
        check_training(model, Adam{}, 1, size);
    }
}

TEST_CASE("allocation: no stream allocates after its construction") {
    const Sequential model{Embedding<float>{3, 1},
                           LSTM<float>{1, 40, {.peephole = true}},
                           Dropout{0.2},
                           GRU<float, 40, 300, Reset::before>{},
                           LastStep{},
                           Dense<float>{300, 1}};
    Stream stream{model};
    float sum = 0;
    const long before = allocations;
    for (int t = 0; t < 10; ++t)
        sum += stream(1);
    stream.reset();
    sum += stream(1);
    const long after = allocations;
    CHECK(after - before == 0);
    CHECK(std::isfinite(sum));
}

TEST_CASE("allocation: a Sequence is empty after a failed one, and takes another shape then") {
    Sequence<float> sequence;
    const std::vector<Index> lengths{5, 4, 3};
    const auto resize = [&] { sequence.resize(4, 5, 3, lengths); };
    CHECK(fail_each_allocation([&] { sequence = Sequence<float>(1, 2); }, resize) == 2);
    CHECK(sequence.view().lengths().size() == 3);
}
