#include "layer/every_cell.hpp"

template const std::vector<carousel::test::CellCase<double>>& carousel::test::every_cell<double>();
