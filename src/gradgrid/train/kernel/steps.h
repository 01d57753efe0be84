// Steps of one run at a time, its parameters in the processor's cache.
// Included once for each instruction set (kernel.cpp).

// The same computation as train/network.py, train/losses.py, train/clipping.py and train/updates.py.

// What parameters a rule is for. Layer 1's table is kept divided by the run's scale, which takes its weight decay on.
enum class Kind { TABLE, WEIGHTS, BIASES };

struct Outcome {
    bool finite, cut;  // whether all parameters stayed finite, and whether a gradient was cut off at a limit
};

// The update by the rules that `rule_for(kind)` makes, with the sums over the images of deltas times `factor`; for layer
// 1's table times `first_factor`. If they are `summed` the sums are there already.
template <class RuleFor, class Tell>
INLINE Outcome update(float* parameters, const Layout& layout, const Minibatch& images, const Workspace& work,
                      bool summed, float factor, float first_factor, const RuleFor& rule_for, Tell& tell) {
    auto table = rule_for(Kind::TABLE), weights = rule_for(Kind::WEIGHTS), biases = rule_for(Kind::BIASES);
    float* steps = work.steps();
    // Layer l's biases; where the sums are not there, its deltas times the factor are in `steps` from then on.
    const auto begin_layer = [&](int64_t l) {
        if (summed)
            visit_sums(biases, layout.biases(l), layout.row(l), work.sums(), factor / work.lift(l));
        else {
            multiply(work.deltas(l), factor, images.size * layout.row(l), steps);
            visit_biases(biases, layout, l, images.size, steps);
        }
    };
    for (int64_t l = layout.shape.depth + 1; l > 1; --l) {
        begin_layer(l);
        if (summed)
            visit_sums(weights, layout.upward(l), layout.shape.width * layout.row(l), work.sums(),
                       factor / work.lift(l));
        else
            visit_layer(weights, layout, l, images.size, work.activations(l - 1), steps);
        copy_down(parameters, layout, l);
    }
    begin_layer(1);
    tell(UPPER_UPDATE);
    if (summed)
        visit_first_sums(table, layout, images, work.sums(), first_factor / work.lift(1));
    else {
        if (first_factor != factor) multiply(work.deltas(1), first_factor, images.size * layout.wide, steps);
        visit_first(table, layout, images, steps);
    }
    tell(FIRST_UPDATE);
    const bool finite = good(table.seen) && good(weights.seen) && good(biases.seen);
    return {finite, table.cut() || weights.cut() || biases.cut()};
}

// Parameters of a run up to which the sums over the images are kept where gradients are clipped, instead of being summed
// up anew for the update. More would not stay in the second cache.
constexpr int64_t SUMS_AT_MOST = 200'000;

// The power of two by which small deltas are multiplied, so that their squares are not flushed to zero: where gradients
// vanish, those of the first layers would be.
inline float lift(const float* deltas, int64_t count) {
    Bits largest{};
    for (int64_t at = 0; at < count; at += LANES) watch(largest, load(deltas + at));
    const float most = greatest(largest);
    return most > 0.0f && most < 1e-12f ? std::ldexp(1.0f, std::min(-std::ilogb(most), 126)) : 1.0f;
}

// Norms of each layer's mean gradient, of its biases and of its weights, [2, depth + 1]; returns that of all together.
// Keeps the sums over the images if KEEPING.
template <bool KEEPING>
inline float gradient_norms(const Layout& layout, const Minibatch& images, const Workspace& work, float* norms) {
    const int64_t layers = layout.shape.depth + 1;
    float* steps = work.steps();
    double squares = 0.0;
    for (int64_t l = 1; l <= layers; ++l) {
        Measure<KEEPING> biases{work.sums()}, weights{work.sums()};
        const int64_t count = images.size * layout.row(l);
        const float lifted = lift(work.deltas(l), count);
        work.lift(l) = lifted / float(images.size);
        multiply(work.deltas(l), work.lift(l), count, steps);
        visit_biases(biases, layout, l, images.size, steps);
        if (l > 1)
            visit_layer(weights, layout, l, images.size, work.activations(l - 1), steps);
        else
            visit_first(weights, layout, images, steps);
        const float of_biases = std::sqrt(biases.total()) / lifted, of_weights = std::sqrt(weights.total()) / lifted;
        squares += double(of_biases) * of_biases + double(of_weights) * of_weights;
        if (norms) norms[l - 1] = of_biases, norms[layers + l - 1] = of_weights;
    }
    return float(std::sqrt(squares));
}

