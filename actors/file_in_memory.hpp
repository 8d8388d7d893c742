// SPDX-License-Identifier: Apache-2.0
// Bytes that a program reads as memory and the kernel can send without copying them.
#pragma once

#include <cstddef>
#include <memory>
#include <string_view>

namespace lyceum {

/// A file and its mapping, both gone with the last who holds it. Never changed once made, so that octets which the kernel
/// still has to send stay what they were.
class file_in_memory {
public:
  /// Smaller ones are copied into the socket faster than they are handed over.
  static constexpr std::size_t worth_it_from = 16 * 1024;
  /// Memory files at once (each costs a descriptor). Beyond it pages lie on the heap, which costs a copy for each answer.
  static constexpr int alive_max = 512;

  /// The first `size` bytes of a file. Its descriptor is duplicated. Null where the kernel says no.
  static std::shared_ptr<const file_in_memory> of(int file, std::size_t size);
  /// A file of its own, in memory. Null where that is not worth it, or there are too many.
  static std::shared_ptr<const file_in_memory> copy(std::string_view bytes);
  ~file_in_memory();
  file_in_memory(const file_in_memory&) = delete;
  file_in_memory& operator=(const file_in_memory&) = delete;

  const int fd;
  const std::string_view bytes;

private:
  file_in_memory(int file, std::string_view mapped, bool counted) : fd(file), bytes(mapped), counted_(counted) {}
  bool counted_;
};

} // namespace lyceum
