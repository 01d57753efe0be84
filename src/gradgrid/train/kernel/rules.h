// What is done with the sum over the images that is a parameter's gradient: updates, and squares for norms.
// Included once for each instruction set (kernel.cpp).

// What is done with every parameter: `begin(at)` gives what the sum over the images begins with, `end(at, sums)` finishes
// some neighbours. `at` counts from the beginning of the run's parameters; `expect(at)` says that it will soon be there.
// `copies`: the weights' copies are to be visited too. What is written is watched for values that are not finite.

// Changes nothing: adds up the squares.
struct Measure {
    static constexpr bool copies = false;
    Vector squares[4]{};

    INLINE void expect(int64_t) const {}
    INLINE Vector begin(int64_t) const { return Vector{}; }
    template <int COUNT>
    INLINE void end(int64_t, const Vector (&gradient)[COUNT]) {
        UNROLL
        for (int i = 0; i < COUNT; ++i) squares[i] += gradient[i] * gradient[i];
    }
    INLINE float total() const { return sum((squares[0] + squares[1]) + (squares[2] + squares[3])); }
};

// w ← w - shrinkage · w + sum: the deltas were multiplied by minus the learning rate and all else.
struct Descent {
    static constexpr bool copies = true;
    float* parameters;
    float shrinkage;
    Bits seen{};

    INLINE bool cut() const { return false; }
    INLINE void expect(int64_t) const {}
    INLINE Vector begin(int64_t at) const {
        const Vector w = load(parameters + at);
        return w - shrinkage * w;
    }
    template <int COUNT>
    INLINE void end(int64_t at, const Vector (&w)[COUNT]) {
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            store(parameters + at + i * LANES, w[i]);
            watch(seen, w[i]);
        }
    }
};

// The same with sums cut off at ±limit.
struct LimitedDescent {
    static constexpr bool copies = true;
    float* parameters;
    float shrinkage, limit;
    Bits seen{}, largest{};

    INLINE bool cut() const { return exceeds(largest, limit); }
    INLINE void expect(int64_t) const {}
    INLINE Vector begin(int64_t) const { return Vector{}; }
    template <int COUNT>
    INLINE void end(int64_t at, const Vector (&step)[COUNT]) {
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            Vector w = load(parameters + at + i * LANES);
            w -= shrinkage * w;
            watch(largest, step[i]);
            w += bounded(step[i], all(-limit), all(limit));
            store(parameters + at + i * LANES, w);
            watch(seen, w);
        }
    }
};

// What the optimizers that remember multiply by in one step of one run, counted from 1.
struct Coefficients {
    float rate, decay, kept, kept_square, share, offset;

    Coefficients(const Common& common, float rate, int64_t step)
        : rate(rate), decay(float(common.decay)), kept(float(common.keywords[0])) {
        if (common.optimizer < ADAM) return;
        const double first = common.keywords[0], second = common.keywords[1], epsilon = common.keywords[2];
        const double square_share = std::sqrt((1.0 - second) / (1.0 - std::pow(second, double(step))));
        kept_square = float(second), offset = float(epsilon / square_share);
        share = float(double(rate) * (1.0 - first) / (1.0 - std::pow(first, double(step))) / square_share);
    }
};

// The optimizers that remember: `move` is one step of some weights, operation by operation, because a weight's operations
// wait for each other. `found` is the mean gradient, `memory` what is remembered.
struct Momentum {
    static constexpr int MEMORIES = 1;
    float rate, decay, kept;

    Momentum(const Coefficients& of) : rate(of.rate), decay(of.decay), kept(of.kept) {}

    template <int COUNT>
    INLINE void move(Vector (&w)[COUNT], Vector (&memory)[MEMORIES][COUNT], const Vector (&found)[COUNT]) const {
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            memory[0][i] = kept * memory[0][i] + (found[i] + decay * w[i]);
            w[i] -= rate * memory[0][i];
        }
    }
};

struct Nesterov : Momentum {
    using Momentum::Momentum;