template <class Tell>
inline Outcome descend(const Common& common, const Layout& layout, Run& run, const Minibatch& images,
                       const Workspace& work, bool summed, float norm_factor, Tell& tell) {
    const float decay = float(double(run.rate) * common.decay);
    run.scale -= run.scale * (double(run.rate) * common.decay);
    const float factor = -run.rate * norm_factor, first_factor = factor / float(run.scale);
    if (run.value_limit == INFINITY)
        return update(run.parameters, layout, images, work, summed, factor, first_factor, [&](Kind kind) {
            return Descent{run.parameters, kind == Kind::WEIGHTS ? decay : 0.0f};
        }, tell);
    const float limit = run.rate * run.value_limit;
    return update(run.parameters, layout, images, work, summed, factor, first_factor, [&](Kind kind) {
        const float own = kind == Kind::TABLE ? limit / float(run.scale) : limit;
        return LimitedDescent{run.parameters, kind == Kind::WEIGHTS ? decay : 0.0f, own};
    }, tell);
}

template <class Method, bool LIMITED, class Tell>
INLINE Outcome remember(const Method& method, const Layout& layout, Run& run, const Minibatch& images,
                        const Workspace& work, bool summed, float norm_factor, Tell& tell) {
    return update(run.parameters, layout, images, work, summed, norm_factor, norm_factor, [&](Kind kind) {
        Remembering<Method, LIMITED> rule(method, run);
        if (kind == Kind::BIASES) rule.method.decay = 0.0f;
        return rule;
    }, tell);
}

template <class Method, class Tell>
INLINE Outcome remember(const Method& method, const Layout& layout, Run& run, const Minibatch& images,
                        const Workspace& work, bool summed, float norm_factor, Tell& tell) {
    if (run.value_limit < INFINITY)
        return remember<Method, true>(method, layout, run, images, work, summed, norm_factor, tell);
    return remember<Method, false>(method, layout, run, images, work, summed, norm_factor, tell);
}

