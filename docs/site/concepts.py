"""What a concept asks of every class that models it: said once here for members that have no comment of their own."""

LAYER = {
    "Scalar": "`float` or `double`: the type of parameters, states and sequences.",
    "State": "What goes from chunk to chunk of a sequence, a value that the caller holds. See the concept Layer.",
    "Tape": "What one pass remembers. Reused, it keeps its memory. See the concept Layer.",
    "forward": "The output for x, recorded on the tape for `backward`; x must live, unchanged, until then. Throws "
               "std::invalid_argument if the features or the initial state don't fit. See the concept Layer.",
    "infer": "The same output without a record. Throws as `forward` does. See the concept Layer.",
    "final_state": "The state after the last step of each sequence of the pass that the tape holds. Throws "
                   "std::logic_error if it holds none. See the concept Layer.",
    "backward": "Adds to the gradients of the parameters and returns dx, for dy, the gradient of the output. Consumes the "
                "tape. Throws std::invalid_argument if a shape isn't the pass', std::logic_error if the tape holds no "
                "pass of this layer. See the concept Layer.",
    "check_backward": "Throws what `backward` would throw, but for dy, before anything is changed. See the concept Layer.",
    "each_parameter": "f(name, parameter) for every parameter. See the concept Layer.",
    "initialize": "Draws new parameters. See the concept Layer.",
    "output_size": "The features of the output for so many features of the input. Throws std::invalid_argument if these "
                   "don't fit. See the concept Layer.",
    "output_length": "The steps of the output for a sequence of so many steps. See the concept Layer.",
    "least_steps": "How many steps the input has at least, padding included. See the concept Layer.",
    "input_size": "The features of the input.",
    "hidden_size": "The units, which are the features of the output.",
    "takes_tokens": "Whether the input is tokens (whole numbers), so that no gradient reaches a layer before this one.",
    "states": "How many matrices the state is. See the concept Layer.",
    "empty_state": "A state that holds nothing, which means zero. See the concept Layer.",
    "name": "The layer's name, as summaries, files and messages have it.",
    "each_setting": "f(name, value) for every setting that changes what the weights mean. See the concept Layer.",
    "each_option": "f(name, value) for what makes the layer again besides its settings. See the concept Layer.",
    "each_inner": "f(layer) for the layers inside this one. See the concept Layer.",
    "each_layer": "f(layer) for every layer of the row.",
    "each_random": "f(random) for every generator that recorded passes with this tape draw from. See the concept Layer.",
    "size": "How many layers it has.",
    "kind": "What it is called in messages.",
    "layer": "The layer in that place, counted from 0.",
    "options": "The options that the layer was made with.",
    "set": "Writes a state's matrices. The function that streams call.",
    "fixed_input": "The features of the input if they are known at compile time, else Dynamic.",
    "fixed_output": "The features of the output if they are known at compile time, else Dynamic.",
}

CELL = {
    "Scalar": "`float` or `double`.",
    "name": "The cell's name, as files, summaries and messages have it.",
    "states": "How many numbers a unit carries from step to step, h first. See the concept Cell.",
    "blocks": "How many numbers a unit keeps of a step. See the concept Cell.",
    "vectors": "How many parameters belong to a unit alone: the columns of P. See the concept Cell.",
    "input": "The blocks that W·x feeds. See the concept Cell.",
    "recurrent": "The blocks that U·h₋ feeds. See the concept Cell.",
    "second": "The blocks that the second product feeds. See the concept TwoProductCell.",
    "operand": "The block that holds the second product's operand. See the concept TwoProductCell.",
    "forward": "One step of one unit (or of a lane of them): the equations above. See the concept Cell.",
    "backward": "The derivatives of one step, as above. See the concept Cell.",
    "gate": "What runs before the second product. See the concept TwoProductCell.",
    "gate_backward": "The gradient of what `gate` did. See the concept TwoProductCell.",
    "has_vectors": "Whether P is there at all.",
    "each_setting": "f(name, value) for every member that changes the equations.",
    "initial_bias": "The bias that a block begins with.",
    "f": "What stands for σ.",
    "g": "What stands for the tanh of the candidate.",
    "h": "What stands for the tanh of the output.",
    "candidate": "g of a lane.",
    "candidate_backward": "The gradient of g's argument; dy is that of its value.",
    "output": "h of a lane.",
    "output_backward": "The gradient of h's argument; dy is that of its value.",
    "gates": "The functions of the gates.",
    "activation": "The function of the candidate.",
}

