// Some steps' images, gathered once for all runs that see them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <cstring>
#include <numeric>
#include <vector>

#include "layout.h"

// By images, for the way up: image i has `pixels` and `values` from begins[i] on, filled up to a multiple of FILL with
// no pixel. By pixels, for the update: rows of the table, in groups of equally many images, so that loops over them
// end where the processor expects it; `members` are the images that are not zero there, told by where their rows of
// layer 1's deltas begin, `weights` their values.
struct Minibatch {
    static constexpr int64_t FILL = 8;
    static constexpr int64_t AHEAD = 12;  // further rows at the end of `rows`, so that it can be read ahead
    struct Group {
        int64_t images, rows;
    };
    int64_t size;
    std::vector<int64_t> begins;
    std::vector<uint16_t> pixels, rows;
    std::vector<int32_t> members;
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

    // Images by their numbers, for a step.
    void gather(const Images& images, const int64_t* order, int64_t count, const Shape& shape) {
        list(images, order, 0, count, shape);
        const int64_t last = padded(shape.classes);
        targets.assign(count * last, 0.0f);
        for (int64_t i = 0; i < count; ++i)
            std::memcpy(&targets[i * last], images.targets + order[i] * shape.classes, shape.classes * sizeof(float));
        by_pixels(shape);
    }

   private:
    std::vector<int64_t> ends, row_at, entry_at;
    std::vector<int32_t> places;

    void by_pixels(const Shape& shape) {
        const int64_t wide = padded(shape.width);
        places.assign(shape.inputs, 0);  // at first how many images have the pixel, then where the next of them goes
        for (int64_t i = 0; i < size; ++i)
            for (int64_t e = begins[i]; e < ends[i]; ++e) ++places[pixels[e]];
        row_at.assign(size + 1, 0);
        entry_at.resize(size + 1);
        for (int32_t images : places) ++row_at[images];
        groups.clear();
        int64_t row = 0, entry = 0;
        for (int64_t images = 1; images <= size; ++images) {
            const int64_t alike = row_at[images];
            if (alike) groups.push_back({images, alike});
            row_at[images] = row, entry_at[images] = entry;
            row += alike, entry += alike * images;
        }
        rows.resize(row + AHEAD), members.resize(entry), weights.resize(entry);
        for (int64_t pixel = 0; pixel < shape.inputs; ++pixel) {
            const int32_t images = places[pixel];
            if (!images) continue;
            rows[row_at[images]++] = uint16_t(pixel);
            places[pixel] = int32_t(entry_at[images]);
            entry_at[images] += images;
        }
        for (int64_t i = 0; i < size; ++i)
            for (int64_t e = begins[i]; e < ends[i]; ++e) {
                const int32_t place = places[pixels[e]]++;
                members[place] = int32_t(i * wide), weights[place] = values[e];
            }
    }
};

// Rows of the table that no image has had for a while, those that have rested longest first.
struct Rests {
    std::vector<uint16_t> rows, steps;
};

// Finds, step by step of a stretch, which rows have rested.
class Resting {
   public:
    Resting(int64_t inputs, int64_t longest) : all(inputs), since(inputs), places(longest + 1) {
        std::iota(all.begin(), all.end(), uint16_t(0));
    }
    // The rows that step `step` needs and the steps before it did not.
    Rests before(int64_t step, const Minibatch& images) {
        return list(images.rows.data(), int64_t(images.rows.size()) - Minibatch::AHEAD, step);
    }
    // All rows that have rested when the stretch ends before step `step`; the next one begins.
    Rests end(int64_t step) {
        Rests rests = list(all.data(), int64_t(all.size()), step);
        std::fill(since.begin(), since.end(), 0);
        return rests;
    }

   private:
    std::vector<uint16_t> all;
    std::vector<int64_t> since, places;  // the step from which on a row rests; where the next row of so many steps goes

    Rests list(const uint16_t* rows, int64_t number, int64_t step) {
        std::fill(places.begin(), places.end(), 0);
        for (int64_t i = 0; i < number; ++i) ++places[step - since[rows[i]]];
        int64_t place = 0;
        for (int64_t steps = step; steps > 0; --steps) {
            const int64_t alike = places[steps];
            places[steps] = place, place += alike;
        }
        Rests rests;
        rests.rows.resize(place), rests.steps.resize(place);
        for (int64_t i = 0; i < number; ++i) {
            const int64_t steps = step - since[rows[i]];
            since[rows[i]] = step + 1;
            if (!steps) continue;
            rests.rows[places[steps]] = rows[i];
            rests.steps[places[steps]++] = uint16_t(steps);
        }
        return rests;
    }
};

constexpr int64_t STEPS_AT_ONCE = 32;  // steps of one run before it is another's turn: their images stay in the cache

// Some steps' images, and the rows of the table that have rested before each of the steps and after the last.
struct Stretch {
    std::vector<Minibatch> minibatches{STEPS_AT_ONCE};
    std::vector<Rests> rests{STEPS_AT_ONCE + 1};
    int64_t steps = 0;

    explicit Stretch(const Shape& shape) : resting(shape.inputs, STEPS_AT_ONCE) {}

    // At most STEPS_AT_ONCE steps along `order` [count].
    void gather(const Common& common, const Images& images, const int64_t* order, int64_t count) {
        for (steps = 0; steps * common.minibatch < count; ++steps) {
            const int64_t first = steps * common.minibatch, size = std::min(common.minibatch, count - first);
            minibatches[steps].gather(images, order + first, size, common.shape);
            if (common.optimizer != SGD) rests[steps] = resting.before(steps, minibatches[steps]);
        }
        if (common.optimizer != SGD) rests[steps] = resting.end(steps);
    }
    // All rows that rest when step `step` has been taken.
    Rests resting_after(const Shape& shape, int64_t step) const {
        Resting again(shape.inputs, STEPS_AT_ONCE);
        for (int64_t s = 0; s <= step; ++s) again.before(s, minibatches[s]);
        return again.end(step + 1);
    }

   private:
    Resting resting;
};
