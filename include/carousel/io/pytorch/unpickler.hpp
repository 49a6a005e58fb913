// Unpickler: reads the pickles that torch.save writes. It knows tensors, numbers, texts, containers, and plain data that it
// passes over (known_names); a pickle that names anything else is refused. Nothing is ever called.
#pragma once

#include "carousel/io/pytorch/pickle_machine.hpp"

namespace carousel::inline CAROUSEL_ABI::detail {

class Unpickler : private PickleMachine {
  public:
    /// `what` is what messages call the pickle. `bytes` may go on after its end.
    Unpickler(const Input& input, std::string what, std::span<const std::byte> bytes)
        : PickleMachine(input, std::move(what), bytes) {}

    /// Once. Throws std::runtime_error "where: source: what: byte n: …" if it isn't a pickle of the kind.
    Pickle read() {
        for (;; ++operations_) {
            check(operations_ < most_operations, "it has more than ", most_operations, " operations");
            const std::uint8_t code = opcode();
            if (code == '.')
                break;
            if (!put_constant(code) && !put_container(code) && !use_memo(code))
                put_object(code);
        }
        pickle_.root = pop();
        return std::move(pickle_);
    }

    /// Behind the pickle's end.
    std::size_t end() const { return at(); }

  private:
    static constexpr std::size_t most_operations = std::size_t(1) << 22; // torch.save needs about 30 for a tensor

    bool use_memo(std::uint8_t opcode) {
        switch (opcode) {
        case 'q': // BINPUT
            remember(number<std::uint8_t>());
            return true;
        case 'r': // LONG_BINPUT
            remember(number<std::uint32_t>());
            return true;
        case 0x94: // MEMOIZE
            remember(memo_.size());
            return true;
        case 'h': // BINGET
            recall(number<std::uint8_t>());
            return true;
        case 'j': // LONG_BINGET
            recall(number<std::uint32_t>());
            return true;
        default:
            return false;
        }
    }
    /// Numbers need not follow each other (Python 2 begins at 1), but there can't be more of them than operations.
    void remember(std::size_t place) {
        check(place <= operations_ + 1, "it remembers a value as number ", place,
              ", which is more than all before it can need");
        const PickleValue value = pop();
        push(value);
        if (place >= memo_.size())
            memo_.resize(place + 1);
        memo_[place] = value;
    }
    void recall(std::size_t place) {
        check(place < memo_.size(), "it recalls the value of number ", place, ", expected less than ", memo_.size());
        push(memo_[place]);
    }

    void put_object(std::uint8_t opcode) {
        switch (opcode) {
        case 'c': { // GLOBAL
            const PickleText module = line();
            return push(known(pickle_.text(module), pickle_.text(line())));
        }
        case 0x93: { // STACK_GLOBAL
            const PickleValue name = pop(), module = pop();
            const auto module_text = pickle_.text(module), name_text = pickle_.text(name);
            check(module_text && name_text, "a name is no text");
            return push(known(*module_text, *name_text));
        }
        case 'R':    // REDUCE
        case 0x81: { // NEWOBJ
            const PickleValue arguments = pop(), function = pop();
            const auto* const name = std::get_if<PickleName>(&function);
            const auto* const tuple = std::get_if<PickleTuple>(&arguments);
            if (std::holds_alternative<PickleObject>(function) && tuple)
                return push(function);
            check(name && tuple, "it calls what is no function, or without a tuple of arguments");
            return push(made(*name, *tuple));
        }
        case 'b': { // BUILD
            const PickleValue state = pop(), object = pop();
            if (std::holds_alternative<PickleObject>(object))
                return push(object);
            const auto* const dictionary = std::get_if<PickleDictionary>(&object);
            check(dictionary, "it sets attributes of what is no OrderedDict");
            pickle_.attributes.emplace_back(dictionary->id, state);
            return push(object);
        }
        case 'Q': { // BINPERSID
            const PickleValue what = pop();
            const auto* const tuple = std::get_if<PickleTuple>(&what);
            const auto kind = tuple && tuple->size > 0 ? pickle_.text(pickle_.of(*tuple)[0]) : std::nullopt;
            check(kind != "module", "it holds a whole module with its Python code, which is not run; ", advice);
            check(kind == "storage" && tuple->size >= 5, "it refers to what is no storage of numbers");
            pickle_.storages.push_back({*tuple});
            return push(PickleStorage{*tuple});
        }
        default:
            check(false, "it has the operation ", int{opcode}, ", which torch.save doesn't write with its protocol 2");
        }
    }

