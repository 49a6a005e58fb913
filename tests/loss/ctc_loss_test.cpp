#include "carousel/loss/ctc_greedy.hpp"
#include "carousel/loss/ctc_loss.hpp"

#include "catch.hpp"
#include "golden.hpp"
#include "loss/loss_suite.hpp"

#include <chrono>
#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

std::vector<Index> lengths_of(const Golden& golden, const std::string& name, Index batch) {
    const auto numbers = golden.vector(name);
    std::vector<Index> result;
    for (Index b = 0; b < batch; ++b)
        result.push_back(static_cast<Index>(numbers(b)));
    return result;
}

/// The first sequences of all, of the same lengths.
template <class S>
Sequence<S> first_of(const Sequence<S>& all, Index batch, std::vector<Index> lengths) {
    Sequence<S> result(all.features(), all.steps(), batch, std::move(lengths));
    for (Index t = 0; t < all.steps(); ++t)
        result.step(t) = all.step(t).leftCols(batch);
    return result;
}

/// Of all paths of labels over so many steps, which read as these labels, the sum of the probabilities.
double by_all_paths(const Matrix<double>& p, Index blank, const std::vector<Index>& labels) {
    double sum = 0;
    std::vector<Index> path(static_cast<std::size_t>(p.cols()));
    for (bool more = true; more;) {
        std::vector<Index> read;
        double product = 1;
        for (std::size_t t = 0; t < path.size(); ++t) {
            product *= p(path[t], static_cast<Index>(t));
            if (path[t] != blank && (t == 0 || path[t] != path[t - 1]))
                read.push_back(path[t]);
        }
        sum += read == labels ? product : 0;
        more = false;
        for (std::size_t t = 0; t < path.size() && !more; ++t)
            if (++path[t] < p.rows())
                more = true;
            else
                path[t] = 0;
    }
    return sum;
}

} // namespace

TEST_CASE("CTCLoss: losses and gradients are PyTorch's") {
    const Golden golden("ctc_loss.txt");
    const Sequence<double> all(Matrix<double>(golden.sequence("y")), 4),
        labels(Matrix<double>(golden.sequence("target")), 4);
    for (const std::string name : {"first", "last", "zeroed"})
        for (const Reduction reduction : {Reduction::mean, Reduction::sum}) {
            const std::string key = name + (reduction == Reduction::mean ? "_mean" : "_sum");
            INFO(key);
            const Index batch = name == "zeroed" ? 4 : 3;
            const Sequence<double> y = first_of(all, batch, lengths_of(golden, "lengths", batch));
            Sequence<double> target = first_of(labels, batch, lengths_of(golden, "labels", batch));
            if (name == "last")
                target.values().array() -= 1;
            const CTCLoss loss{
                .blank = name == "last" ? 4 : 0, .reduction = reduction, .zero_infinity = name == "zeroed"};
            Sequence<double> dy, place = y;
            CHECK(loss(y, target, &dy) == Catch::Approx(golden.scalar(key)).epsilon(1e-13));
            const Sequence<double> expected(Matrix<double>(golden.sequence("d_" + key)), 4);
            CHECK(difference(dy.values(), first_of(expected, batch, {}).values(), 1e-3) < 1e-12);
            CHECK(loss(y, target) == loss(place.view(), target, &place));
            CHECK(place.values() == dy.values());
            CHECK(loss.weight(y.view(), target) == (reduction == Reduction::mean ? static_cast<double>(batch) : 1));
            CHECK(loss.check(target.view(), 5) == loss.weight(y.view(), target));
        }
}

TEST_CASE("CTCLoss: the gradient matches central differences, and the loss is that of all paths") {
    Random random(2);
    const Sequence<double> y = random_sequence<double>(3, 5, 3, random, {5, 3, 0});
    const Sequence<double> target(Matrix<double>{{1, 2, 2, 1, 9, 9, 1, 9, 9}}, 3, {3, 1, 0});
    for (const Reduction reduction : {Reduction::mean, Reduction::sum})
        check_differences(CTCLoss{.reduction = reduction}, y, target);
    Matrix<double> p(3, 5);
    for (Index t = 0; t < 5; ++t)
        p.col(t) = y.step(t).col(0).array().exp() / y.step(t).col(0).array().exp().sum();
    const SequenceView<double> first(y.data(), 3, 5, 1);
    const Sequence<double> one(Matrix<double>(y.values()(Eigen::all, Eigen::seq(0, 12, 3))));
    const Sequence<double> its(Matrix<double>{{1, 1, 1}}), empty(1, 0);
    CHECK(CTCLoss{.reduction = Reduction::sum}(one, its) == Catch::Approx(-std::log(by_all_paths(p, 0, {1, 1, 1}))));
    CHECK(CTCLoss{}(one, empty) == Catch::Approx(-std::log(by_all_paths(p, 0, {}))));
    const Sequence<double> others(Matrix<double>{{0, 2}});
    CHECK(CTCLoss{.blank = 1}(one, others) == Catch::Approx(-std::log(by_all_paths(p, 1, {0, 2})) / 2));
}

