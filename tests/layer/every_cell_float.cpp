#include "layer/every_cell.hpp"

template const std::vector<carousel::test::CellCase<float>>& carousel::test::every_cell<float>();
