#include "half.h"

#include <cmath>
#include <cstring>
#include <limits>

namespace infer {

float half_to_float(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f;
  const int fraction = bits & 0x3ff;
  float size = 0.0f;
  if (exponent == 0x1f) {
    size = fraction == 0 ? std::numeric_limits<float>::infinity() : std::numeric_limits<float>::quiet_NaN();
  } else if (exponent == 0) {
    size = std::ldexp(static_cast<float>(fraction), -24);
  } else {
    size = std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  }
  return std::copysign(size, (bits & 0x8000) != 0 ? -1.0f : 1.0f);
}

void halves_to_floats(const std::byte* halves, std::byte* floats, std::size_t count) {
  for (std::size_t k = 0; k < count; ++k) {
    std::uint16_t bits = 0;
    std::memcpy(&bits, halves + k * sizeof bits, sizeof bits);
    const float value = half_to_float(bits);
    std::memcpy(floats + k * sizeof value, &value, sizeof value);
  }
}

}  // namespace infer
