// The parts of a step, layer by layer: forward, loss, backward, and visits of all parameters.
// Included once for each instruction set (kernel.cpp).

using Activate = void (*)(float* z, float* slopes, int64_t rows, int64_t width, float parameter);

template <class Function>
void activate(float* z, float* slopes, int64_t rows, int64_t width, float parameter) {
    const Function function(&parameter);
    const int64_t wide = padded(width);
    for (int64_t column = 0; column < wide; column += LANES) {
        const Vector mask = first(width - column);
        for (int64_t at = column; at < rows * wide; at += wide) {
            Vector value = load(z + at), slope;
            function(value, slope);
            store(z + at, value * mask);
            store(slopes + at, slope * mask);
        }
    }
}

constexpr Activate ACTIVATIONS[] = {
    activate<Identity>, activate<Sigmoid>, activate<Tanh>, activate<LecunTanh>, activate<Hardtanh>, activate<Softsign>,
    activate<Relu>, activate<LeakyRelu>, activate<Elu>, activate<Selu>, activate<Gelu>, activate<Silu>,
};

// Memory for one run's step. Layers count from 1; of layer l there are activations and slopes [images, width] up to
// depth, and deltas [images, neurons] up to depth + 1. Where gradients are clipped, the sums over the images are kept,
// laid out as the parameters are, and what each layer's were multiplied by.
class Workspace {
   public:
    Workspace(const Layout& layout, int64_t images)
        : layer(images * std::max(layout.wide, layout.last)),
          size(layout.size()),
          memory((3 * layout.shape.depth + 3) * layer + size + layout.shape.depth + 1 + LANES) {
        begin = memory.data();
        while (reinterpret_cast<uintptr_t>(begin) % (LANES * sizeof(float))) ++begin;
        depth = layout.shape.depth;
    }
    float* activations(int64_t l) const { return begin + (l - 1) * layer; }
    float* slopes(int64_t l) const { return begin + (depth + l - 1) * layer; }
    float* deltas(int64_t l) const { return begin + (2 * depth + l - 1) * layer; }
    float* outputs() const { return begin + (3 * depth + 1) * layer; }
    float* steps() const { return begin + (3 * depth + 2) * layer; }  // deltas times the learning rate, of one layer
    float* sums() const { return begin + (3 * depth + 3) * layer; }
    float& lift(int64_t l) const { return sums()[size + l - 1]; }

   private:
    int64_t layer, size, depth;
    std::vector<float> memory;
    float* begin;
};

// Layer 1's pre-activations: of each image, its pixels' rows of the table, PIXELS at a time.
template <int COLUMNS>
INLINE void first_columns(const Run& run, const Layout& layout, const Minibatch& images, float* z, int64_t column) {
    constexpr int PIXELS = COLUMNS > 2 ? 2 : 8 / COLUMNS;
    const float* table = run.parameters + column;
    const float* biases = run.parameters + layout.biases(1) + column;
    const float scale = float(run.scale);
    for (int64_t i = 0; i < images.size; ++i) {
        Vector totals[PIXELS][COLUMNS]{};
        const uint16_t* pixels = images.pixels.data();
        const float* values = images.values.data();
        for (int64_t e = images.begins[i]; e < images.begins[i + 1]; e += PIXELS) {
            UNROLL
            for (int p = 0; p < PIXELS; ++p) {
                const float* row = table + pixels[e + p] * layout.wide;
                UNROLL
                for (int c = 0; c < COLUMNS; ++c) totals[p][c] += values[e + p] * load(row + c * LANES);
            }
        }
        UNROLL
        for (int c = 0; c < COLUMNS; ++c) {
            Vector total = totals[0][c];
            UNROLL
            for (int p = 1; p < PIXELS; ++p) total += totals[p][c];
            store(z + i * layout.wide + column + c * LANES, scale * total + load(biases + c * LANES));
        }
    }
}

inline void forward_first(const Run& run, const Layout& layout, const Minibatch& images, float* z) {
    int64_t column = 0;
    for (; column + 4 * LANES <= layout.wide; column += 4 * LANES)
        first_columns<4>(run, layout, images, z, column);
    for (; column + 2 * LANES <= layout.wide; column += 2 * LANES)
        first_columns<2>(run, layout, images, z, column);
    for (; column < layout.wide; column += LANES) first_columns<1>(run, layout, images, z, column);
}

