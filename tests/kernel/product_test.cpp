// Products and the packing they run on.
#include "carousel/kernel/product.hpp"

#include "catch.hpp"
#include "support.hpp"

#include <numeric>

using namespace carousel;
using namespace carousel::kernel;
using namespace carousel::test;

namespace {

/// C = A·B, where A and B stand in memory as they are or transposed, and C in the middle of a larger matrix.
template <class S>
void check(Index rows, Index columns, Index depth, bool a_transposed, bool b_transposed, bool add, Random& random) {
    const Matrix<S> a = a_transposed ? random_matrix<S>(depth, rows, random) : random_matrix<S>(rows, depth, random);
    const Matrix<S> b =
        b_transposed ? random_matrix<S>(columns, depth, random) : random_matrix<S>(depth, columns, random);
    Matrix<S> c = random_matrix<S>(rows + 5, columns + 2, random);

    const Matrix<double> ad = (a_transposed ? Matrix<S>(a.transpose()) : a).template cast<double>();
    const Matrix<double> bd = (b_transposed ? Matrix<S>(b.transpose()) : b).template cast<double>();
    Matrix<double> expected = c.template cast<double>();
    if (!add)
        expected.block(2, 1, rows, columns).setZero();
    if (depth > 0)
        expected.block(2, 1, rows, columns) += ad * bd;

    static Buffer<S> scratch;
    multiply(c.data() + c.rows() + 2, c.rows(), rows, columns, depth,
             a_transposed ? operand(a).transposed() : operand(a), b_transposed ? operand(b).transposed() : operand(b),
             add, scratch);
    INFO(rows << " x " << depth << (a_transposed ? " (transposed)" : "") << " times " << depth << " x " << columns
              << (b_transposed ? " (transposed)" : "") << (add ? ", added" : ""));
    CHECK(difference(c, expected) < (std::is_same_v<S, float> ? 2e-6 : 1e-14));
}

template <class S>
void check_all(std::vector<Index> all_rows, std::vector<Index> all_columns, std::vector<Index> all_depths) {
    Random random(4);
    for (const Index rows : all_rows)
        for (const Index columns : all_columns)
            for (const Index depth : all_depths)
                for (const bool a_transposed : {false, true})
                    for (const bool b_transposed : {false, true})
                        for (const bool add : {false, true})
                            check<S>(rows, columns, depth, a_transposed, b_transposed, add, random);
}

} // namespace

TEMPLATE_TEST_CASE("multiply: agrees with Eigen in every shape, transposed or not, added or not", "", float, double) {
    check_all<TestType>({1, 3, 8, 17, 32, 67}, {1, 2, 11, 12, 13, 31}, {0, 1, 6, 40});
}

TEMPLATE_TEST_CASE("multiply: agrees with Eigen across the blocks of depth and columns", "", float, double) {
    check_all<TestType>({5, 33}, {3, 14}, {511, 512, 513, 1100});
    check_all<TestType>({20}, {1536, 1537, 3080}, {3, 300});
    check_all<TestType>({239, 241, 500}, {7, 65}, {9}); // blocks of rows
}

TEST_CASE("next_tile_lanes: tiles of one lane are left to products of one lane") {
    for (Index lanes = 1; lanes < 20; ++lanes) {
        std::vector<int> tiles;
        for (Index left = lanes; left > 0; left -= tiles.back())
            tiles.push_back(next_tile_lanes(left));
        CHECK(std::accumulate(tiles.begin(), tiles.end(), Index(0)) == lanes);
        if (tile_lanes == 3)
            CHECK((lanes == 1 || *std::min_element(tiles.begin(), tiles.end()) > 1));
        CHECK(*std::max_element(tiles.begin(), tiles.end()) <= tile_lanes);
    }
}
