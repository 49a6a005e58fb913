#include "catch.hpp"
#include "ranks_test.hpp"

#include "carousel/io/training_file.hpp"

#include <cmath>
#include <filesystem>
#include <string>

using namespace carousel;
using namespace carousel::test;

namespace {

/// All numbers of a training: parameters, moments, losses.
std::vector<double> numbers(const Training<Net, Adam>& training) {
    std::vector<double> all;
    const auto add = [&](const Matrix<double>& matrix) {
        all.insert(all.end(), matrix.data(), matrix.data() + matrix.size());
    };
    for (const auto& named : parameters(training.model()))
        add(named.parameter->value);
    for (const auto& moments : training.optimizer().state().moments)
        add(moments);
    for (const EpochReport& report : training.history().epochs)
        all.push_back(report.loss);
    return all;
}

} // namespace

TEST_CASE("mpi: what rank 0 saves within an epoch goes on with another number of ranks") {
    const Communicator world(MPI_COMM_WORLD), alone(MPI_COMM_SELF);
    MPI_Comm pair = MPI_COMM_NULL; // ranks 0 and 1
    MPI_Comm_split(MPI_COMM_WORLD, world.rank() < 2 ? 0 : MPI_UNDEFINED, 0, &pair);
    const auto folder = std::filesystem::temp_directory_path() / "carousel_mpi_checkpoint_test";
    const auto path = folder / (std::to_string(world.size()) + ".safetensors");
    if (world.rank() == 0)
        std::filesystem::create_directories(folder);

    const std::vector<FitOptions> all{
        {.epochs = 6, .batch_size = 4, .clip_norm = 0.1, .early_stopping = EarlyStopping{.patience = 9}},
        {.epochs = 6, .batch_size = 3, .accumulate = 2, .moving_average = MovingAverage{.decay = 0.5}},
        {.epochs = 6, .batch_size = 4, .shuffle = false, .stateful = true}};
    for (const FitOptions& options : all) {
        const auto samples = data(options.stateful ? 24 : 23);
        Net whole = net();
        Training expected{whole, Adam{.learning_rate = 0.01}};
        fit(expected, samples, MeanSquaredError{}, options);

        if (pair != MPI_COMM_NULL) {
            Net model = net();
            Training training{model, Adam{.learning_rate = 0.01}};
            FitOptions interrupted = options;
            interrupted.callbacks = {[&](Progress& p) {
                if (p.epoch == 3 && p.batch == 3)
                    save_training(path, training);
                p.stop = p.epoch == 3 && p.batch == 4;
            }};
            fit(training, samples, MeanSquaredError{}, interrupted, Communicator(pair));
        }
        static_cast<void>(world.gather({})); // all wait for the file
        for (const Ranks* const ranks : {&world, &alone}) {
            Net model = net(2);
            Training training{model, Adam{.learning_rate = 0.01}};
            load_training(path, training);
            FitOptions rest = options;
            rest.epochs = 4; // the one that has begun, and three more
            fit(training, samples, MeanSquaredError{}, rest, *ranks);
            CHECK(training.epochs() == 6);
            CHECK(difference(numbers(training), numbers(expected)) < 1e-6);
        }
        static_cast<void>(world.gather({}));
    }
    if (pair != MPI_COMM_NULL)
        MPI_Comm_free(&pair);
    if (world.rank() == 0)
        std::filesystem::remove_all(folder);
}