// Pre-activations of layer l ≥ 2 from the activations below.
inline void forward_layer(const Run& run, const Layout& layout, int64_t l, int64_t images, const float* below,
                          float* z) {
    const Rows weights{run.parameters + layout.upward(l), layout.row(l)};
    product_to({below, layout.wide, 1}, weights, layout.shape.width, images, layout.row(l),
               run.parameters + layout.biases(l), z);
}

// The outputs from the output layer's z, in place, and dC/dz of each image's own cost.
inline void lose(const Common& common, const Layout& layout, const float* targets, int64_t images, float* outputs,
                 float* deltas) {
    for (int64_t i = 0; i < images; ++i) {
        float* z = outputs + i * layout.last;
        if (common.loss == SOFTMAX_CROSS_ENTROPY) {
            float largest = -INFINITY, total = 0.0f;
            for (int64_t k = 0; k < common.shape.classes; ++k) largest = z[k] > largest ? z[k] : largest;
            for (int64_t k = 0; k < layout.last; k += LANES) {
                const Vector e = exp(load(z + k) - largest) * first(common.shape.classes - k);
                store(z + k, e);
                total += sum(e);
            }
            for (int64_t k = 0; k < layout.last; k += LANES) store(z + k, load(z + k) / total);
        } else {
            for (int64_t k = 0; k < layout.last; k += LANES)
                store(z + k, sigmoid(load(z + k)) * first(common.shape.classes - k));
        }
        for (int64_t k = 0; k < layout.last; k += LANES) {
            const Vector a = load(z + k), error = a - load(targets + i * layout.last + k);
            store(deltas + i * layout.last + k, common.loss == QUADRATIC ? error * a * (1.0f - a) : error);
        }
    }
}

// Deltas of layer l from those of the layer above.
inline void backward_layer(const Run& run, const Layout& layout, int64_t l, int64_t images, const Workspace& work) {
    float* deltas = work.deltas(l);
    const Rows weights{run.parameters + layout.downward(l + 1), layout.wide};
    product_to({work.deltas(l + 1), layout.row(l + 1), 1}, weights, layout.neurons(l + 1), images, layout.wide, nullptr,
               deltas);
    for (int64_t at = 0; at < images * layout.wide; at += LANES)
        store(deltas + at, load(deltas + at) * load(work.slopes(l) + at));
}

// Calls `what` with a number, as a constant where it is at most MOST: loops over it are then unrolled.
template <int MOST, class What>
INLINE void as_constant(int64_t number, const What& what) {
    if constexpr (MOST == 0)
        what(number);
    else if (number == MOST)
        what(std::integral_constant<int64_t, MOST>());
    else
        as_constant<MOST - 1>(number, what);
}

// Layer 1's rows of the pixels that are not zero in every image.
//
// It has a function and a rule of its own for the sake of the registers. A row is finished after the next one's sums, which
// do not wait for its roots and divisions.
template <int COLUMNS, class Rule>
NOINLINE Rule visit_first_columns(Rule rule, const Minibatch& images, int64_t wide, const float* steps,
                                  int64_t column) {
    const uint16_t* rows = images.rows.data();
    const int32_t* members = images.members.data();
    const float* weights = images.weights.data();
    steps += column;
    Vector before[COLUMNS];
    int64_t at_before = -1;
    for (const Minibatch::Group& group : images.groups)
        as_constant<Rule::UNROLLED>(group.images, [&](auto number) __attribute__((always_inline)) {
            for (const uint16_t* last = rows + group.rows; rows < last; ++rows) {
                rule.expect(rows[Minibatch::AHEAD] * wide + column);
                const int64_t at = *rows * wide + column;
                Vector totals[COLUMNS];
                UNROLL
                for (int c = 0; c < COLUMNS; ++c) totals[c] = rule.begin(at + c * LANES);
                for (int64_t m = 0; m < number; ++m, ++members, ++weights)
                    UNROLL
                    for (int c = 0; c < COLUMNS; ++c) totals[c] += *weights * load(steps + *members + c * LANES);
                if (at_before >= 0) rule.end(at_before, before);
                UNROLL
                for (int c = 0; c < COLUMNS; ++c) before[c] = totals[c];
                at_before = at;
            }
        });
    if (at_before >= 0) rule.end(at_before, before);
    return rule;
}

