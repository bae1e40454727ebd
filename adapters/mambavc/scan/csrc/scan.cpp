// The selective scan of MambaVC in four directions on the CPU, one state per channel and state index in memory.
//
// Arrays are contiguous and in groups of 16 channels: decay [4, groups, states, 16], dt_weight [4, groups, rank, 16],
// dt_bias and skip [4, groups, 16], state [batch, 2, groups, states, 16] (scratch), x, rows and columns
// [batch, height, width, groups * 16], projected [batch, height, width, 4, rank + 2 * states] (dt, B, C).
// The results of directions 0 and 2 are added into rows, those of 1 and 3 into columns; both are overwritten.
#include <algorithm>

#include "export.h"
#include "softplus.h"

namespace scan {

constexpr int kGroup = 16;  // channels kept together: a cache line of float32, and a multiple of every vector's lanes
constexpr int kMost = 16;   // groups per task: more of a pixel's memory at once, as long as their states fit the cache
constexpr int kPixels = 8;  // per step of a task, and between asking for a pixel's memory and reading it

struct Shape {
  int64_t batch, height, width, groups, rank, states;
  int64_t channels() const { return groups * kGroup; }
  int64_t pixels() const { return height * width; }
  int64_t projected() const { return rank + 2 * states; }
};

// The pixels in the order of a direction: `lines` runs of `length` pixels.
struct Path {
  int64_t start, lines, length, line_step, step;
  Path(const Shape& shape, int direction) {
    const bool by_rows = direction % 2 == 0;
    lines = by_rows ? shape.height : shape.width;
    length = by_rows ? shape.width : shape.height;
    line_step = by_rows ? shape.width : 1;
    step = by_rows ? 1 : shape.width;
    start = 0;
    if (direction < 2) return;
    start = shape.pixels() - 1;
    line_step = -line_step;
    step = -step;
  }
};

template <class T> constexpr int kLine = 64 / sizeof(T);  // values in a cache line

template <class T> struct Arrays {
  const T *x, *projected, *dt_weight, *dt_bias, *decay, *skip;
  T *state, *rows, *columns;
};

// Some groups of channels of one picture in one direction; the arrays begin at what belongs to the first.
template <class T> struct Scan {
  const Shape& shape;
  int count;  // of groups
  const T *x, *projected, *dt_weight, *dt_bias, *decay, *skip;
  T *state, *y;
  bool add;  // to y, instead of overwriting it

  Scan(const Shape& shape, const Arrays<T>& from, int64_t picture, int direction, int64_t group, int count)
      : shape(shape), count(count), add(direction >= 2) {
    const int64_t pixels = picture * shape.pixels() * shape.channels() + group * kGroup;
    const int64_t weights = (direction * shape.groups + group) * kGroup;
    x = from.x + pixels;
    projected = from.projected + (picture * shape.pixels() * 4 + direction) * shape.projected();
    dt_weight = from.dt_weight + weights * shape.rank;
    dt_bias = from.dt_bias + weights;
    decay = from.decay + weights * shape.states;
    skip = from.skip + weights;
    state = from.state + ((picture * 2 + direction % 2) * shape.groups + group) * kGroup * shape.states;
    y = (direction % 2 ? from.columns : from.rows) + pixels;
  }

  void run(const Path& path) const {
    std::fill(state, state + count * shape.states * kGroup, T(0));
    for (int64_t line = 0; line < path.lines; line++)
      for (int64_t i = 0; i < path.length; i += kPixels) {
        const int64_t first = path.start + line * path.line_step + i * path.step;
        run(first, path.step, std::min<int64_t>(kPixels, path.length - i));
      }
  }

  // dt of some pixels first, then their states: one pixel's dt, a long chain, would keep its states waiting.
  void run(int64_t first, int64_t by, int pixels) const {
    T dt[kPixels * kMost * kGroup];
    for (int i = 0; i < pixels; i++)
      for (int c = 0; c < count * kGroup; c += kLanes<T>) store(dt + i * kMost * kGroup + c, step(first + i * by, c));
    for (int i = 0; i < pixels; i++) {
      prefetch(first + (i + kPixels) * by);
      for (int c = 0; c < count * kGroup; c += kLanes<T>) token(first + i * by, c, load(dt + i * kMost * kGroup + c));
    }
  }

  // Past the end of a line it asks for memory that is not read next, or not there: neither does harm.
  void prefetch(int64_t pixel) const {
    for (int c = 0; c < count * kGroup; c += kLine<T>) {
      __builtin_prefetch(x + pixel * shape.channels() + c, 0, 3);
      __builtin_prefetch(y + pixel * shape.channels() + c, 1, 3);
    }
    const T* ahead = projected + pixel * 4 * shape.projected();
    for (int64_t i = 0; i < shape.projected(); i += kLine<T>) __builtin_prefetch(ahead + i, 0, 3);
  }

  // kLanes<T> channels of one pixel.
  void token(int64_t pixel, int channel, Vec<T> dt) const {
    const T* b = projected + pixel * 4 * shape.projected() + shape.rank;
    const Vec<T> u = load(x + pixel * shape.channels() + channel);
    const Vec<T> sum = update(b, inside(channel, shape.states), dt, dt * u);
    T* const to = y + pixel * shape.channels() + channel;
    const Vec<T> result = sum + load(skip + channel) * u;
    store(to, add ? load(to) + result : result);
  }

  // dt of kLanes<T> channels of one pixel.
  Vec<T> step(int64_t pixel, int channel) const {
    const T *dt_in = projected + pixel * 4 * shape.projected(), *weights = dt_weight + inside(channel, shape.rank);
    Vec<T> sum{};
    for (int64_t r = 0; r < shape.rank; r++) sum += load(weights + r * kGroup) * dt_in[r];
    return softplus<T>(sum + load(dt_bias + channel));
  }

  // Where a channel begins in an array of `size` values per channel.
  static int64_t inside(int channel, int64_t size) { return channel / kGroup * kGroup * size + channel % kGroup; }

  // The states one pixel later; returns C h.
  Vec<T> update(const T* b, int64_t states, Vec<T> dt, Vec<T> input) const {
    const T* c = b + shape.states;
    Vec<T> sum{};
    for (int64_t n = 0; n < shape.states; n++) {
      T* const held = state + states + n * kGroup;
      const Vec<T> h = exp<T>(dt * load(decay + states + n * kGroup)) * load(held) + input * b[n];
      store(held, h);
      sum += h * c[n];
    }
    return sum;
  }
};

// A task is some groups in the two directions that share an array, one after the other: the order of adding is fixed.
template <class T> void forward(const Shape& shape, const Arrays<T>& arrays, int threads) {
  const int64_t fair = shape.batch * shape.groups / threads;  // two tasks per thread
  const int64_t each = std::clamp<int64_t>(fair, 1, kMost), blocks = (shape.groups + each - 1) / each;
#pragma omp parallel for num_threads(threads) schedule(dynamic)
  for (int64_t task = 0; task < shape.batch * 2 * blocks; task++) {
    const int64_t picture = task / (2 * blocks), group = task % blocks * each;
    const int first = task / blocks % 2, count = std::min(each, shape.groups - group);
    for (const int direction : {first, first + 2})
      Scan<T>(shape, arrays, picture, direction, group, count).run(Path(shape, direction));
  }
}

}  // namespace scan

#define SCAN_DEFINE(T, suffix)                                                                                         \
  NATIVE_EXPORT void mambavc_scan_##suffix(int64_t batch, int64_t height, int64_t width, int64_t groups, int64_t rank,   \
                                         int64_t states, const T* x, const T* projected, const T* dt_weight,           \
                                         const T* dt_bias, const T* decay, const T* skip, T* state, T* rows,           \
                                         T* columns, int threads) {                                                    \
    scan::forward<T>({batch, height, width, groups, rank, states},                                                     \
                     {x, projected, dt_weight, dt_bias, decay, skip, state, rows, columns}, threads);                  \
  }                                                                                                                    \
  NATIVE_EXPORT void mambavc_softplus_##suffix(int64_t count, const T* x, T* y) {                                        \
    for (int64_t i = 0; i + scan::kLanes<T> <= count; i += scan::kLanes<T>)                                            \
      scan::store(y + i, scan::softplus<T>(scan::load(x + i)));                                                        \
  }

SCAN_DEFINE(float, f32)
SCAN_DEFINE(double, f64)
