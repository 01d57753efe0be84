// Weights of pixels that no image of some steps has: the optimizers that remember move them all the same, but nothing
// needs them, so that they are left behind and moved by all those steps at once, in registers, before they are needed.
// Included once for each instruction set (kernel.cpp).

constexpr int CHAINS = 6;  // vectors of weights side by side, because each step of one waits for the step before

// Moves weights, their places counted from the beginning of the parameters, by some steps without a gradient. If they do
// not stay finite they move only by a single step; returns whether they did.
template <class Method>
INLINE bool rest(const Run& run, const Coefficients* steps, int64_t number, const int64_t* places) {
    Vector w[CHAINS], remembered[Method::MEMORIES][CHAINS];
    const Vector none[CHAINS]{};
    UNROLL
    for (int i = 0; i < CHAINS; ++i) {
        w[i] = load(run.parameters + places[i]);
        UNROLL
        for (int m = 0; m < Method::MEMORIES; ++m) remembered[m][i] = load(run.memory[m] + places[i]);
    }
    for (int64_t s = 0; s < number; ++s) Method(steps[s]).move(w, remembered, none);
    Bits seen{};
    UNROLL
    for (int i = 0; i < CHAINS; ++i) watch(seen, w[i]);
    if (number > 1 && !good(seen)) return false;
    UNROLL
    for (int i = 0; i < CHAINS; ++i) {
        store(run.parameters + places[i], w[i]);
        UNROLL
        for (int m = 0; m < Method::MEMORIES; ++m) store(run.memory[m] + places[i], remembered[m][i]);
    }
    return good(seen);
}

// The same, one step after the other up to the first that leaves something that is not finite; returns that step.
template <class Method>
NOINLINE int64_t rest_carefully(const Run& run, const Coefficients* steps, const int64_t* places) {
    int64_t step = 0;
    while (rest<Method>(run, steps + step, 1, places)) ++step;
    return step;
}

// Rows that have rested until step `step` of the stretch whose steps are given catch up. Returns the first step that
// leaves something in them that is not finite, `step` if none does.
template <class Method>
NOINLINE int64_t catch_up(const Run& run, const Coefficients* steps, int64_t step, const Rests& rests, int64_t wide) {
    const uint16_t* row = rests.rows.data();
    int64_t bad = step, places[CHAINS];
    for (const Rests::Group& group : rests.groups) {
        const int64_t begin = step - group.steps, vectors = group.rows * (wide / LANES);
        int64_t column = 0;
        for (int64_t done = 0; done < vectors; done += CHAINS) {
            const int64_t count = std::min<int64_t>(CHAINS, vectors - done);
            for (int64_t i = 0; i < count; ++i) {
                places[i] = *row * wide + column;
                column += LANES;
                if (column == wide) column = 0, ++row;
            }
            std::fill(places + count, places + CHAINS, places[0]);  // where fewer are left, one is moved several times
            if (!rest<Method>(run, steps + begin, group.steps, places))
                bad = std::min(bad, begin + rest_carefully<Method>(run, steps + begin, places));
        }
    }
    return bad;
}
