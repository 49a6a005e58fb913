#include "carousel/core/parameter.hpp"

#include "catch.hpp"

#include <utility>
#include <vector>

using namespace carousel;

namespace {

std::vector<std::pair<Index, Index>> runs(const Parameter<double>& parameter) {
    std::vector<std::pair<Index, Index>> list;
    parameter.each_run([&](Index first, Index count) { list.emplace_back(first, count); });
    return list;
}

std::vector<Index> columns(const ColumnSet& set) {
    return {set.columns().begin(), set.columns().end()};
}

} // namespace

TEST_CASE("ColumnSet: holds a column once, in the order in which they came, until it is cleared") {
    ColumnSet set(5);
    CHECK(set.range() == 5);
    CHECK(set.columns().empty());
    for (const Index column : {3, 0, 3, 4, 0})
        set.insert(column);
    CHECK(columns(set) == std::vector<Index>{3, 0, 4});
    ColumnSet copy = set;
    set.clear();
    CHECK(set.columns().empty());
    set.insert(4);
    CHECK(columns(set) == std::vector<Index>{4});
    copy.insert(1);
    CHECK(columns(copy) == std::vector<Index>{3, 0, 4, 1});
}

TEST_CASE("Parameter: a dense one is one run, and zero_grad sets all of it to zero") {
    Parameter<double> w(3, 4);
    CHECK_FALSE(w.is_sparse());
    CHECK(runs(w) == std::vector<std::pair<Index, Index>>{{0, 12}});
    w.grad.setOnes();
    w.grad_column(2) += Vector<double>::Ones(3);
    CHECK(runs(w) == std::vector<std::pair<Index, Index>>{{0, 12}});
    CHECK(w.grad.sum() == 15);
    w.zero_grad();
    CHECK(w.grad.isZero(0));
    CHECK(runs(Parameter<double>()) == std::vector<std::pair<Index, Index>>{{0, 0}});
}

TEST_CASE("Parameter: a sparse one has a run for each column touched since the last zero_grad") {
    auto w = Parameter<double>::sparse(3, 4);
    CHECK(w.is_sparse());
    CHECK((w.value.isZero(0) && w.grad.isZero(0) && w.size() == 12));
    CHECK(runs(w).empty());
    w.grad_column(2) += Vector<double>::Ones(3);
    w.grad_column(0) += Vector<double>::Ones(3);
    w.grad_column(2) += Vector<double>::Ones(3);
    CHECK(runs(w) == std::vector<std::pair<Index, Index>>{{6, 3}, {0, 3}});
    Matrix<double> expected(3, 4);
    expected << 1, 0, 2, 0, 1, 0, 2, 0, 1, 0, 2, 0;
    CHECK(w.grad == expected);

    w.each_gradient([](auto g) { g *= 2; });
    CHECK(w.grad == 2 * expected);
    auto copy = w;
    w.zero_grad();
    CHECK((w.grad.isZero(0) && runs(w).empty()));
    CHECK((copy.grad == 2 * expected && runs(copy).size() == 2));
}

TEST_CASE("Parameter: a fixed one has no gradient") {
    auto w = Parameter<double>::fixed(3, 4);
    CHECK((w.is_fixed() && !w.is_sparse() && !Parameter<double>(3, 4).is_fixed()));
    CHECK((w.value.isZero(0) && w.size() == 12 && w.grad.size() == 0));
    CHECK(runs(w).empty());
    w.zero_grad();
    CHECK(w.grad.size() == 0);
    REQUIRE_THROWS_WITH(w.grad_column(0), "Parameter::grad_column: column is 0, expected 0 <= column < 0");
    const auto copy = w;
    CHECK(copy.is_fixed());
}

TEST_CASE("Parameter: zero_gradients of a list, dense and sparse") {
    Parameter<double> dense(2, 2);
    auto sparse = Parameter<double>::sparse(2, 3);
    dense.grad.setOnes();
    sparse.grad_column(1).setOnes();
    zero_gradients(std::vector<NamedParameter<double>>{{"dense", &dense}, {"sparse", &sparse}});
    CHECK((dense.grad.isZero(0) && sparse.grad.isZero(0)));
}
