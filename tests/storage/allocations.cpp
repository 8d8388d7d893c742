// SPDX-License-Identifier: Apache-2.0
#include "tests/storage/allocations.hpp"

#include <cstdlib>
#include <new>

namespace {

thread_local std::size_t taken = 0;

} // namespace

// In a file of their own: where GCC 12 inlines one of a pair it takes the two for mismatched.
void* operator new(std::size_t octets) {
  ++taken;
  if (void* memory = std::malloc(octets == 0 ? 1 : octets))
    return memory;
  throw std::bad_alloc();
}
// Some of the library's algorithms ask for a buffer so. Without it they would get one of the sanitizer's, and give it back here.
void* operator new(std::size_t octets, const std::nothrow_t& /*how*/) noexcept {
  ++taken;
  return std::malloc(octets == 0 ? 1 : octets);
}
void operator delete(void* memory) noexcept {
  std::free(memory);
}
void operator delete(void* memory, std::size_t /*octets*/) noexcept {
  std::free(memory);
}

std::size_t lyceum::allocations() noexcept {
  return taken;
}
