// What the kernel is told, the same for every instruction set. Python has its twin in train/native.py.
#pragma once
#include <chrono>
#include <cstdint>

constexpr int64_t PAD = 16;  // rows are filled up to a multiple of this many floats: 64 bytes

constexpr int64_t padded(int64_t count) { return (count + PAD - 1) / PAD * PAD; }

struct Shape {
    int64_t inputs, width, depth, classes;
};

// Where the parts of one run's parameters begin, in floats. The table is layer 1's, [inputs + 1, width]: weights =
// scale · table, and the last row, always zero, stands for no pixel. Of the other layers the weights are kept twice,
// [in, out] for the way up and [out, in] for the way down. The biases come last, layer by layer.
struct Layout {
    Shape shape;
    int64_t wide, last;  // padded width and classes

    explicit Layout(const Shape& of) : shape(of), wide(padded(of.width)), last(padded(of.classes)) {}

    int64_t neurons(int64_t layer) const { return layer > shape.depth ? shape.classes : shape.width; }
    int64_t row(int64_t layer) const { return layer > shape.depth ? last : wide; }
    int64_t upward(int64_t layer) const {  // layers 2 … depth+1
        return (shape.inputs + 1) * wide + (layer - 2) * 2 * shape.width * wide;
    }
    int64_t downward(int64_t layer) const { return upward(layer) + shape.width * row(layer); }
    int64_t biases(int64_t layer) const {
        return downward(shape.depth + 1) + shape.classes * wide + (layer - 1) * wide;
    }
    int64_t size() const { return biases(shape.depth + 1) + last; }
};

enum Loss : int64_t { CROSS_ENTROPY, SOFTMAX_CROSS_ENTROPY, QUADRATIC };

// The last is Adam by an instruction set that estimates roots (kernel.cpp).
enum Optimizer : int64_t { SGD, MOMENTUM, NESTEROV, ADAM, ESTIMATED_ADAM };

// What all runs of a stack have in common.
struct Common {
    Shape shape;
    int64_t loss, optimizer, activation;
    int64_t minibatch;     // images in a step
    int64_t fold;          // layer 1's scale is multiplied into its table after every so many steps of an epoch
    double decay;          // the book's lambda/n
    double keywords[3];    // of the optimizer
    float parameter;       // of the activation
};

// One run. `parameters` and what the optimizer remembers, `memory`, have the same layout.
struct Run {
    float *parameters, *memory[2];
    double scale;
    float rate, norm_limit, value_limit;
    int64_t taken;                  // steps so far
    int64_t diverged, layer;        // the step, from 1, that left something that is not finite (-1: none yet)
};

// The training images: those of image i are entries offsets[i] up to offsets[i + 1]. Targets are one-hot [n, classes].
struct Images {
    const int32_t *offsets, *pixels;
    const float *values, *targets;
};

// What is told of each step: the norm of the gradient before clipping [steps, runs], where there is any, and whether
// clipping changed it; and, unless it is null, the norm of each layer's gradient [steps, runs, 2, depth + 1], of biases
// and of weights.
struct Told {
    float* norms;
    uint8_t* clipped;
    float* layers;
};

// The parts of a step, for a profile: native.PARTS has their names.
enum Part { GATHERING, FIRST_FORWARD, UPPER_FORWARD, BACKWARD, NORMS, UPPER_UPDATE, FIRST_UPDATE, PARTS };

// Told when a part ends. Silent tells nobody, and costs nothing; Watch adds up seconds.
struct Silent {
    void operator()(Part) const {}
};
struct Watch {
    using Clock = std::chrono::steady_clock;
    double* seconds;
    Clock::time_point last = Clock::now();
    void operator()(Part part) {
        const Clock::time_point now = Clock::now();
        seconds[part] += std::chrono::duration<double>(now - last).count();
        last = now;
    }
};

// While it lives, numbers below 2^-126 are zero; else each operation with such a number would take an Intel processor a
// hundred times as long. They are common: gradients that vanish, the tails of GELU and ELU, and, under Adam, weights of
// pixels that no image has.
struct FlushToZero {
#if defined(__x86_64__)
    uint32_t before;

    FlushToZero() {
        asm volatile("stmxcsr %0" : "=m"(before)::"memory");
        set(before | 0x8040);
    }
    ~FlushToZero() { set(before); }
    static void set(uint32_t control) { asm volatile("ldmxcsr %0" ::"m"(control) : "memory"); }
#endif
};
