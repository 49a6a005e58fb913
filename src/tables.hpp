// The tables of functions that carousel::compiled holds of each instruction set.
#pragma once

#include "carousel/kernel/arrays.hpp"
#include "carousel/kernel/pass.hpp"
#include "carousel/kernel/update.hpp"
#include "carousel/kernel/vectors.hpp"
#include "carousel/stream/dense_column.hpp"
#include "carousel/stream/narrow/column.hpp"
#include "carousel/stream/narrow/product.hpp"
#include "carousel/stream/recurrent_column.hpp"
#include "carousel/stream/voices/dense.hpp"
#include "carousel/stream/voices/recurrent.hpp"

/// In the namespace of a set: Table<Functions>::value, which kernels.cpp defines for all that follow. Each is a variable of its own,
/// so that the linker can leave out those of cells that a program doesn't have.
#define CAROUSEL_TABLE                \
    template <class Functions>        \
    struct Table {                    \
        static const Functions value; \
    }
