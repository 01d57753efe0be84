// Vectors of floats in the registers of one instruction set, and functions of their elements.
//
// Included once for each instruction set, in a namespace that says LANES, the floats in a register (kernel.cpp).

using Vector = float __attribute__((vector_size(LANES * 4)));
using Bits = int32_t __attribute__((vector_size(LANES * 4)));

struct alignas(LANES * 4) Lanes {
    Vector v;
};

INLINE Vector all(float x) { return x - Vector{}; }

INLINE Vector load(const float* p) { return reinterpret_cast<const Lanes*>(p)->v; }

INLINE void store(float* p, Vector x) { reinterpret_cast<Lanes*>(p)->v = x; }

// The lanes before `count` are 1, the others 0.
INLINE Vector first(int64_t count) {
    Vector mask{};
    for (int lane = 0; lane < LANES; ++lane) mask[lane] = lane < count ? 1.0f : 0.0f;
    return mask;
}

// The first halves of two vectors, or the second ones, lane by lane in turn.
template <bool SECOND, int... LANE>
INLINE Vector deal(Vector x, Vector y, std::integer_sequence<int, LANE...>) {
#if defined(__clang__)
    return __builtin_shufflevector(x, y, (LANE / 2 + LANE % 2 * LANES + SECOND * LANES / 2)...);
#else
    return __builtin_shuffle(x, y, Bits{(LANE / 2 + LANE % 2 * LANES + SECOND * LANES / 2)...});
#endif
}

// Rows and columns change places: in each of the rounds the two halves are dealt out like a pack of cards.
INLINE void transpose(Vector (&rows)[LANES]) {
    constexpr auto lanes = std::make_integer_sequence<int, LANES>();
    for (int round = 1; round < LANES; round *= 2) {
        Vector dealt[LANES];
        UNROLL
        for (int i = 0; i < LANES / 2; ++i) {
            dealt[2 * i] = deal<false>(rows[i], rows[i + LANES / 2], lanes);
            dealt[2 * i + 1] = deal<true>(rows[i], rows[i + LANES / 2], lanes);
        }
        UNROLL
        for (int i = 0; i < LANES; ++i) rows[i] = dealt[i];
    }
}

INLINE float sum(Vector x) {
    float total = 0;
    for (int lane = 0; lane < LANES; ++lane) total += x[lane];
    return total;
}

INLINE bool any(Bits mask) {
    uint64_t parts[LANES / 2], found = 0;
    std::memcpy(parts, &mask, sizeof mask);
    for (uint64_t part : parts) found |= part;
    return found != 0;
}

// The largest magnitudes so far, as the whole numbers that their bits are: those are in the order of the magnitudes, with
// infinity and NaN above all, and the next comparison waits for the last a quarter of the time that it would in floats.
INLINE void watch(Bits& largest, Vector x) {
    const Bits magnitude = (Bits)x & 0x7fffffff;
    largest = magnitude > largest ? magnitude : largest;
}

INLINE float greatest(Bits largest) {
    int32_t found = 0;
    for (int lane = 0; lane < LANES; ++lane) found = largest[lane] > found ? largest[lane] : found;
    float value;
    std::memcpy(&value, &found, sizeof value);
    return value;
}

INLINE bool exceeds(Bits largest, float limit) { return any(largest > (Bits)all(limit)); }

INLINE bool good(Bits largest) { return !any(largest >= (Bits)all(INFINITY)); }

// To 14 bits, where the instruction set estimates: 1/√x, of 0 infinity and of infinity 0; and 1/x.
template <class V>
INLINE V inverse_root(V x) {
    if constexpr (ESTIMATES) return __builtin_ia32_rsqrt14ps512_mask(x, x, 0xffff);
}

template <class V>
INLINE V inverse(V x) {
    if constexpr (ESTIMATES) return __builtin_ia32_rcp14ps512_mask(x, x, 0xffff);
}

// Whether two vectors are finite.
template <class V>
INLINE bool finite(V x, V y) {
    if constexpr (ESTIMATES)
        return __builtin_ia32_kortestzhi(__builtin_ia32_fpclassps512_mask(x, 0x99, 0xffff),
                                         __builtin_ia32_fpclassps512_mask(y, 0x99, 0xffff));
    Bits largest{};
    watch(largest, x), watch(largest, y);
    return good(largest);
}

template <int COUNT>
INLINE bool finite(const Vector (&of)[COUNT]) {
    bool all = finite(of[0], of[COUNT - 1]);
    UNROLL
    for (int i = 1; i < COUNT - 1; i += 2) all &= finite(of[i], of[i + 1 < COUNT - 1 ? i + 1 : i]);
    return all;
}

INLINE Vector magnitude(Vector x) { return (Vector)((Bits)x & 0x7fffffff); }

// x below `low` becomes `low`, above `high` becomes `high`; NaN stays.
INLINE Vector bounded(Vector x, Vector low, Vector high) {
    x = x < low ? low : x;
    return x > high ? high : x;
}

INLINE Vector root(Vector x) {
    for (int lane = 0; lane < LANES; ++lane) x[lane] = __builtin_sqrtf(x[lane]);
    return x;
}

// exp(x) = power · (1 + rest), with power a power of two and |rest| < 0.42. Beyond the powers that float32 has, x is
// taken as the last that it can be. The polynomial was fitted at Chebyshev nodes: error 5e-9.
struct Exponential {
    Vector power, rest;

    INLINE explicit Exponential(Vector x) {
        x = bounded(x, all(-87.3f), all(88.3f));
        constexpr float rounder = 12582912.0f;  // 1.5 · 2^23: what is added to it is rounded to a whole number
        const Vector whole = (x * 1.4426950408889634f + rounder) - rounder;
        const Vector r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f;  // ln 2 in two parts
        Vector q = r * 1.9900444022e-4f + 1.3934544986e-3f;
        q = q * r + 8.3332974464e-3f;
        q = q * r + 4.1666455567e-2f;
        q = q * r + 1.6666667163e-1f;
        q = q * r + 0.5f;
        rest = q * r * r + r;
        const Bits exponent = __builtin_convertvector(whole, Bits);
        power = (Vector)((exponent + 127) << 23);
        power = x == x ? power : x;
    }
};

INLINE Vector exp(Vector x) {
    const Exponential e(x);
    return e.power * e.rest + e.power;
}

// exp(x) - 1, without loss of digits near 0.
INLINE Vector expm1(Vector x) {
    const Exponential e(x);
    return e.power * e.rest + (e.power - 1.0f);
}

INLINE Vector sigmoid(Vector x) { return 1.0f / (1.0f + exp(-x)); }

INLINE Vector tanh(Vector x) {
    const Vector e = expm1(-2.0f * magnitude(x));
    const Vector t = -e / (e + 2.0f);
    return x < 0.0f ? -t : t;
}
