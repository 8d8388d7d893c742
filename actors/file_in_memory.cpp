// SPDX-License-Identifier: Apache-2.0
#include "actors/file_in_memory.hpp"

#include <atomic>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

namespace lyceum {
namespace {

std::atomic<int> alive = 0;

const char* map(int file, std::size_t size) {
  void* memory = ::mmap(nullptr, size, PROT_READ, MAP_SHARED, file, 0);
  return memory == MAP_FAILED ? nullptr : static_cast<const char*>(memory);
}

bool write_all(int file, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(file, bytes.data(), bytes.size());
    if (n <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

} // namespace

std::shared_ptr<const file_in_memory> file_in_memory::of(int file, std::size_t size) {
  const auto* at = map(file, size);
  if (at == nullptr)
    return nullptr;
  const int own = ::fcntl(file, F_DUPFD_CLOEXEC, 3); // -1 is no loss: then it is memory only
  return std::shared_ptr<const file_in_memory>(new file_in_memory(own, {at, size}, false));
}

std::shared_ptr<const file_in_memory> file_in_memory::copy(std::string_view bytes) {
  if (bytes.size() < worth_it_from)
    return nullptr;
  if (alive.fetch_add(1, std::memory_order_relaxed) < alive_max) {
    const int file = ::memfd_create("page", MFD_CLOEXEC);
    if (file >= 0 && write_all(file, bytes))
      if (const auto* at = map(file, bytes.size()))
        return std::shared_ptr<const file_in_memory>(new file_in_memory(file, {at, bytes.size()}, true));
    if (file >= 0)
      ::close(file);
  }
  alive.fetch_sub(1, std::memory_order_relaxed);
  return nullptr;
}

file_in_memory::~file_in_memory() {
  ::munmap(const_cast<char*>(bytes.data()), bytes.size());
  if (fd >= 0)
    ::close(fd);
  if (counted_)
    alive.fetch_sub(1, std::memory_order_relaxed);
}

} // namespace lyceum
