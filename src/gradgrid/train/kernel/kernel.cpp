// Training steps on the CPU, one run at a time with its parameters in the processor's cache, for each instruction set
// that the compiler knows; train/native.py calls them through ctypes.

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

#include "layout.h"
#include "minibatches.h"

#define INLINE __attribute__((always_inline)) inline
#define NOINLINE __attribute__((noinline))
#define UNROLL _Pragma("GCC unroll 16")

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define MANY_SETS 1
#else
#define MANY_SETS 0
#endif

#if MANY_SETS
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,prefer-vector-width=512")
namespace avx512 {
constexpr int LANES = 16, TILE_ROWS = 5, TILE_COLUMNS = 2;
constexpr bool ESTIMATES = true;
#include "vectors.h"
#include "activations.h"
#include "products.h"
#include "rules.h"
#include "rests.h"
#include "layers.h"
#include "steps.h"
}  // namespace avx512
#pragma GCC pop_options

#pragma GCC push_options
#pragma GCC target("avx2,fma")
namespace avx2 {
constexpr int LANES = 8, TILE_ROWS = 3, TILE_COLUMNS = 4;
constexpr bool ESTIMATES = false;
#include "vectors.h"
#include "activations.h"
#include "products.h"
#include "rules.h"
#include "rests.h"
#include "layers.h"
#include "steps.h"
}  // namespace avx2
#pragma GCC pop_options
#endif

namespace plain {
constexpr int LANES = 4, TILE_ROWS = 3, TILE_COLUMNS = 2;
constexpr bool ESTIMATES = false;
#include "vectors.h"
#include "activations.h"
#include "products.h"
#include "rules.h"
#include "rests.h"
#include "layers.h"
#include "steps.h"
}  // namespace plain

namespace {

struct Set {
    const char* name;
    bool estimates;  // Adam's roots
    decltype(&plain::train<Silent>) train;
    decltype(&plain::train<Watch>) profile;
    decltype(&plain::read) read;
};

const Set SETS[] = {
#if MANY_SETS
    {"avx512 with estimated roots", true, avx512::train<Silent>, avx512::train<Watch>, avx512::read},
    {"avx512", false, avx512::train<Silent>, avx512::train<Watch>, avx512::read},
    {"avx2", false, avx2::train<Silent>, avx2::train<Watch>, avx2::read},
#endif
    {"plain", false, plain::train<Silent>, plain::train<Watch>, plain::read},
};
constexpr int64_t NUMBER = sizeof(SETS) / sizeof(SETS[0]);

// Roots are estimated on Intel's processors, which take 23 cycles for 16 roots and divisions; AMD's Zen 5 takes 7.
bool runs_here(int64_t set) {
#if MANY_SETS
    __builtin_cpu_init();
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    if (set == 0) return avx512 && __builtin_cpu_is("intel");
    if (set == 1) return avx512;
    if (set == 2) return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#endif
    return set < NUMBER;
}

// What all runs have in common, by an instruction set.
Common by(const Set& set, Common common) {
    if (set.estimates && common.optimizer == ADAM) common.optimizer = ESTIMATED_ADAM;
    return common;
}

}  // namespace

extern "C" {

// Digest of the source that this was built from (setup.py).
const char* gradgrid_source() { return GRADGRID_SOURCE; }

// The name of instruction set number `set`; null: there is none of that number. Fastest first.
const char* gradgrid_set(int64_t set) { return set < NUMBER ? SETS[set].name : nullptr; }

int gradgrid_runs_here(int64_t set) { return runs_here(set); }

// Where a run's parameters begin: the size of all, then of each layer from 1 on its weights ([inputs, width] of layer
// 1, [in, out] of the others), the others' copies [out, in], and the biases.
void gradgrid_layout(const Shape* shape, int64_t* at) {
    const Layout layout(*shape);
    *at++ = layout.size();
    for (int64_t l = 1; l <= shape->depth + 1; ++l) {
        *at++ = l > 1 ? layout.upward(l) : 0;
        *at++ = l > 1 ? layout.downward(l) : 0;
        *at++ = layout.biases(l);
    }
}

int gradgrid_train(int64_t set, const Common* common, Run* runs, int64_t number, const Images* images,
                   const int64_t* order, int64_t count, const Told* told) {
    try {
        SETS[set].train(by(SETS[set], *common), runs, number, *images, order, count, *told, Silent{});
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

// The same; adds the time that each part of a step takes to `seconds` [PARTS].
int gradgrid_profile(int64_t set, const Common* common, Run* runs, int64_t number, const Images* images,
                     const int64_t* order, int64_t count, const Told* told, double* seconds) {
    try {
        SETS[set].profile(by(SETS[set], *common), runs, number, *images, order, count, *told, Watch{seconds});
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

int gradgrid_read(int64_t set, const Common* common, Run* runs, int64_t number, const Images* images, int64_t begin,
                  int64_t count, float* z) {
    try {
        SETS[set].read(*common, runs, number, *images, begin, count, z);
        return 0;
    } catch (const std::bad_alloc&) {
        return 1;
    }
}

}  // extern "C"
