// The program of classify-sequences.md.
#include <carousel/carousel.hpp>

#include <cmath>
#include <cstdio>

using namespace carousel;

// A whistle of 20 to 60 samples under noise, which rises (class 1), falls (class 0) or keeps its height (class 2).
Dataset<float> whistles(Index count, std::uint64_t seed) {
    Random random(seed);
    std::vector<Matrix<float>> sounds;
    Matrix<float> classes(1, count);
    for (Index k = 0; k < count; ++k) {
        const Index kind = k % 3, length = 20 + static_cast<Index>(random.uniform(0, 41));
        const double bend = kind == 2 ? 0 : kind == 1 ? 0.5 : -0.5;
        double phase = random.uniform(0, 6.28);
        Matrix<float> sound(1, length);
        for (Index t = 0; t < length; ++t) {
            phase += 0.7 + bend * (static_cast<double>(t) / static_cast<double>(length) - 0.5);
            sound(0, t) = static_cast<float>(std::sin(phase) + 0.1 * random.normal());
        }
        sounds.push_back(sound);
        classes(0, k) = static_cast<float>(kind);
    }
    return sequences(sounds, classes);
}

int main() {
    const Dataset<float> train = whistles(600, 1), test = whistles(150, 2);
    std::printf("%td sequences, the first of %td steps, the longest of %td\n", train.size(), train.x.view().length(0),
                train.x.steps());

    Sequential model{Bidirectional{GRU<float>{1, 16, {.seed = 1}}}, BothEnds{}, Dense<float>{32, 3, {.seed = 2}}};
    fit(model, train, SoftmaxCrossEntropy{}, Adam{.learning_rate = 1e-2},
        {.epochs = 15, .batch_size = 20, .seed = 1, .bucket = 5, .clip_norm = 1.0});

    const Evaluation result = evaluate(model, test, SoftmaxCrossEntropy{}, {.metrics = {Accuracy{}}});
    std::printf("of 150 new whistles more than 90 %% are told right: %s\n", result.metrics[0] > 0.9 ? "yes" : "no");

    const Sequence<float> logits = model(test.x); // 3 x 1 step x 150
    Index best = 0;
    logits.values().col(0).maxCoeff(&best);
    std::printf("the first is of class %td\n", best);
}
