#include <carousel/mpi/run.hpp>

int main(int argc, char** argv) {
    return carousel::run_ranks(argc, argv, [](const carousel::Communicator& ranks) {
        const std::vector<double> ones(3, 1);
        std::vector<double> sums(3);
        ranks.start_sum(ones, sums);
        ranks.finish();
        return sums[2] == static_cast<double>(ranks.size()) ? 0 : 1;
    });
}
