// Steps of one run at a time, its parameters in the processor's cache. Included once for each instruction set.
//
// The same computation as train/network.py, train/losses.py, train/clipping.py and train/updates.py.

// --- products -------------------------------------------------------------------------------------------------------

// Where a factor's element (row, k) stands, and where row k of the other factor begins.
struct Factor {
    const float* at;
    int64_t row, k;
};
struct Rows {
    const float* at;
    int64_t stride;
};

// ROWS x (COLUMNS · LANES) elements of a product over `count` terms, kept in registers meanwhile. `begin(row, column)`
// gives what an element begins with, `end(row, column, element)` takes it.
template <int ROWS, int COLUMNS, class Begin, class End>
INLINE void tile(Factor a, Rows b, int64_t count, int64_t row, int64_t column, const Begin& begin, const End& end) {
    Vector totals[ROWS][COLUMNS];
    UNROLL
    for (int r = 0; r < ROWS; ++r)
        UNROLL
        for (int c = 0; c < COLUMNS; ++c) totals[r][c] = begin(row + r, column + c * LANES);
    const float* left = a.at + row * a.row;
    const float* right = b.at + column;
    for (int64_t k = 0; k < count; ++k, left += a.k, right += b.stride) {
        Vector of[COLUMNS];
        UNROLL
        for (int c = 0; c < COLUMNS; ++c) of[c] = load(right + c * LANES);
        UNROLL
        for (int r = 0; r < ROWS; ++r)
            UNROLL
            for (int c = 0; c < COLUMNS; ++c) totals[r][c] += left[r * a.row] * of[c];
    }
    UNROLL
    for (int r = 0; r < ROWS; ++r)
        UNROLL
        for (int c = 0; c < COLUMNS; ++c) end(row + r, column + c * LANES, totals[r][c]);
}

template <int ROWS, class Begin, class End>
INLINE void stripe(Factor a, Rows b, int64_t count, int64_t row, int64_t columns, const Begin& begin, const End& end) {
    int64_t column = 0;
    for (; column + TILE_COLUMNS * LANES <= columns; column += TILE_COLUMNS * LANES)
        tile<ROWS, TILE_COLUMNS>(a, b, count, row, column, begin, end);
    for (; column < columns; column += LANES) tile<ROWS, 1>(a, b, count, row, column, begin, end);
}

// The product [rows, columns] of a [rows, count] and b [count, columns]; `columns` are a multiple of LANES.
template <class Begin, class End>
INLINE void product(Factor a, Rows b, int64_t count, int64_t rows, int64_t columns, const Begin& begin,
                    const End& end) {
    int64_t row = 0;
    for (; row + TILE_ROWS <= rows; row += TILE_ROWS) stripe<TILE_ROWS>(a, b, count, row, columns, begin, end);
    for (; row < rows; ++row) stripe<1>(a, b, count, row, columns, begin, end);
}

// The same product where an element of it is not finite. Fused multiplication and addition does not round products, so
// that infinity minus a product out of range is infinity; in PyTorch, which adds in another order, it is not a number.
// Here products are rounded on their own, and opposite infinities never give a number.
inline void careful_product(Factor a, Rows b, int64_t count, int64_t rows, int64_t columns, const float* biases,
                            float* out) {
    for (int64_t row = 0; row < rows; ++row)
        for (int64_t column = 0; column < columns; ++column) {
            float total = biases ? biases[column] : 0.0f;
            for (int64_t k = 0; k < count; ++k) {
                volatile float term = a.at[row * a.row + k * a.k] * b.at[k * b.stride + column];
                total += term;
            }
            out[row * columns + column] = total;
        }
}

// The product with `biases` [columns], if there are any, written to `out` [rows, columns].
INLINE void product_to(Factor a, Rows b, int64_t count, int64_t rows, int64_t columns, const float* biases,
                       float* out) {
    Vector seen{};
    product(
        a, b, count, rows, columns,
        [&](int64_t, int64_t column) { return biases ? load(biases + column) : Vector{}; },
        [&](int64_t row, int64_t column, Vector total) {
            store(out + row * columns + column, total);
            watch(seen, total);
        });
    if (!good(seen)) careful_product(a, b, count, rows, columns, biases, out);
}