    template <int COUNT>
    INLINE void move(Vector (&w)[COUNT], Vector (&memory)[MEMORIES][COUNT], const Vector (&found)[COUNT]) const {
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            const Vector gradient = found[i] + decay * w[i];
            memory[0][i] = kept * memory[0][i] + gradient;
            w[i] -= rate * (gradient + kept * memory[0][i]);
        }
    }
};

// What it remembers is divided by 1 - beta1 and 1 - beta2, and what a step multiplies by is put together:
// w ← w - share · mean / (√square + offset).
template <bool ESTIMATED>
struct Adam {
    static constexpr int MEMORIES = 2;
    float decay, kept, kept_square, share, offset;

    Adam(const Coefficients& of)
        : decay(of.decay), kept(of.kept), kept_square(of.kept_square), share(of.share), offset(of.offset) {}

    template <int COUNT>
    INLINE void move(Vector (&w)[COUNT], Vector (&memory)[MEMORIES][COUNT], const Vector (&found)[COUNT]) const {
        Vector size[COUNT];
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            const Vector gradient = found[i] + decay * w[i];
            memory[0][i] = kept * memory[0][i] + gradient;
            memory[1][i] = kept_square * memory[1][i] + squared(gradient);
        }
        UNROLL
        for (int i = 0; i < COUNT; ++i) size[i] = root_of(memory[1][i]) + offset;
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            Vector quotient = memory[0][i] / size[i];
            if (ESTIMATED) quotient = memory[1][i] == INFINITY ? 0.0f * memory[0][i] : quotient;
            w[i] -= share * quotient;
        }
    }

   private:
    // The estimate of 1/√0 is infinite, so nothing that is estimated is zero.
    static INLINE Vector squared(Vector x) { return ESTIMATED ? x * x + 1.17549435e-38f : x * x; }

    // The estimate is corrected by a step of Newton's; not a number if x is infinite.
    static INLINE Vector root_of(Vector x) {
        if (!ESTIMATED) return root(x);
        const Vector inverse = inverse_root(x), estimate = x * inverse;
        return estimate * (1.5f - 0.5f * (inverse * estimate));
    }
};

// A step by one of them; sums are mean gradients, and cut off at ±limit if LIMITED.
template <class Method, bool LIMITED>
struct Remembering {
    static constexpr bool copies = true;
    Method method;
    float *parameters, *memory[Method::MEMORIES];
    float limit;
    Bits seen{}, largest{};

    Remembering(const Method& method, const Run& run)
        : method(method), parameters(run.parameters), limit(run.value_limit) {
        std::copy_n(run.memory, Method::MEMORIES, memory);
    }

    INLINE bool cut() const { return LIMITED && exceeds(largest, limit); }
    INLINE void expect(int64_t at) const {
        UNROLL
        for (int i = 0; i < 2 * LANES; i += PAD) {
            __builtin_prefetch(parameters + at + i, 1);
            UNROLL
            for (int m = 0; m < Method::MEMORIES; ++m) __builtin_prefetch(memory[m] + at + i, 1);
        }
    }
    INLINE Vector begin(int64_t) const { return Vector{}; }
    template <int COUNT>
    INLINE void end(int64_t at, const Vector (&sums)[COUNT]) {
        Vector w[COUNT], remembered[Method::MEMORIES][COUNT], found[COUNT];
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            found[i] = sums[i];
            if (LIMITED) {
                watch(largest, found[i]);
                found[i] = bounded(found[i], all(-limit), all(limit));
            }
            w[i] = load(parameters + at + i * LANES);
            UNROLL
            for (int m = 0; m < Method::MEMORIES; ++m) remembered[m][i] = load(memory[m] + at + i * LANES);
        }
        method.move(w, remembered, found);
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            UNROLL
            for (int m = 0; m < Method::MEMORIES; ++m) store(memory[m] + at + i * LANES, remembered[m][i]);
            store(parameters + at + i * LANES, w[i]);
            watch(seen, w[i]);
        }
    }
};