TEST_CASE("CTCLoss: long sequences and large logits lose nothing, NaN stays NaN, and missing labels don't count") {
    Sequence<float> y(4, 3000, 1), target(1, 1000, 1), dy;
    for (Index k = 0; k < 1000; ++k)
        target.data()[k] = static_cast<float>(k % 3 + 1);
    for (Index t = 0; t < 3000; ++t)
        y.values()(t % 3 == 0 ? t / 3 % 3 + 1 : 0, t) = 1e4F;
    CHECK(CTCLoss{}(y, target, &dy) == Catch::Approx(0).margin(1e-6));
    CHECK(dy.values().cwiseAbs().maxCoeff() < 1e-6);
    y.values().setZero();
    const double loss = CTCLoss{}(y, target, &dy);
    CHECK((loss > 1 && loss < 3 * std::log(4.0)));
    CHECK(std::abs(dy.values().colwise().sum().maxCoeff()) < 1e-9);
    y.values()(2, 700) = std::numeric_limits<float>::quiet_NaN();
    CHECK(std::isnan(CTCLoss{.zero_infinity = true}(y, target)));

    Random random(3);
    const Sequence<double> two = random_sequence<double>(3, 4, 2, random);
    const Sequence<double> labels(Matrix<double>{{1, 2, 2, std::numeric_limits<double>::quiet_NaN()}}, 2);
    Sequence<double> d_two, d_one;
    const Sequence<double> one = first_of(two, 1, {}), its = first_of(labels, 1, {});
    CHECK(CTCLoss{.skip_nan = true}(two, labels, &d_two) == CTCLoss{}(one, its, &d_one));
    CHECK(first_of(d_two, 1, {}).values() == d_one.values());
    CHECK(d_two.step(3).col(1).isZero(0));
    CHECK(CTCLoss{.skip_nan = true}.check(labels.view(), 3) == 1);
}

TEST_CASE("CTCLoss: mistakes are named before anything is written") {
    const Sequence<float> y(3, 4, 2, {4, 2});
    Sequence<float> target(Matrix<float>{{1, 2, 2, 2}}, 2), dy(Matrix<float>::Ones(1, 1));
    REQUIRE_THROWS_WITH(CTCLoss{}(y, target, &dy),
                        "CTCLoss: sequence 1 has 2 steps and 2 labels, which need 3, as those that are repeated have a "
                        "blank between them; zero_infinity passes over such sequences");
    REQUIRE_THROWS_WITH((CTCLoss{.blank = 3}(y, target, &dy)),
                        "CTCLoss: blank is 3, expected a feature of the outputs, 0 … 2");
    REQUIRE_THROWS_WITH(
        (CTCLoss{.blank = 2}.check(target.view(), 3)),
        "CTCLoss: the target at step 1 of sequence 0 is 2, expected a label, 0 … 2 but not the blank, 2");
    REQUIRE_THROWS_WITH(CTCLoss{}(y, Sequence<float>(1, 2, 3), &dy),
                        "CTCLoss: y has 2 sequences and target 3, expected as many");
    REQUIRE_THROWS_WITH(CTCLoss{}(y, Sequence<float>(2, 2, 2), &dy),
                        "CTCLoss: target has 2 features, expected 1: the number of the label");
    target.values()(0, 1) = std::numeric_limits<float>::quiet_NaN();
    REQUIRE_THROWS_WITH(
        CTCLoss{}(y, target, &dy),
        "CTCLoss: the target at step 0 of sequence 1 is nan, expected a label, 0 … 2 but not the blank, "
        "0; skip_nan passes over such sequences");
    REQUIRE_THROWS_WITH(
        CTCLoss{}(Sequence<float>(3, 4, 2, {0, 0}), Sequence<float>(1, 0, 2), &dy),
        "CTCLoss: there is no target to compare with, every one is of a sequence without steps, or NaN");
    CHECK(dy.values().size() == 1);
}

TEST_CASE("ctc_greedy: the best path, read without repetitions and then without blanks") {
    Sequence<float> y(3, 6, 2, {6, 2});
    const std::vector<Index> path{1, 1, 0, 1, 2, 2}, other{2, 1, 1, 1, 1, 1};
    for (Index t = 0; t < 6; ++t) {
        y.step(t)(path[static_cast<std::size_t>(t)], 0) = 1;
        y.step(t)(other[static_cast<std::size_t>(t)], 1) = 1;
    }
    CHECK(ctc_greedy(y) == std::vector<std::vector<Index>>{{1, 1, 2}, {2, 1}});
    CHECK(ctc_greedy(y, 1) == std::vector<std::vector<Index>>{{0, 2}, {2}});
    REQUIRE_THROWS_WITH(ctc_greedy(y, 3), "ctc_greedy: blank is 3, expected a feature of the outputs, 0 … 2");
}

TEST_CASE("CTCLoss: many labels are checked in a time that grows as their number") {
    const CTCLoss loss{.skip_nan = true};
    const Sequence<float> target(Matrix<float>::Ones(1, 300000));
    const auto start = std::chrono::steady_clock::now();
    CHECK(loss.check(target.view(), 2) == 1);
    CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5)); // it was a minute
}