template <class Rule>
INLINE void visit_first(Rule& rule, const Layout& layout, const Minibatch& images, const float* steps) {
    int64_t column = 0;
    for (; column + 2 * LANES <= layout.wide; column += 2 * LANES)
        rule = visit_first_columns<2>(rule, images, layout.wide, steps, column);
    for (; column < layout.wide; column += LANES)
        rule = visit_first_columns<1>(rule, images, layout.wide, steps, column);
}

// The same where the sums are there already.
template <int COLUMNS, class Rule>
NOINLINE Rule visit_first_sums(Rule rule, const Minibatch& images, int64_t wide, const float* sums, float factor,
                               int64_t column) {
    const uint16_t *rows = images.rows.data(), *last = rows + images.rows.size() - Minibatch::AHEAD;
    for (; rows < last; ++rows) {
        rule.expect(rows[Minibatch::AHEAD] * wide + column);
        const int64_t at = *rows * wide + column;
        Vector totals[COLUMNS];
        UNROLL
        for (int c = 0; c < COLUMNS; ++c) {
            totals[c] = rule.begin(at + c * LANES);
            totals[c] += factor * load(sums + at + c * LANES);
        }
        rule.end(at, totals);
    }
    return rule;
}

template <class Rule>
INLINE void visit_first_sums(Rule& rule, const Layout& layout, const Minibatch& images, const float* sums,
                             float factor) {
    int64_t column = 0;
    for (; column + 2 * LANES <= layout.wide; column += 2 * LANES)
        rule = visit_first_sums<2>(rule, images, layout.wide, sums, factor, column);
    for (; column < layout.wide; column += LANES)
        rule = visit_first_sums<1>(rule, images, layout.wide, sums, factor, column);
}

// Parameters that stand together, of which the sums are there already.
template <class Rule>
INLINE void visit_sums(Rule& rule, int64_t begin, int64_t count, const float* sums, float factor) {
    for (int64_t at = begin; at < begin + count; at += LANES) {
        Vector total[] = {rule.begin(at)};
        total[0] += factor * load(sums + at);
        rule.end(at, total);
    }
}

template <class Rule>
INLINE void visit_biases(Rule& rule, const Layout& layout, int64_t l, int64_t images, const float* steps) {
    const int64_t row = layout.row(l);
    for (int64_t column = 0; column < row; column += LANES) {
        Vector total[] = {rule.begin(layout.biases(l) + column)};
        for (int64_t i = 0; i < images; ++i) total[0] += load(steps + i * row + column);
        rule.end(layout.biases(l) + column, total);
    }
}

// The weights of layer l ≥ 2.
template <class Rule>
INLINE void visit_layer(Rule& rule, const Layout& layout, int64_t l, int64_t images, const float* below,
                        const float* steps) {
    const int64_t row = layout.row(l), upward = layout.upward(l);
    product(
        Factor{below, 1, layout.wide}, Rows{steps, row}, images, layout.shape.width, row,
        [&](int64_t in, int64_t column) { return rule.begin(upward + in * row + column); },
        [&](int64_t in, int64_t column, const auto& totals) { rule.end(upward + in * row + column, totals); });
}

// Copies the weights of layer l ≥ 2 from [in, out] to [out, in], for the way down.
NOINLINE void copy_down(float* parameters, const Layout& layout, int64_t l) {
    const int64_t row = layout.row(l), width = layout.shape.width, neurons = layout.neurons(l);
    const float* up = parameters + layout.upward(l);
    float* down = parameters + layout.downward(l);
    for (int64_t in = 0; in < width; in += LANES)
        for (int64_t out = 0; out < neurons; out += LANES) {
            Vector block[LANES];
            for (int i = 0; i < LANES; ++i) block[i] = in + i < width ? load(up + (in + i) * row + out) : Vector{};
            transpose(block);
            for (int i = 0; i < LANES && out + i < neurons; ++i)
                store(down + (out + i) * layout.wide + in, block[i]);
        }
}

INLINE void multiply(const float* from, float factor, int64_t count, float* to) {
    for (int64_t at = 0; at < count; at += LANES) store(to + at, factor * load(from + at));
}
