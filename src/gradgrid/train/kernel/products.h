// Products of small matrices, summed up in registers. Included once for each instruction set (kernel.cpp).

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
// gives what LANES elements begin with, `end(row, column, elements)` takes those of a row.
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
    for (int r = 0; r < ROWS; ++r) end(row + r, column, totals[r]);
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
    Bits seen{};
    product(
        a, b, count, rows, columns,
        [&](int64_t, int64_t column) { return biases ? load(biases + column) : Vector{}; },
        [&](int64_t row, int64_t column, const auto& totals) {
            float* at = out + row * columns + column;
            for (const Vector& total : totals) {
                store(at, total);
                watch(seen, total);
                at += LANES;
            }
        });
    if (!good(seen)) careful_product(a, b, count, rows, columns, biases, out);
}
