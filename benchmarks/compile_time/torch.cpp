// The least of LibTorch that trains an LSTM.
#include <torch/torch.h>
struct Net : torch::nn::Module {
    Net()
        : rnn(register_module("rnn", torch::nn::LSTM(1, 16))),
          linear(register_module("linear", torch::nn::Linear(16, 1))) {}
    torch::Tensor forward(torch::Tensor x) { return linear(std::get<0>(rnn(x))[-1]); }
    torch::nn::LSTM rnn;
    torch::nn::Linear linear;
};
int main() {
    Net net;
    torch::optim::Adam adam(net.parameters(), 1e-2);
    for (int k = 0; k < 10; ++k) {
        adam.zero_grad();
        auto loss = torch::mse_loss(net.forward(torch::rand({40, 32, 1})), torch::rand({32, 1}));
        loss.backward();
        adam.step();
    }
}
