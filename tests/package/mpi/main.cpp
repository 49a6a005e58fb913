#include <carousel/mpi/run.hpp>

int main(int argc, char** argv) {
    return carousel::run_ranks(argc, argv, [](const carousel::Communicator& ranks) {
        std::vector<double> ones(3, 1);
        ranks.start_sum(ones);
        ranks.finish();
        return ones[2] == static_cast<double>(ranks.size()) ? 0 : 1;
    });
}