// --- updates --------------------------------------------------------------------------------------------------------

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

// --- a run's step ---------------------------------------------------------------------------------------------------

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
// depth, and deltas [images, neurons] up to depth + 1.
class Workspace {
   public:
    Workspace(const Layout& layout, int64_t images)
        : layer(images * std::max(layout.wide, layout.last)),
          memory((3 * layout.shape.depth + 3) * layer + LANES) {
        begin = memory.data();
        while (reinterpret_cast<uintptr_t>(begin) % (LANES * sizeof(float))) ++begin;
        depth = layout.shape.depth;
    }
    float* activations(int64_t l) const { return begin + (l - 1) * layer; }
    float* slopes(int64_t l) const { return begin + (depth + l - 1) * layer; }
    float* deltas(int64_t l) const { return begin + (2 * depth + l - 1) * layer; }
    float* outputs() const { return begin + (3 * depth + 1) * layer; }
    float* steps() const { return begin + (3 * depth + 2) * layer; }  // deltas times the learning rate, of one layer

   private:
    int64_t layer, depth;
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

// Layer 1's rows of pixels that are not zero in every image.
template <int COLUMNS, class Rule>
INLINE void visit_first_columns(Rule& rule, const Layout& layout, const Minibatch& images, const float* steps,
                                 int64_t column) {
    const uint16_t *rows = images.rows.data(), *members = images.members.data();
    const float* weights = images.weights.data();
    for (const Minibatch::Group& group : images.groups) {
        for (int64_t n = 0; n < group.rows; ++n, ++rows) {
            const int64_t at = *rows * layout.wide + column;
            Vector totals[COLUMNS];
            UNROLL
            for (int c = 0; c < COLUMNS; ++c) totals[c] = rule.begin(at + c * LANES);
            for (int64_t m = 0; m < group.images; ++m, ++members, ++weights) {
                const float* step = steps + *members * layout.wide + column;
                UNROLL
                for (int c = 0; c < COLUMNS; ++c) totals[c] += *weights * load(step + c * LANES);
            }
            UNROLL
            for (int c = 0; c < COLUMNS; ++c) rule.end(at + c * LANES, totals[c]);
        }
    }
}

template <class Rule>
INLINE void visit_first(Rule& rule, const Layout& layout, const Minibatch& images, const float* steps) {
    int64_t column = 0;
    for (; column + 2 * LANES <= layout.wide; column += 2 * LANES)
        visit_first_columns<2>(rule, layout, images, steps, column);
    for (; column < layout.wide; column += LANES) visit_first_columns<1>(rule, layout, images, steps, column);
}

template <class Rule>
INLINE void visit_biases(Rule& rule, const Layout& layout, int64_t l, int64_t images, const float* steps) {
    const int64_t row = layout.row(l);
    for (int64_t column = 0; column < row; column += LANES) {
        Vector total = rule.begin(layout.biases(l) + column);
        for (int64_t i = 0; i < images; ++i) total += load(steps + i * row + column);
        rule.end(layout.biases(l) + column, total);
    }
}

// The weights of layer l ≥ 2, and their copies: the same sums in the same order, so that they stay the same.
template <class Rule>
INLINE void visit_layer(Rule& rule, const Layout& layout, int64_t l, int64_t images, const float* below,
                         const float* steps) {
    const int64_t row = layout.row(l), upward = layout.upward(l), downward = layout.downward(l);
    product(
        Factor{below, 1, layout.wide}, Rows{steps, row}, images, layout.shape.width, row,
        [&](int64_t in, int64_t column) { return rule.begin(upward + in * row + column); },
        [&](int64_t in, int64_t column, Vector total) { rule.end(upward + in * row + column, total); });
    if (!Rule::copies) return;
    product(
        Factor{steps, 1, row}, Rows{below, layout.wide}, images, layout.neurons(l), layout.wide,
        [&](int64_t out, int64_t column) { return rule.begin(downward + out * layout.wide + column); },
        [&](int64_t out, int64_t column, Vector total) {
            rule.end(downward + out * layout.wide + column, total);
        });
}

INLINE void multiply(const float* from, float factor, int64_t count, float* to) {
    for (int64_t at = 0; at < count; at += LANES) store(to + at, factor * load(from + at));
}

// What parameters a rule is for. Layer 1's table is kept divided by the run's scale, which takes its weight decay on.
enum class Kind { TABLE, WEIGHTS, BIASES };

struct Outcome {
    bool finite, cut;  // whether all parameters stayed finite, and whether a gradient was cut off at a limit
};

// The update by the rules that `rule_for(kind)` makes, with the sums over the images of deltas times `factor`; for layer
// 1's table times `first_factor`.
template <class RuleFor, class Tell>
INLINE Outcome update(const Layout& layout, const Minibatch& images, const Workspace& work, float factor,
                      float first_factor, const RuleFor& rule_for, Tell& tell) {
    auto table = rule_for(Kind::TABLE), weights = rule_for(Kind::WEIGHTS), biases = rule_for(Kind::BIASES);
    float* steps = work.steps();
    for (int64_t l = layout.shape.depth + 1; l > 1; --l) {
        multiply(work.deltas(l), factor, images.size * layout.row(l), steps);
        visit_layer(weights, layout, l, images.size, work.activations(l - 1), steps);
        visit_biases(biases, layout, l, images.size, steps);
    }
    multiply(work.deltas(1), factor, images.size * layout.wide, steps);
    visit_biases(biases, layout, 1, images.size, steps);
    tell(UPPER_UPDATE);
    if (first_factor != factor) multiply(work.deltas(1), first_factor, images.size * layout.wide, steps);
    visit_first(table, layout, images, steps);
    tell(FIRST_UPDATE);
    const bool finite = good(table.seen) && good(weights.seen) && good(biases.seen);
    return {finite, table.cut() || weights.cut() || biases.cut()};
}

// Norms of each layer's mean gradient, of its biases and of its weights, [2, depth + 1]; returns that of all together.
inline float gradient_norms(const Layout& layout, const Minibatch& images, const Workspace& work, float* norms) {
    const int64_t layers = layout.shape.depth + 1;
    float *steps = work.steps(), squares = 0.0f;
    for (int64_t l = 1; l <= layers; ++l) {
        Measure biases, weights;
        multiply(work.deltas(l), 1.0f / float(images.size), images.size * layout.row(l), steps);
        visit_biases(biases, layout, l, images.size, steps);
        if (l > 1)
            visit_layer(weights, layout, l, images.size, work.activations(l - 1), steps);
        else
            visit_first(weights, layout, images, steps);
        const float of_biases = sum(biases.squares), of_weights = sum(weights.squares);
        squares += of_biases + of_weights;
        if (norms) norms[l - 1] = std::sqrt(of_biases), norms[layers + l - 1] = std::sqrt(of_weights);
    }
    return std::sqrt(squares);
}

template <class Tell>
inline Outcome descend(const Common& common, const Layout& layout, Run& run, const Minibatch& images,
                       const Workspace& work, float norm_factor, Tell& tell) {
    const float decay = float(double(run.rate) * common.decay);
    run.scale -= run.scale * (double(run.rate) * common.decay);
    const float factor = -run.rate * norm_factor, first_factor = factor / float(run.scale);
    if (run.value_limit == INFINITY)
        return update(layout, images, work, factor, first_factor, [&](Kind kind) {
            return Descent{run.parameters, kind == Kind::WEIGHTS ? decay : 0.0f};
        }, tell);
    const float limit = run.rate * run.value_limit;
    return update(layout, images, work, factor, first_factor, [&](Kind kind) {
        const float own = kind == Kind::TABLE ? limit / float(run.scale) : limit;
        return LimitedDescent{run.parameters, kind == Kind::WEIGHTS ? decay : 0.0f, own};
    }, tell);
}

template <class Rule, class Tell>
INLINE Outcome remember(const Common& common, const Layout& layout, Run& run, const Minibatch& images,
                        const Workspace& work, float norm_factor, Tell& tell) {
    const double steps = double(run.taken + 1);
    return update(layout, images, work, norm_factor, norm_factor, [&](Kind kind) {
        Rule rule{};
        rule.parameters = run.parameters;
        rule.memory = run.memory;
        rule.rate = run.rate;
        rule.decay = kind == Kind::BIASES ? 0.0f : float(common.decay);
        rule.limit = run.value_limit;
        const double first = common.keywords[0], second = common.keywords[1];
        rule.kept = float(first), rule.added = float(1.0 - first);
        rule.kept_square = float(second), rule.added_square = float(1.0 - second);
        rule.mean_share = float(1.0 / (1.0 - std::pow(first, steps)));
        rule.square_share = float(1.0 / (1.0 - std::pow(second, steps)));
        rule.epsilon = float(common.keywords[2]);
        return rule;
    }, tell);
}

INLINE bool all_finite(const float* values, int64_t count) {
    Vector seen{};
    for (int64_t at = 0; at < count; at += LANES) watch(seen, load(values + at));
    return good(seen);
}

// The layer of the first value of a step that is not finite, in the order of computation: activations and outputs
// upwards, deltas downwards, weights upwards, biases upwards. 0: all are finite.
inline int64_t first_bad(const Run& run, const Layout& layout, int64_t images, const Workspace& work) {
    const int64_t depth = layout.shape.depth;
    for (int64_t l = 1; l <= depth; ++l)
        if (!all_finite(work.activations(l), images * layout.wide)) return l;
    if (!all_finite(work.outputs(), images * layout.last)) return depth + 1;
    for (int64_t l = depth + 1; l > 0; --l)
        if (!all_finite(work.deltas(l), images * layout.row(l))) return l;
    if (!all_finite(run.parameters, layout.upward(2))) return 1;
    for (int64_t l = 2; l <= depth + 1; ++l)
        if (!all_finite(run.parameters + layout.downward(l), layout.neurons(l) * layout.wide)) return l;
    for (int64_t l = 1; l <= depth + 1; ++l)
        if (!all_finite(run.parameters + layout.biases(l), layout.row(l))) return l;
    return 0;
}

// Activations of all hidden layers, and the output layer's z.
template <class Tell>
inline void forward(const Common& common, const Layout& layout, const Run& run, const Minibatch& images,
                    const Workspace& work, Tell& tell) {
    const Activate activate = ACTIVATIONS[common.activation];
    for (int64_t l = 1; l <= layout.shape.depth; ++l) {
        if (l == 1) {
            forward_first(run, layout, images, work.activations(1));
            tell(FIRST_FORWARD);
        } else
            forward_layer(run, layout, l, images.size, work.activations(l - 1), work.activations(l));
        activate(work.activations(l), work.slopes(l), images.size, layout.shape.width, common.parameter);
    }
    const int64_t depth = layout.shape.depth;
    forward_layer(run, layout, depth + 1, images.size, work.activations(depth), work.outputs());
}

template <class Tell>
inline void step(const Common& common, const Layout& layout, Run& run, const Minibatch& images, const Workspace& work,
                 float* norm, uint8_t* clipped, float* layers, Tell& tell) {
    const int64_t depth = layout.shape.depth;
    forward(common, layout, run, images, work, tell);
    tell(UPPER_FORWARD);
    lose(common, layout, images.targets.data(), images.size, work.outputs(), work.deltas(depth + 1));
    for (int64_t l = depth; l > 0; --l) backward_layer(run, layout, l, images.size, work);
    tell(BACKWARD);

    const bool limited = run.norm_limit < INFINITY, watched = limited || run.value_limit < INFINITY;
    float norm_factor = 1.0f;
    if (watched || layers) *norm = gradient_norms(layout, images, work, layers);
    if (watched) {
        const float most = run.norm_limit / (*norm + 1e-6f);
        if (limited) norm_factor = most > 1.0f ? 1.0f : most;
    }
    tell(NORMS);
    const float factor = norm_factor * (1.0f / float(images.size));
    Outcome outcome;
    switch (common.optimizer) {
        case SGD: outcome = descend(common, layout, run, images, work, factor, tell); break;
        case MOMENTUM: outcome = remember<Momentum>(common, layout, run, images, work, factor, tell); break;
        case NESTEROV: outcome = remember<Nesterov>(common, layout, run, images, work, factor, tell); break;
        default: outcome = remember<Adam>(common, layout, run, images, work, factor, tell);
    }
    if (watched) *clipped = norm_factor < 1.0f || outcome.cut;
    ++run.taken;
    if (!outcome.finite) {
        run.diverged = run.taken;
        run.layer = first_bad(run, layout, images.size, work);
    }
    if (run.taken % common.fold == 0 && run.scale != 1.0) {
        multiply(run.parameters, float(run.scale), layout.shape.inputs * layout.wide, run.parameters);
        run.scale = 1.0;
        tell(FIRST_UPDATE);
    }
}

// --- what Python calls ----------------------------------------------------------------------------------------------

constexpr int64_t STEPS_AT_ONCE = 32;    // steps of one run before it is another's turn: their images stay in the cache
constexpr int64_t IMAGES_AT_ONCE = 250;  // the same where networks are only read

// Steps of `runs` runs along `order` [count], the numbers of the images; the last step may have fewer.
template <class Tell>
inline void train(const Common& common, Run* runs, int64_t number, const Images& images, const int64_t* order,
                  int64_t count, const Told& told, Tell tell) {
    const Layout layout(common.shape);
    const Workspace work(layout, common.minibatch);
    std::vector<Minibatch> minibatches(STEPS_AT_ONCE);
    const int64_t steps = (count + common.minibatch - 1) / common.minibatch;
    for (int64_t begin = 0; begin < steps; begin += STEPS_AT_ONCE) {
        const int64_t end = std::min(begin + STEPS_AT_ONCE, steps);
        for (int64_t s = begin; s < end; ++s) {
            const int64_t first = s * common.minibatch, size = std::min(common.minibatch, count - first);
            minibatches[s - begin].gather(images, order + first, size, common.shape, common.optimizer != SGD);
        }
        tell(GATHERING);
        for (int64_t r = 0; r < number; ++r)
            for (int64_t s = begin; s < end && runs[r].diverged < 0; ++s)
                step(common, layout, runs[r], minibatches[s - begin], work, told.norms + s * number + r,
                     told.clipped + s * number + r,
                     told.layers ? told.layers + (s * number + r) * 2 * (common.shape.depth + 1) : nullptr, tell);
    }
}

// The output layer's pre-activations [runs, count, classes] of the images from `begin` on.
inline void read(const Common& common, Run* runs, int64_t number, const Images& images, int64_t begin, int64_t count,
                 float* z) {
    const Layout layout(common.shape);
    const Workspace work(layout, IMAGES_AT_ONCE);
    const int64_t classes = common.shape.classes;
    const Silent silent;
    Minibatch some;
    for (int64_t at = 0; at < count; at += IMAGES_AT_ONCE) {
        const int64_t size = std::min(IMAGES_AT_ONCE, count - at);
        some.list(images, nullptr, begin + at, size, common.shape);
        for (int64_t r = 0; r < number; ++r) {
            forward(common, layout, runs[r], some, work, silent);
            for (int64_t i = 0; i < size; ++i)
                std::memcpy(z + ((r * count) + at + i) * classes, work.outputs() + i * layout.last,
                            classes * sizeof(float));
        }
    }
}
