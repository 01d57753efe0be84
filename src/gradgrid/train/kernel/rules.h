// What is done with the sum over the images that is a parameter's gradient: updates, and squares for norms.
// Included once for each instruction set (kernel.cpp).

// Vectors of weights side by side where an optimizer remembers, because each operation on one waits for the one before.
constexpr int CHAINS = LANES == 16 ? 8 : 6;

// What is done with every parameter: `begin(at)` gives what the sum over the images begins with, `end(at, sums)` finishes
// some neighbours. `at` counts from the beginning of the run's parameters; `expect(at)` says that it will soon be there.
// What is written is watched for values that are not finite. Where sums are most of the work, those over at most
// UNROLLED images have no loops.

// Changes no parameters: adds up the squares, and keeps the sums if KEEPING.
template <bool KEEPING>
struct Measure {
    static constexpr int UNROLLED = 10;
    float* sums;
    Vector squares[4]{};

    INLINE void expect(int64_t) const {}
    INLINE Vector begin(int64_t) const { return Vector{}; }
    template <int COUNT>
    INLINE void end(int64_t at, const Vector (&gradient)[COUNT]) {
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            if (KEEPING) store(sums + at + i * LANES, gradient[i]);
            squares[i] += gradient[i] * gradient[i];
        }
    }
    INLINE float total() const { return sum((squares[0] + squares[1]) + (squares[2] + squares[3])); }
};

// w ← w - shrinkage · w + sum: the deltas were multiplied by minus the learning rate and all else.
struct Descent {
    static constexpr int UNROLLED = 10;
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
    static constexpr int UNROLLED = 10;
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
    float rate, decay, kept, kept_square, share, offset, twice_share, twice_offset;

    Coefficients(const Common& common, float rate, int64_t step)
        : rate(rate), decay(float(common.decay)), kept(float(common.keywords[0])) {
        if (common.optimizer < ADAM) return;
        const double first = common.keywords[0], second = common.keywords[1], epsilon = common.keywords[2];
        const double square_share = std::sqrt((1.0 - second) / (1.0 - std::pow(second, double(step))));
        kept_square = float(second), offset = float(epsilon / square_share);
        share = float(double(rate) * (1.0 - first) / (1.0 - std::pow(first, double(step))) / square_share);
        twice_share = 2.0f * share, twice_offset = 2.0f * offset;
    }
};

// The optimizers that remember: `move` is one step of some weights, operation by operation, because a weight's operations
// wait for each other. `found` is the mean gradient, `memory` what is remembered. `Exact`: what is done where the result
// is not finite, in case that it is one of estimates alone.
struct Momentum {
    using Exact = Momentum;
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
    using Exact = Nesterov;
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
struct ExactAdam {
    using Exact = ExactAdam;
    static constexpr int MEMORIES = 2;
    float decay, kept, kept_square, share, offset;

    ExactAdam(const Coefficients& of)
        : decay(of.decay), kept(of.kept), kept_square(of.kept_square), share(of.share), offset(of.offset) {}

    template <int COUNT>
    INLINE void move(Vector (&w)[COUNT], Vector (&memory)[MEMORIES][COUNT], const Vector (&found)[COUNT]) const {
        Vector size[COUNT];
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            const Vector gradient = found[i] + decay * w[i];
            memory[0][i] = kept * memory[0][i] + gradient;
            memory[1][i] = kept_square * memory[1][i] + gradient * gradient;
        }
        UNROLL
        for (int i = 0; i < COUNT; ++i) size[i] = root(memory[1][i]) + offset;
        UNROLL
        for (int i = 0; i < COUNT; ++i) w[i] -= share * (memory[0][i] / size[i]);
    }
};

// The same with roots and quotients that are estimated to 14 bits and corrected by a step of Newton's: √x = e (3 - e/x e) / 2
// of an estimate e, and q + (x - y q) e of a quotient q = x e. Not a number where a square is infinite; nothing that is
// estimated is zero, because the estimate of 1/√0 is infinite. One weight after the other, so that all stay in registers.
struct EstimatedAdam : ExactAdam {
    float twice_share, twice_offset;

    EstimatedAdam(const Coefficients& of)
        : ExactAdam(of), twice_share(of.twice_share), twice_offset(of.twice_offset) {}

    template <int COUNT>
    INLINE void move(Vector (&w)[COUNT], Vector (&memory)[MEMORIES][COUNT], const Vector (&found)[COUNT]) const {
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            const Vector gradient = found[i] + decay * w[i];
            Vector &mean = memory[0][i], &square = memory[1][i];
            mean = kept * mean + gradient;
            square = kept_square * square + (gradient * gradient + 1.17549435e-38f);
            const Vector inverse_of_root = inverse_root(square), root = square * inverse_of_root;
            const Vector twice_size = root * (3.0f - inverse_of_root * root) + twice_offset;
            const Vector inverse_of_size = inverse(twice_size), quotient = mean * inverse_of_size;
            w[i] -= twice_share * (quotient + (mean - twice_size * quotient) * inverse_of_size);
        }
    }
};

// What an instruction set takes that may estimate.
using QuickAdam = std::conditional_t<ESTIMATES, EstimatedAdam, ExactAdam>;

// A step by one of them; sums are mean gradients, and cut off at ±limit if LIMITED.
template <class Method, bool LIMITED>
struct Remembering {
    static constexpr int UNROLLED = 0;
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
        Vector found[COUNT];
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            found[i] = sums[i];
            if (LIMITED) {
                watch(largest, found[i]);
                found[i] = bounded(found[i], all(-limit), all(limit));
            }
        }
        if (__builtin_expect(!move(method, at, found), false)) {
            forget(at);
            move(typename Method::Exact(method), at, found);
        }
    }

   private:
    // The compiler is to read and compute anew what depends on this: it would keep addresses in vector registers.
    static INLINE void forget(int64_t& at) { asm("" : "+r"(at)); }

    // Whether the weights stayed finite; if not, they have moved only where that is exact.
    template <class By, int COUNT>
    INLINE bool move(const By& by, int64_t at, const Vector (&found)[COUNT]) {
        Vector w[COUNT], remembered[Method::MEMORIES][COUNT];
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            w[i] = load(parameters + at + i * LANES);
            UNROLL
            for (int m = 0; m < Method::MEMORIES; ++m) remembered[m][i] = load(memory[m] + at + i * LANES);
        }
        by.move(w, remembered, found);
        forget(at);
        constexpr bool exact = std::is_same_v<By, typename Method::Exact>;
        if (!exact && !finite(w)) return false;
        UNROLL
        for (int i = 0; i < COUNT; ++i) {
            UNROLL
            for (int m = 0; m < Method::MEMORIES; ++m) store(memory[m] + at + i * LANES, remembered[m][i]);
            store(parameters + at + i * LANES, w[i]);
            if (exact) watch(seen, w[i]);
        }
        return true;
    }
};
