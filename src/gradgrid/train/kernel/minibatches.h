// Some steps' images, gathered once for all runs that see them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <vector>

#include "layout.h"

// By images, for the way up: image i has `pixels` and `values` from begins[i] on, filled up to a multiple of FILL with
// no pixel. By pixels, for the update: rows of the table, in groups of equally many images, so that loops over them
// end where the processor expects it; `members` are the images that are not zero there, `weights` their values.
struct Minibatch {
    static constexpr int64_t FILL = 8;
    static constexpr int64_t AHEAD = 12;  // further rows at the end of `rows`, so that it can be read ahead
    struct Group {
        int64_t images, rows;
    };
    int64_t size;
    std::vector<int64_t> begins;
    std::vector<uint16_t> pixels, rows, members;
    std::vector<float> values, weights, targets;
    std::vector<Group> groups;

    // `count` images by their numbers, or those from number `first` on where there is no order; for the way up alone.
    void list(const Images& images, const int64_t* order, int64_t first, int64_t count, const Shape& shape) {
        size = count;
        begins.resize(count + 1);
        begins[0] = 0;
        for (int64_t i = 0; i < count; ++i) {
            const int64_t image = order ? order[i] : first + i;
            const int64_t length = images.offsets[image + 1] - images.offsets[image];
            begins[i + 1] = begins[i] + (length + FILL - 1) / FILL * FILL;
        }
        pixels.resize(begins[count]), values.resize(begins[count]), ends.resize(count);
        for (int64_t i = 0; i < count; ++i) {
            const int64_t image = order ? order[i] : first + i;
            const int64_t from = images.offsets[image], length = images.offsets[image + 1] - from;
            ends[i] = begins[i] + length;
            std::copy_n(images.pixels + from, length, pixels.data() + begins[i]);
            std::copy_n(images.values + from, length, values.data() + begins[i]);
            std::fill(pixels.data() + ends[i], pixels.data() + begins[i + 1], uint16_t(shape.inputs));
            std::fill(values.data() + ends[i], values.data() + begins[i + 1], 0.0f);
        }
    }

    // Images by their numbers, for a step; rows without any image are listed only if `every_row`.
    void gather(const Images& images, const int64_t* order, int64_t count, const Shape& shape, bool every_row) {
        list(images, order, 0, count, shape);
        const int64_t last = padded(shape.classes);
        targets.assign(count * last, 0.0f);
        for (int64_t i = 0; i < count; ++i)
            std::memcpy(&targets[i * last], images.targets + order[i] * shape.classes, shape.classes * sizeof(float));
        by_pixels(shape, every_row);
    }

   private:
    std::vector<int64_t> ends, row_at, entry_at;
    std::vector<int32_t> places;

    void by_pixels(const Shape& shape, bool every_row) {
        places.assign(shape.inputs, 0);  // at first how many images have the pixel, then where the next of them goes
        for (int64_t i = 0; i < size; ++i)
            for (int64_t e = begins[i]; e < ends[i]; ++e) ++places[pixels[e]];
        row_at.assign(size + 1, 0);
        entry_at.resize(size + 1);
        for (int32_t images : places) ++row_at[images];
        groups.clear();
        int64_t row = 0, entry = 0;
        for (int64_t images = every_row ? 0 : 1; images <= size; ++images) {
            const int64_t alike = row_at[images];
            if (alike) groups.push_back({images, alike});
            row_at[images] = row, entry_at[images] = entry;
            row += alike, entry += alike * images;
        }
        rows.resize(row + AHEAD), members.resize(entry), weights.resize(entry);
        for (int64_t pixel = 0; pixel < shape.inputs; ++pixel) {
            const int32_t images = places[pixel];
            if (!images && !every_row) continue;
            rows[row_at[images]++] = uint16_t(pixel);
            places[pixel] = int32_t(entry_at[images]);
            entry_at[images] += images;
        }
        for (int64_t i = 0; i < size; ++i)
            for (int64_t e = begins[i]; e < ends[i]; ++e) {
                const int32_t place = places[pixels[e]]++;
                members[place] = uint16_t(i), weights[place] = values[e];
            }
    }
};
