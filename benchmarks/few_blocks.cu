// BiWKV in the published launch shape, to compare with: one block per 16 channels, T in 32 segments, a thread each. At
// batch 1 with C = 96 that is 6 blocks, whatever the GPU has. Own code; only the shape is the published one's.

struct Arguments {
  long long batch, tokens, channels;
  const float *w, *u, *k, *v;  // [C], [C], [B, T, C], [B, T, C]
  float *y, *later;            // [B, T, C], [3, B, T, C]: per token the sums over all later ones
};

struct Sums {
  float peak, numerator, denominator;

  __device__ void age(float by) { peak -= by; }
  __device__ void add(float exponent, float own_numerator, float own_denominator) {
    const float top = fmaxf(peak, exponent);
    const float old_scale = expf(peak - top), new_scale = expf(exponent - top);
    numerator = numerator * old_scale + own_numerator * new_scale;
    denominator = denominator * old_scale + own_denominator * new_scale;
    peak = top;
  }
};

constexpr int kChannels = 16, kSegments = 32;

extern "C" __global__ void __launch_bounds__(kChannels* kSegments) few_blocks(const __grid_constant__ Arguments a) {
  __shared__ Sums of[2][kSegments][kChannels];
  const long long groups = (a.channels + kChannels - 1) / kChannels;
  const int lane = threadIdx.x % kChannels, segment = threadIdx.x / kChannels;
  const long long c = blockIdx.x % groups * kChannels + lane, b = blockIdx.x / groups;
  const bool active = c < a.channels;
  const long long length = (a.tokens + kSegments - 1) / kSegments;
  const long long begin = min(segment * length, a.tokens), end = min(begin + length, a.tokens);
  const float w = active ? a.w[c] : 0, u = active ? a.u[c] : 0;
  const long long all = a.batch * a.tokens * a.channels, start = b * a.tokens * a.channels + c;
  const Sums none = {-1e30f, 0, 0};

  Sums forward = none, backward = none;
  for (long long t = begin; active && t < end; t++) {
    forward.age(w);
    forward.add(a.k[start + t * a.channels], a.v[start + t * a.channels], 1);
  }
  for (long long t = end - 1; active && t >= begin; t--) {
    backward.age(w);
    backward.add(a.k[start + t * a.channels], a.v[start + t * a.channels], 1);
  }
  of[0][segment][lane] = forward;
  of[1][segment][lane] = backward;
  __syncthreads();
  if (!active) return;

  Sums sums = none;
  for (int i = kSegments - 1; i > segment; i--) {
    const long long tokens = min((i + 1) * length, a.tokens) - min(i * length, a.tokens);
    sums.age(w * tokens);
    sums.add(of[1][i][lane].peak, of[1][i][lane].numerator, of[1][i][lane].denominator);
  }
  for (long long t = end - 1; t >= begin; t--) {
    const long long at = start + t * a.channels;
    a.later[at] = sums.peak;
    a.later[all + at] = sums.numerator;
    a.later[2 * all + at] = sums.denominator;
    sums.age(w);
    sums.add(a.k[at], a.v[at], 1);
  }
  sums = none;
  for (int i = 0; i < segment; i++) {
    const long long tokens = min((i + 1) * length, a.tokens) - min(i * length, a.tokens);
    sums.age(w * tokens);
    sums.add(of[0][i][lane].peak, of[0][i][lane].numerator, of[0][i][lane].denominator);
  }
  for (long long t = begin; t < end; t++) {
    const long long at = start + t * a.channels;
    Sums total = sums;
    total.add(a.later[at], a.later[all + at], a.later[2 * all + at]);
    total.add(a.k[at] + u, a.v[at], 1);
    a.y[at] = total.numerator / (total.denominator + 1e-6f);
    sums.age(w);
    sums.add(a.k[at], a.v[at], 1);
  }
}
