// fit over MPI: data-parallel training past one machine. Needs MPI, so carousel.hpp doesn't include it; in CMake, link
// carousel::mpi.
#pragma once

#include "carousel/mpi/communicator.hpp"
#include "carousel/mpi/fit_ranks.hpp"
#include "carousel/mpi/run.hpp"