    static constexpr const char* advice = "save the numbers alone: torch.save(module.state_dict(), path)";

    PickleValue known(std::string_view module, std::string_view name) const {
        const auto place = known_name(module, name);
        check(place || !module.starts_with("torch") || !name.ends_with("Storage"), "numbers of type ", shown(name),
              " are not read; convert the tensors, as with .float(), and save them again");
        check(place.has_value(), "\"", shown(module), ".", shown(name),
              "\" is refused: only tensors, numbers, texts and containers are read, and nothing is run; ", advice);
        const PickleName what = known_names[*place].what;
        return what == PickleName::passed_over ? PickleValue(PickleObject{static_cast<std::uint32_t>(*place)})
                                               : PickleValue(what);
    }

    PickleValue made(PickleName name, PickleTuple arguments) {
        const auto first = [&] { return arguments.size > 0 ? pickle_.of(arguments)[0] : PickleValue(); };
        switch (name) {
        case PickleName::ordered_dictionary:
            return ordered(arguments);
        case PickleName::dictionary:
            return PickleDictionary{container()};
        case PickleName::list:
            return PickleList{container()};
        case PickleName::size: { // torch.Size((2, 3))
            const PickleValue numbers = first();
            check(std::holds_alternative<PickleTuple>(numbers) || std::holds_alternative<PickleList>(numbers),
                  "a torch.Size isn't made of a tuple");
            return numbers;
        }
        case PickleName::device: // torch.device("cuda", 0): its text
            check(pickle_.text(first()).has_value(), "a torch.device isn't made of a text");
            return first();
        case PickleName::rebuild_tensor:
            check(arguments.size >= 4 && std::holds_alternative<PickleStorage>(first()),
                  "a tensor isn't made of a storage, an offset, a shape and strides");
            return PickleTensor{arguments};
        case PickleName::rebuild_parameter: // of a tensor
            check(std::holds_alternative<PickleTensor>(first()), "a Parameter isn't made of a tensor");
            return first();
        case PickleName::rebuild_of_type: { // of a function, a type, the function's arguments, attributes
            const auto parts = pickle_.of(arguments);
            const auto is = [&](std::size_t k, PickleName expected) {
                const auto* const found = std::get_if<PickleName>(&parts[k]);
                return found && *found == expected;
            };
            const auto* const inner = arguments.size >= 3 ? std::get_if<PickleTuple>(&parts[2]) : nullptr;
            check(inner && is(0, PickleName::rebuild_tensor) && is(1, PickleName::tensor_type),
                  "a tensor with attributes isn't made of a tensor");
            return made(PickleName::rebuild_tensor, *inner);
        }
        default:
            check(false, "it calls what is no function");
            return {};
        }
    }

    /// OrderedDict() or, from Python 2, OrderedDict([[key, value], …]).
    PickleDictionary ordered(PickleTuple arguments) {
        const PickleDictionary dictionary{container()};
        if (arguments.size == 0)
            return dictionary;
        const PickleValue entries = pickle_.of(arguments)[0];
        const auto* const list = std::get_if<PickleList>(&entries);
        check(list, "an OrderedDict isn't made of a list");
        copied_ += pickle_.of(*list).size();
        check(copied_ <= pickle_.bytes.size(), "it makes OrderedDicts of one list again and again");
        for (const PickleValue& entry : pickle_.of(*list)) {
            const auto* const pair = std::get_if<PickleList>(&entry);
            const auto* const tuple = std::get_if<PickleTuple>(&entry);
            check(pair || tuple, "an OrderedDict isn't made of pairs");
            const auto parts = pair ? pickle_.of(*pair) : pickle_.of(*tuple);
            check(parts.size() == 2, "an OrderedDict isn't made of pairs");
            add(dictionary, parts, true);
        }
        return dictionary;
    }

    std::vector<PickleValue> memo_;
    std::size_t operations_ = 0; // before this one
    std::size_t copied_ = 0;     // entries
};

} // namespace carousel::detail
