// Some steps' images, gathered once for all runs that see them.
#pragma once
#include <cstdint>
#include <cstring>
#include <vector>

#include "layout.h"

// By images, for the way up: image i has `pixels` and `values` from begins[i] on, filled up to a multiple of FILL with
// no pixel. By pixels, for the update: rows of the table, in groups of equally many images; `members` are the images
// that are not zero there, `weights` their values.
struct Minibatch {
    static constexpr int64_t FILL = 8;
    struct Group {
        int64_t images, rows;
    };
    int64_t size;
    std::vector<int64_t> begins;
    std::vector<uint16_t> pixels, rows, members;
    std::vector<float> values, weights, targets;
    std::vector<Group> groups;

    // Images from `begin` on, for the way up alone.
    void list(const Images& images, int64_t begin, int64_t count, const Shape& shape) {
        size = count;
        begins.assign(1, 0), pixels.clear(), values.clear();
        for (int64_t i = begin; i < begin + count; ++i) append(images, i, shape);
    }

    // Images by their numbers, for a step; rows without any image are listed only if `every_row`.
    void gather(const Images& images, const int64_t* order, int64_t count, const Shape& shape, bool every_row) {
        size = count;
        const int64_t last = padded(shape.classes);
        begins.assign(1, 0), pixels.clear(), values.clear();
        targets.assign(count * last, 0.0f);
        for (int64_t i = 0; i < count; ++i) {
            append(images, order[i], shape);
            std::memcpy(&targets[i * last], images.targets + order[i] * shape.classes, shape.classes * sizeof(float));
        }
        by_pixels(shape, every_row);
    }

   private:
    std::vector<int32_t> present, places;

    void append(const Images& images, int64_t image, const Shape& shape) {
        for (int64_t e = images.offsets[image]; e < images.offsets[image + 1]; ++e) {
            pixels.push_back(uint16_t(images.pixels[e]));
            values.push_back(images.values[e]);
        }
        while (pixels.size() % FILL) pixels.push_back(uint16_t(shape.inputs)), values.push_back(0.0f);
        begins.push_back(int64_t(pixels.size()));
    }

    void by_pixels(const Shape& shape, bool every_row) {
        present.assign(shape.inputs + 1, 0);
        for (uint16_t pixel : pixels) ++present[pixel];
        std::vector<int64_t> of(size + 1, 0);
        for (int64_t pixel = 0; pixel < shape.inputs; ++pixel) ++of[present[pixel]];
        groups.clear();
        std::vector<int64_t> row_at(size + 1), entry_at(size + 1);
        int64_t row = 0, entry = 0;
        for (int64_t images = every_row ? 0 : 1; images <= size; ++images) {
            if (of[images]) groups.push_back({images, of[images]});
            row_at[images] = row, entry_at[images] = entry;
            row += of[images], entry += of[images] * images;
        }
        rows.resize(row), members.resize(entry), weights.resize(entry), places.resize(shape.inputs);
        for (int64_t pixel = 0; pixel < shape.inputs; ++pixel) {
            const int32_t images = present[pixel];
            if (!images && !every_row) continue;
            rows[row_at[images]++] = uint16_t(pixel);
            places[pixel] = int32_t(entry_at[images]);
            entry_at[images] += images;
        }
        for (int64_t i = 0; i < size; ++i)
            for (int64_t e = begins[i]; e < begins[i + 1]; ++e)
                if (pixels[e] < shape.inputs) {
                    const int32_t place = places[pixels[e]]++;
                    members[place] = uint16_t(i), weights[place] = values[e];
                }
    }
};