LOSS = {
    "operator()": "The loss of y against the target, and to *dy, unless it is null, its gradient with respect to y. Throws "
                  "std::invalid_argument if the shapes or lengths differ. See the concept Loss.",
    "weight": "What the sum of the loss is divided by. See the concept Loss.",
    "check": "Throws std::invalid_argument if outputs of so many features can't have these targets; returns what they "
             "weigh. See the concept Loss.",
    "name": "The loss's name, as messages have it.",
    "check_options": "Throws std::invalid_argument if a setting is out of its range.",
    "outputs": "How many features of y belong to one of the target.",
    "inner": "What it is made of.",
    "reduction": "Mean over all real numbers, or their sum.",
}

RULE = {
    "operator()": "The rate of the epoch to come. Throws std::invalid_argument if a setting is out of its range.",
    "decay_biases": "Whether weight decay also acts on biases.",
    "name": "The rule's name, by which files tell it from others.",
    "learning_rate": "The step size, above 0; schedules change it.",
    "formula": "Whose formula it is, where libraries differ.",
    "weight_decay": "How much of a weight is taken away in a step, times the learning rate; 0 is none.",
    "momentum": "How much of the last steps' direction is kept, 0 ≤ momentum < 1.",
    "epsilon": "What is added to a root before it divides.",
    "beta1": "How slowly the mean of the gradients forgets, 0 ≤ beta1 < 1.",
    "beta2": "How slowly the mean of their squares forgets, 0 ≤ beta2 < 1.",
    "check": "Throws std::invalid_argument if a setting is out of its range. See the concept OptimizerRule.",
    "check_for": "Throws std::invalid_argument if parameters of this type are too coarse for a setting. See the concept OptimizerRule.",
    "moments": "How many numbers the rule remembers for each number of a parameter. See the concept OptimizerRule.",
    "at": "What the rule does in step t = 1, 2, … See the concept OptimizerRule.",
    "update": "Changes w and its moments, reads the gradient g. See the concept OptimizerRule.",
}

METRIC = {
    "value": "The metric of what all batches have summed up.",
    "merge": "Adds what another batch has summed up.",
    "inner": "The metric that is asked.",
    "size": "How many samples there are.",
    "shape": "The features and steps of x and y.",
    "finite": "Whether all numbers were found finite when it was made.",
    "x_lengths": "The steps of each sample's x; empty if all have as many.",
    "y_lengths": "The steps of each sample's y; empty if all have as many.",
    "training": "The samples to train on.",
    "test": "The samples to test on.",
    "name": "The metric's name, as histories and progress bars have it.",
    "operator()": "The value of a batch's output against its target.",
}

# Where neither a concept nor the header says more.
ANY = {
    "Scalar": "`float` or `double`.",
    "State": "What goes from call to call: the state of the layer, or of all layers.",
    "W": "The weights, with their gradient.",
    "b": "The bias, with its gradient.",
    "gamma": "The factors of the features, with their gradient.",
    "beta": "What is added to them, with its gradient.",
    "operator==": "Whether all members are equal.",
    "map": "What the layer makes of one step's numbers. See StepwiseLayer.",
    "map_gradient": "The gradient of `map`. See StepwiseLayer.",
    "where": "What messages begin with.",
    "target": "The layer inside.",
    "result_type": "As the standard's random number generators have it.",
}

STREAM = {
    "why_not": "What the message says if no part can be made.",
    "reset": "Back to a state of zero. noexcept, without allocation.",
    "finite": "Whether the state has no NaN and no infinity.",
    "get": "Copies the state out. See StreamPart.",
    "set": "Takes a state that `check` accepts. noexcept. See StreamPart.",
    "swap": "Exchanges the states of two voices. noexcept.",
    "check": "Throws std::invalid_argument if the state doesn't fit, before anything is changed.",
    "check_weights": "Throws std::invalid_argument if a layer's weights don't fit, before anything is changed.",
    "set_weights": "Takes the weights of a layer that `check_weights` accepts. noexcept, without allocation.",
    "operator()": "One step: the output for the sample or samples x. noexcept, without allocation.",
    "VoicesPart": "Made for a layer, the features that come in, and so many voices at most.",
}

BY_ROOM = {"layer": LAYER, "model": LAYER, "decode": LAYER, "cell": CELL, "loss": LOSS, "optim": RULE, "train": METRIC, "stream": STREAM}
