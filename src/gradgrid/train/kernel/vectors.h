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

INLINE float sum(Vector x) {
    float total = 0;
    for (int lane = 0; lane < LANES; ++lane) total += x[lane];
    return total;
}

INLINE bool any(Bits mask) {
    int32_t found = 0;
    for (int lane = 0; lane < LANES; ++lane) found |= mask[lane];
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

// 1/√x, if the instruction set estimates it to 14 bits: of 0 infinity, of infinity 0.
template <class V>
INLINE V inverse_root(V x) {
    if constexpr (ESTIMATES)
        return __builtin_ia32_rsqrt14ps512_mask(x, x, 0xffff);
    else
        return 1.0f / root(x);
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
