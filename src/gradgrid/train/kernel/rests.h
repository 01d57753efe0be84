// Weights of pixels that no image of some steps has: the optimizers that remember move them all the same, but nothing
// needs them, so that they are left behind and moved by all those steps at once, in registers, before they are needed.
// Included once for each instruction set (kernel.cpp).

// Weights side by side that rest from one step of a stretch to another; their places count from the beginning of the
// parameters. What is there several times is moved several times, the same way.
struct Resters {
    int64_t begin, end, places[CHAINS];
};

// The rows that have rested until step `end`, side by side. Those that have rested longest come first; where others begin
// to rest later, they are replaced by the first until then.
inline std::vector<Resters> side_by_side(const Rests& rests, int64_t end, int64_t wide) {
    std::vector<Resters> all;
    const int64_t vectors = int64_t(rests.rows.size()) * (wide / LANES);
    int64_t row = 0, column = 0, places[CHAINS], begins[CHAINS];
    for (int64_t done = 0; done < vectors; done += CHAINS) {
        for (int i = 0; i < CHAINS; ++i) {
            places[i] = rests.rows[row] * wide + column, begins[i] = end - rests.steps[row];
            if (done + i + 1 >= vectors) continue;  // where fewer are left, the last is moved several times
            column += LANES;
            if (column == wide) column = 0, ++row;
        }
        for (int64_t begin = begins[0]; begin < end; begin = all.back().end) {
            Resters some{begin, end, {}};
            for (int i = CHAINS - 1; i >= 0; --i) {
                some.places[i] = begins[i] <= begin ? places[i] : places[0];
                if (begins[i] > begin) some.end = begins[i];
            }
            all.push_back(some);
        }
    }
    return all;
}

// Moves weights by their steps without a gradient. If they do not stay finite they only move if ALWAYS; returns whether
// they did.
template <bool ALWAYS, class Method>
INLINE bool rest(const Run& run, const Coefficients* steps, const Resters& of) {
    Vector w[CHAINS], remembered[Method::MEMORIES][CHAINS];
    const Vector none[CHAINS]{};
    UNROLL
    for (int i = 0; i < CHAINS; ++i) {
        w[i] = load(run.parameters + of.places[i]);
        UNROLL
        for (int m = 0; m < Method::MEMORIES; ++m) remembered[m][i] = load(run.memory[m] + of.places[i]);
    }
    for (int64_t s = of.begin; s < of.end; ++s) Method(steps[s]).move(w, remembered, none);
    const bool good = finite(w);
    if (!good && !ALWAYS) return false;
    UNROLL
    for (int i = 0; i < CHAINS; ++i) {
        store(run.parameters + of.places[i], w[i]);
        UNROLL
        for (int m = 0; m < Method::MEMORIES; ++m) store(run.memory[m] + of.places[i], remembered[m][i]);
    }
    return good;
}

// The same, weight by weight and step by step, of each up to the first that leaves something that is not finite; returns
// the earliest of these steps, the end if there is none.
template <class Method>
NOINLINE int64_t rest_carefully(const Run& run, const Coefficients* steps, const Resters& of) {
    int64_t bad = of.end;
    for (int i = 0; i < CHAINS; ++i) {
        if (std::find(of.places, of.places + i, of.places[i]) < of.places + i) continue;
        Resters one;
        std::fill_n(one.places, CHAINS, of.places[i]);
        for (one.begin = of.begin; one.begin < bad; ++one.begin) {
            one.end = one.begin + 1;
            if (rest<false, Method>(run, steps, one)) continue;
            if (!rest<true, typename Method::Exact>(run, steps, one)) bad = one.begin;
        }
    }
    return bad;
}

// Weights that have rested until step `step` of the stretch whose steps are given catch up. Returns the first step that
// leaves something in them that is not finite, `step` if none does.
template <class Method>
NOINLINE int64_t catch_up(const Run& run, const Coefficients* steps, int64_t step, const std::vector<Resters>& resting) {
    int64_t bad = step;
    for (size_t i = 0; i < resting.size(); ++i) {
        if (i + 1 < resting.size())
            for (int64_t place : resting[i + 1].places) {
                __builtin_prefetch(run.parameters + place, 1);
                for (int m = 0; m < Method::MEMORIES; ++m) __builtin_prefetch(run.memory[m] + place, 1);
            }
        if (rest<false, Method>(run, steps, resting[i])) continue;
        const int64_t found = rest_carefully<Method>(run, steps, resting[i]);
        if (found < resting[i].end) bad = std::min(bad, found);
    }
    return bad;
}
