// Results in half precision, which records of float32 do not hold.
#pragma once

#include <cstddef>
#include <cstdint>

namespace infer {

// Value of an IEEE 754 binary16 number: exact.
float half_to_float(std::uint16_t bits);

// Converts `count` numbers; neither block needs to be aligned.
void halves_to_floats(const std::byte* halves, std::byte* floats, std::size_t count);

}  // namespace infer