INLINE bool all_finite(const float* values, int64_t count) {
    Bits seen{};
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

// Whether everything stayed finite. `coefficients` are for the optimizers that remember.
template <class Tell>
inline bool step(const Common& common, const Layout& layout, Run& run, const Coefficients& coefficients,
                 const Minibatch& images, const Workspace& work, float* norm, uint8_t* clipped, float* layers,
                 Tell& tell) {
    const int64_t depth = layout.shape.depth;
    forward(common, layout, run, images, work, tell);
    tell(UPPER_FORWARD);
    lose(common, layout, images.targets.data(), images.size, work.outputs(), work.deltas(depth + 1));
    for (int64_t l = depth; l > 0; --l) backward_layer(run, layout, l, images.size, work);
    tell(BACKWARD);

    const bool limited = run.norm_limit < INFINITY, watched = limited || run.value_limit < INFINITY;
    float norm_factor = 1.0f;
    const bool summed = watched && layout.size() <= SUMS_AT_MOST;  // not for `layers`: being told changes no numbers
    if (watched || layers)
        *norm = summed ? gradient_norms<true>(layout, images, work, layers)
                       : gradient_norms<false>(layout, images, work, layers);
    if (watched) {
        const float most = run.norm_limit / (*norm + 1e-6f);
        if (limited) norm_factor = most > 1.0f ? 1.0f : most;
    }
    tell(NORMS);
    const float factor = norm_factor * (1.0f / float(images.size));
    Outcome outcome;
    switch (common.optimizer) {
        case SGD: outcome = descend(common, layout, run, images, work, summed, factor, tell); break;
        case MOMENTUM:
            outcome = remember<Momentum>(coefficients, layout, run, images, work, summed, factor, tell);
            break;
        case NESTEROV:
            outcome = remember<Nesterov>(coefficients, layout, run, images, work, summed, factor, tell);
            break;
        case ADAM:
            outcome = remember<ExactAdam>(coefficients, layout, run, images, work, summed, factor, tell);
            break;
        default: outcome = remember<QuickAdam>(coefficients, layout, run, images, work, summed, factor, tell);
    }
    if (watched) *clipped = norm_factor < 1.0f || outcome.cut;
    ++run.taken;
    if (run.taken % common.fold == 0 && run.scale != 1.0) {
        multiply(run.parameters, float(run.scale), layout.shape.inputs * layout.wide, run.parameters);
        run.scale = 1.0;
        tell(FIRST_UPDATE);
    }
    return outcome.finite;
}

constexpr int64_t IMAGES_AT_ONCE = 250;  // where networks are only read

inline int64_t catch_up(const Common& common, const Run& run, const Coefficients* steps, int64_t step,
                        const std::vector<Resters>& resting) {
    switch (common.optimizer) {
        case SGD: return step;
        case MOMENTUM: return catch_up<Momentum>(run, steps, step, resting);
        case NESTEROV: return catch_up<Nesterov>(run, steps, step, resting);
        case ADAM: return catch_up<ExactAdam>(run, steps, step, resting);
        default: return catch_up<QuickAdam>(run, steps, step, resting);
    }
}

// What is told of a step of one run.
struct ToldOfRun {
    const Told& told;
    int64_t runs, run, layers;

    float* norm(int64_t step) const { return told.norms + step * runs + run; }
    uint8_t* clipped(int64_t step) const { return told.clipped + step * runs + run; }
    float* norms(int64_t step) const {
        return told.layers ? told.layers + (step * runs + run) * 2 * layers : nullptr;
    }
};

// A stretch's steps of one run, the first of which is number `first` of all; `resting` [steps + 1] are the weights that
// have rested before each step and after the last.
template <class Tell>
inline void train_run(const Common& common, const Layout& layout, Run& run, const Stretch& stretch,
                      const std::vector<std::vector<Resters>>& resting, const Workspace& work, int64_t first,
                      const ToldOfRun& told, Tell& tell) {
    std::vector<Coefficients> coefficients;
    for (int64_t s = 0; s < stretch.steps; ++s) coefficients.emplace_back(common, run.rate, run.taken + s + 1);
    const int64_t before = run.taken;
    // Whether all is finite of the rows that have rested until step `step`.
    const auto caught_up = [&](int64_t step, const std::vector<Resters>& rested) {
        const int64_t bad = catch_up(common, run, coefficients.data(), step, rested);
        tell(FIRST_UPDATE);
        if (bad < step) run.diverged = before + bad + 1, run.layer = 1;
        return bad == step;
    };
    for (int64_t s = 0; s < stretch.steps; ++s) {
        if (!caught_up(s, resting[s])) return;
        const Minibatch& images = stretch.minibatches[s];
        if (step(common, layout, run, coefficients[s], images, work, told.norm(first + s), told.clipped(first + s),
                 told.norms(first + s), tell))
            continue;
        // what rests may have diverged earlier, or in the same step in a lower layer
        const Rests rests = stretch.resting_after(common.shape, s);
        if (caught_up(s + 1, side_by_side(rests, s + 1, layout.wide)) || run.diverged == run.taken) {
            run.diverged = run.taken;
            run.layer = first_bad(run, layout, images.size, work);
        }
        return;
    }
    caught_up(stretch.steps, resting[stretch.steps]);
}

// Steps of `runs` runs along `order` [count], the numbers of the images; the last step may have fewer.
template <class Tell>
inline void train(const Common& common, Run* runs, int64_t number, const Images& images, const int64_t* order,
                  int64_t count, const Told& told, Tell tell) {
    const FlushToZero flush;
    const Layout layout(common.shape);
    const Workspace work(layout, common.minibatch);
    Stretch stretch(common.shape);
    std::vector<std::vector<Resters>> resting(STEPS_AT_ONCE + 1);
    for (int64_t first = 0; first * common.minibatch < count; first += STEPS_AT_ONCE) {
        const int64_t begin = first * common.minibatch;
        stretch.gather(common, images, order + begin, std::min(count - begin, STEPS_AT_ONCE * common.minibatch));
        for (int64_t s = 0; s <= stretch.steps; ++s) resting[s] = side_by_side(stretch.rests[s], s, layout.wide);
        tell(GATHERING);
        for (int64_t r = 0; r < number; ++r)
            if (runs[r].diverged < 0)
                train_run(common, layout, runs[r], stretch, resting, work, first,
                          ToldOfRun{told, number, r, common.shape.depth + 1}, tell);
    }
}

// The output layer's pre-activations [runs, count, classes] of the images from `begin` on.
inline void read(const Common& common, Run* runs, int64_t number, const Images& images, int64_t begin, int64_t count,
                 float* z) {
    const FlushToZero flush;
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
