// BiWKV for any decay and boost, and its gradients: running maxima, token by token, in double precision.
#pragma once

#include <vector>

#include "sums.h"
#include "vector.h"

namespace biwkv {

using D = Vec<double>;

// Sums over tokens in units of e^peak. A token gives weight e^exponent times (numerator, denominator).
struct Sums {
  D peak = kNothing - D{};
  D numerator{}, denominator{};

  void add(D exponent, D own_numerator, D own_denominator) {
    const D top = larger(peak, exponent);
    const D old_scale = exp<double>(peak - top), new_scale = exp<double>(exponent - top);
    numerator = numerator * old_scale + own_numerator * new_scale;
    denominator = denominator * old_scale + own_denominator * new_scale;
    peak = top;
  }
  void add(const Sums& other) { add(other.peak, other.numerator, other.denominator); }
};

// kLanes<double> channels of the whole sequence; `stride` values from token to token. S: type of k, v and y in memory.
template <class S> struct Column {
  int64_t tokens, stride;
  D decay, boost;
  const S *k, *v;

  template <class T> static D read(const T* from) {
    D values;
    for (int lane = 0; lane < kLanes<double>; lane++) values[lane] = from[lane];
    return values;
  }
  static void write(S* to, D values) {
    for (int lane = 0; lane < kLanes<double>; lane++) to[lane] = static_cast<S>(values[lane]);
  }
  D key(int64_t t) const { return read(k + t * stride); }
  D value(int64_t t) const { return read(v + t * stride); }

  void take(Sums& sums, int64_t t) const {
    sums.peak -= decay;
    sums.add(key(t), value(t), D{} + 1.);
  }

  // For each token the sums over all later ones.
  std::vector<Sums> later() const {
    std::vector<Sums> result(tokens);
    Sums sums;
    for (int64_t t = tokens - 1; t >= 0; t--) {
      result[t] = sums;
      take(sums, t);
    }
    return result;
  }

  // All tokens' sums as token t receives them, itself included.
  Sums received(Sums sums, const Sums& after, int64_t t) const {
    sums.add(after);
    sums.add(key(t) + boost, value(t), D{} + 1.);
    sums.denominator += kEpsilon;
    return sums;
  }

  void forward(S* y) const {
    const std::vector<Sums> after = later();
    Sums before;
    for (int64_t t = 0; t < tokens; t++) {
      const Sums sums = received(before, after[t], t);
      write(y + t * stride, sums.numerator / sums.denominator);
      take(before, t);
    }
  }

  // dk, dv: as k; dw, du: one value per lane, overwritten. grad: dL/dy, as k. README.md derives the formulas: the
  // gradients are sums over the receiving tokens, with weight e^-peak * (h y, h) where h = grad / denominator.
  void backward(const S* grad, S* dk, S* dv, double* dw, double* du) const {
    struct Receiver {
      D exponent, numerator, denominator;  // -peak, h y, h
    };
    std::vector<Sums> states = later();  // later, then earlier, giving tokens
    std::vector<Receiver> receivers(tokens);
    D decay_gradient{}, boost_gradient{};
    Sums givers, earlier;
    for (int64_t t = 0; t < tokens; t++) {
      const Sums sums = received(givers, states[t], t);
      const D y = sums.numerator / sums.denominator, h = read(grad + t * stride) / sums.denominator;
      receivers[t] = {-sums.peak, h * y, h};
      decay_gradient -= crossing(earlier, states[t]);
      const D own = exp<double>(key(t) + boost - sums.peak) * h;
      boost_gradient += own * (value(t) - y);
      give(t, earlier, own * value(t) - own * y, own, dk, dv);
      states[t] = givers;
      take(givers, t);
      receive(earlier, receivers[t]);
    }
    Sums following;
    for (int64_t t = tokens - 1; t >= 0; t--) {
      decay_gradient -= crossing(following, states[t]);
      give(t, following, read(dk + t * stride), read(dv + t * stride), dk, dv);
      receive(following, receivers[t]);
    }
    store(dw, decay_gradient);
    store(du, boost_gradient);
  }

  template <class R> void receive(Sums& sums, const R& receiver) const {
    sums.peak -= decay;
    sums.add(receiver.exponent, receiver.numerator, receiver.denominator);
  }

  // All that flows over one token, from the givers on one side to the receivers on the other.
  D crossing(const Sums& receivers, const Sums& givers) const {
    const D weight = exp<double>(receivers.peak + givers.peak - decay);
    return weight * (receivers.denominator * givers.numerator - receivers.numerator * givers.denominator);
  }

  // Adds what token t gives to the receivers on one side to what it has given so far, and writes both gradients.
  void give(int64_t t, const Sums& receivers, D key_gradient, D value_gradient, S* dk, S* dv) const {
    const D weight = exp<double>(key(t) + receivers.peak);
    const D share = weight * receivers.denominator;
    write(dv + t * stride, value_gradient + share);
    write(dk + t * stride, key_gradient + share * value(t) - weight * receivers.numerator);
  }
};

}  // namespace biwkv
