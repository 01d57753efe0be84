// What is done with the sum over the images that is a parameter's gradient: updates, and squares for norms.
// Included once for each instruction set (kernel.cpp).

// What is done with every parameter: `begin(at)` gives what the sum over the images begins with, `end(at, sum)` finishes it.
// `at` counts from the beginning of the run's parameters. `copies`: the weights' copies are to be visited too. What is
// written is watched for values that are not finite.

// Changes nothing: adds up the squares.
struct Measure {
    static constexpr bool copies = false;
    Vector squares{};

    INLINE Vector begin(int64_t) const { return Vector{}; }
    INLINE void end(int64_t, Vector gradient) { squares += gradient * gradient; }
};

// w ← w - shrinkage · w + sum: the deltas were multiplied by minus the learning rate and all else.
struct Descent {
    static constexpr bool copies = true;
    float* parameters;
    float shrinkage;
    Vector seen{};

    INLINE bool cut() const { return false; }
    INLINE Vector begin(int64_t at) const {
        const Vector w = load(parameters + at);
        return w - shrinkage * w;
    }
    INLINE void end(int64_t at, Vector w) {
        store(parameters + at, w);
        watch(seen, w);
    }
};

// The same with sums cut off at ±limit.
struct LimitedDescent {
    static constexpr bool copies = true;
    float* parameters;
    float shrinkage, limit;
    Vector seen{}, largest{};

    INLINE bool cut() const { return any(largest > limit); }
    INLINE Vector begin(int64_t) const { return Vector{}; }
    INLINE void end(int64_t at, Vector step) {
        Vector w = load(parameters + at);
        w -= shrinkage * w;
        const Vector size = magnitude(step);
        largest = size > largest ? size : largest;
        w += bounded(step, all(-limit), all(limit));
        store(parameters + at, w);
        watch(seen, w);
    }
};

// The optimizers that remember; sums are mean gradients.
struct Remembering {
    static constexpr bool copies = true;
    float* parameters;
    float* const* memory;
    float rate, decay, limit;
    float kept, added;                // momentum, or adam's beta1 and 1 - beta1
    float kept_square, added_square;  // adam's beta2 and 1 - beta2
    float mean_share, square_share;   // adam's 1 / (1 - beta^steps)
    float epsilon;
    Vector seen{}, largest{};

    INLINE bool cut() const { return any(largest > limit); }
    INLINE Vector begin(int64_t) const { return Vector{}; }
    INLINE Vector gradient(int64_t at, Vector found) {
        const Vector size = magnitude(found);
        largest = size > largest ? size : largest;
        return bounded(found, all(-limit), all(limit)) + decay * load(parameters + at);
    }
    INLINE void apply(int64_t at, Vector direction) {
        const Vector w = load(parameters + at) - rate * direction;
        store(parameters + at, w);
        watch(seen, w);
    }
};

struct Momentum : Remembering {
    INLINE void end(int64_t at, Vector found) {
        const Vector velocity = kept * load(memory[0] + at) + gradient(at, found);
        store(memory[0] + at, velocity);
        apply(at, velocity);
    }
};

struct Nesterov : Remembering {
    INLINE void end(int64_t at, Vector found) {
        const Vector g = gradient(at, found);
        const Vector velocity = kept * load(memory[0] + at) + g;
        store(memory[0] + at, velocity);
        apply(at, g + kept * velocity);
    }
};

struct Adam : Remembering {
    INLINE void end(int64_t at, Vector found) {
        const Vector g = gradient(at, found);
        const Vector mean = kept * load(memory[0] + at) + added * g;
        const Vector square = kept_square * load(memory[1] + at) + added_square * g * g;
        store(memory[0] + at, mean);
        store(memory[1] + at, square);
        apply(at, mean * mean_share / (root(square * square_share) + epsilon));
    }
};
