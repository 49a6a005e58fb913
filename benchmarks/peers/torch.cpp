#include "peers/torch.hpp"

#include <torch/torch.h>
#include <torch/version.h>

#include <dlfcn.h>

#include <cstdlib>
#include <filesystem>

namespace benchmarks {

namespace {

using Numbers = std::vector<float>;

/// An array of Carousel's as a tensor; its columns are the last dimension but one.
torch::Tensor tensor(const Numbers& numbers, std::initializer_list<int64_t> sizes) {
    return torch::from_blob(const_cast<float*>(numbers.data()), sizes).clone();
}

/// A column-major matrix as a tensor of rows × columns, contiguous as PyTorch's own parameters are.
torch::Tensor matrix(const Numbers& numbers, int64_t rows) {
    return tensor(numbers, {static_cast<int64_t>(numbers.size()) / rows, rows}).t().contiguous();
}

Numbers list(const torch::Tensor& t) {
    const auto contiguous = t.contiguous();
    return {contiguous.data_ptr<float>(), contiguous.data_ptr<float>() + contiguous.numel()};
}
Numbers list_of_matrix(const torch::Tensor& t) {
    return list(t.t());
}

/// PyTorch's blocks in terms of Carousel's: LSTM i, f, g, o; GRU r, z, n.
struct Orders {
    Order W, U;
};
Orders orders(Kind kind) {
    switch (kind) {
    case Kind::lstm:
        return {{0, 1, 2, 3}, {0, 1, 2, 3}};
    case Kind::gru_after: // W: n, r, z; U: r, z, q
        return {{1, 2, 0}, {0, 1, 2}};
    default:
        return {{0}, {0}};
    }
}

template <class Layer>
class TorchPeer : public Peer {
  public:
    TorchPeer(const Problem& p, Layer layer)
        : problem_(p), order_(orders(p.kind)), layer_(std::move(layer)),
          x_(tensor(p.x, {p.shape.steps, p.shape.batch, p.shape.input}).requires_grad_()),
          dy_(tensor(p.dy, {p.shape.steps, p.shape.batch, p.shape.hidden})) {
        const int H = p.shape.hidden, states = blocks(p.kind).states;
        for (int s = 0; s < states; ++s)
            initial_.push_back(tensor(rows(p.initial, states * H, s * H, H), {1, p.shape.batch, H}).requires_grad_());

        Numbers b_input = p.b, b_hidden(p.b.size(), 0.F);
        if (p.kind == Kind::gru_after) { // n, r, z and q, the candidate's second bias
            b_input = reorder(rows(p.b, 4 * H, 0, 3 * H), H, order_.W);
            b_hidden.assign(static_cast<std::size_t>(3 * H), 0.F);
            std::copy_n(p.b.data() + 3 * H, H, b_hidden.data() + 2 * H);
        }
        const int64_t R = static_cast<int64_t>(blocks(p.kind).matrix) * H;
        torch::NoGradGuard no_grad;
        parameter("weight_ih_l0").copy_(matrix(reorder(p.W, H, order_.W), R));
        parameter("weight_hh_l0").copy_(matrix(reorder(p.U, H, order_.U), R));
        parameter("bias_ih_l0").copy_(tensor(b_input, {R}));
        parameter("bias_hh_l0").copy_(tensor(b_hidden, {R}));
    }

    void train() override {
        for (auto& p : layer_->parameters())
            p.mutable_grad().reset();
        x_.mutable_grad().reset();
        for (auto& state : initial_)
            state.mutable_grad().reset();
        y_ = run();
        y_.backward(dy_);
    }

    void infer() override {
        c10::InferenceMode guard;
        inferred_ = run();
    }

    Answers trained() const override {
        const int H = problem_.shape.hidden;
        const auto grad = [&](const char* name) { return parameter(name).grad(); };
        Answers a;
        a.y = list(y_.detach());
        a.dx = list(x_.grad());
        a.d_initial = stack(list(initial_[0].grad()), initial_.size() > 1 ? list(initial_[1].grad()) : Numbers{}, H);
        a.dW = reorder(list_of_matrix(grad("weight_ih_l0")), H, inverse(order_.W));
        a.dU = reorder(list_of_matrix(grad("weight_hh_l0")), H, inverse(order_.U));
        a.db = reorder(list(grad("bias_ih_l0")), H, inverse(order_.W));
        if (problem_.kind == Kind::gru_after) {
            const Numbers hidden = list(grad("bias_hh_l0"));
            a.db.insert(a.db.end(), hidden.begin() + 2 * H, hidden.end());
        }
        return a;
    }

    Numbers inferred() const override { return list(inferred_); }

  private:
    torch::Tensor parameter(const char* name) const { return layer_->named_parameters()[name]; }

    torch::Tensor run() {
        if constexpr (std::is_same_v<Layer, torch::nn::LSTM>)
            return std::get<0>(layer_->forward(x_, std::tuple(initial_[0], initial_[1])));
        else
            return std::get<0>(layer_->forward(x_, initial_[0]));
    }

    Problem problem_;
    Orders order_;
    Layer layer_;
    torch::Tensor x_, dy_, y_, inferred_;
    std::vector<torch::Tensor> initial_;
};

} // namespace

std::unique_ptr<Peer> make_torch(const Problem& p) {
    at::set_num_threads(1);
    const auto [T, N, I, H] = p.shape;
    switch (p.kind) {
    case Kind::lstm:
        return std::make_unique<TorchPeer<torch::nn::LSTM>>(p, torch::nn::LSTM(I, H));
    case Kind::gru_after:
        return std::make_unique<TorchPeer<torch::nn::GRU>>(p, torch::nn::GRU(I, H));
    case Kind::simple_rnn:
        return std::make_unique<TorchPeer<torch::nn::RNN>>(p, torch::nn::RNN(I, H));
    default:
        return nullptr;
    }
}

std::string torch_version() {
    std::string version = TORCH_VERSION ", its BLAS ";
    if (void* const config = dlsym(RTLD_DEFAULT, "openblas_get_config"))
        return version + reinterpret_cast<char* (*)()>(config)() +
               (std::getenv("OPENBLAS_CORETYPE") ? " (not its own choice of kernels: OPENBLAS_CORETYPE is set)" : "");
    Dl_info info{};
    void* const sgemm = dlsym(RTLD_DEFAULT, "sgemm_");
    if (!sgemm || dladdr(sgemm, &info) == 0)
        return version + "unknown";
    const std::filesystem::path library = std::filesystem::canonical(info.dli_fname);
    const bool reference = library.parent_path().filename() == "blas"; // where Debian keeps it
    return version + library.filename().string() + (reference ? " (the reference implementation: slow)" : "");
}

} // namespace benchmarks
